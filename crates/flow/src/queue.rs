//! Mail on its way out: when to try, by which hosts, and what to tell whom when it is over.

mod body_room;
mod cause_code;
pub mod courier;
mod deadlines;
pub mod dispatcher;
pub mod double_bounces;
pub(crate) mod hops;
mod news;
mod outcome;
pub mod pace;
mod release;
pub(crate) mod report;
mod rounds;
pub mod schedule;
mod send;
pub mod steering;
pub mod sts;
pub mod tls_outcomes;
pub mod tls_problem;
pub mod tokens;
pub mod transport_view;
mod window;
