//! How mail is carried.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use posthouse_model::Domain;
use posthouse_smtp::ClientTimeouts;

/// How long a host may take to accept a connection, when nothing else is said.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a connection is kept for the next message.
const IDLE_TIME: Duration = Duration::from_secs(5);
/// Connections kept at once.
const IDLE_CONNECTIONS: usize = 64;

/// How mail is carried.
#[derive(Clone, Debug)]
pub struct CourierOptions {
    /// What we call ourselves in EHLO.
    pub helo: Domain,
    /// How long a host may take to accept a connection.
    pub connect_timeout: Duration,
    /// How long it may take to answer.
    pub timeouts: ClientTimeouts,
    /// The address that connections over IPv4 come from; `None` for any of ours.
    pub source_v4: Option<Ipv4Addr>,
    /// The address that connections over IPv6 come from; `None` for any of ours.
    pub source_v6: Option<Ipv6Addr>,
    /// How long a connection is kept for the next message.
    pub idle_time: Duration,
    /// Connections kept at once; beyond it the oldest go.
    pub idle_connections: usize,
    /// Whether text goes in chunks where the host can take them (RFC 3030).
    pub use_chunking: bool,
}

impl CourierOptions {
    /// The defaults for a host that calls itself `helo`.
    pub fn new(helo: Domain) -> Self {
        Self {
            helo,
            connect_timeout: CONNECT_TIMEOUT,
            timeouts: ClientTimeouts::default(),
            source_v4: None,
            source_v6: None,
            idle_time: IDLE_TIME,
            idle_connections: IDLE_CONNECTIONS,
            use_chunking: true,
        }
    }
}
