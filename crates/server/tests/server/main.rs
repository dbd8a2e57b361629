//! The whole server on loopback, driven by clients that speak the wire themselves.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the whole file is a test; the lint knows only test functions"
)]

mod appending;
mod attacks;
mod certificates;
mod client;
mod compressing;
mod credentials;
mod ending;
mod faults;
mod house;
mod inventory;
mod limits;
mod logged;
mod logs;
mod notify;
mod proxy;
mod round_trip;
mod searching;
mod sharing;
mod sign_in;
mod signed_out;
mod slow;
mod web;
