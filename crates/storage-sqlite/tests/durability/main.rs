//! Processes that are killed, and processes whose system calls fail: what they acknowledged is there.
//!
//! The test binary starts itself again as the process that suffers: it runs the test `child` with an environment
//! that says what to do.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod child;
mod failing_calls;
mod house;
mod indexed;
mod killed;
mod random;
mod shuffled;
