//! Drivers of the sessions: each reads, feeds its session, and does what the session says.
//!
//! [`connection`] is the loop that all share. What a session asks is answered by a *desk*: one for each protocol,
//! which turns questions into calls of the rooms and their results into answers. Reply texts are the sessions' business.

pub(crate) mod connection;
pub(crate) mod ending;
pub(crate) mod imap;
pub(crate) mod maildrops;
pub(crate) mod pop3;
mod sending;
pub(crate) mod sign_in;
pub(crate) mod smtp;
pub(crate) mod web;

use posthouse_model::session::{Peer, TlsInfo};

use crate::transport::Transport;

/// A connection that is ready for its session.
pub(crate) struct Incoming {
    pub(crate) transport: Transport,
    /// The TLS around it, where TLS came first.
    pub(crate) tls: Option<TlsInfo>,
    pub(crate) peer: Peer,
}
