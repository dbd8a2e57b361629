//! Mail on its way out: when to try, by which hosts, and what to tell whom when it is over.

pub mod courier;
pub mod dispatcher;
mod hops;
mod outcome;
pub mod pace;
pub(crate) mod report;
pub mod schedule;
mod send;
pub mod tls_problem;
