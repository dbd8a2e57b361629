//! Listeners, drivers of the sessions, resolver, outbound courier.
//!
//! A connection comes in through a [`listener`](ListenerConfig): admission, PROXY header, TLS handshake. Then one loop
//! (`drivers::connection`) reads, feeds the protocol's session and does what the session says; a *desk* for each protocol
//! answers the session's questions out of the [`Rooms`].
//!
//! This crate never decides what a client is told about a command, and never looks into a message: the one is the
//! sessions' business, the other that of the rooms. Secrets and mail never reach its logs.

mod admission;
mod clock;
pub mod courier;
mod drivers;
mod failed_logins;
mod handshake;
mod house;
pub mod https;
pub mod inventory;
mod listener;
mod metrics;
mod protocol_log;
mod proxy_protocol;
pub mod resolver;
mod server;
mod signed_in;
pub mod sts;
pub mod tls_reports;
mod transport;
pub mod web;

pub use admission::FlowControl;
pub use house::Rooms;
pub use listener::{BindError, BoundListener, ListenerConfig, ListenerLimits, ListenerRole, bind};
pub use metrics::Metrics;
pub use server::{ListenerAddress, MaxFailedLogins, Server, ServerOptions};
