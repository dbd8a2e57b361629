//! Conversations with the server session.

mod dialect;

mod attacks;
mod authentication;
mod chunking;
mod deliver_by;
mod future_release;
mod limits;
mod lmtp;
mod properties;
mod submission;
mod transactions;
mod xclient;
