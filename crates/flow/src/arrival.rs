//! How a message came in.

use posthouse_identity::Permit;
use posthouse_model::session::{Peer, TlsInfo};

/// Through which door, which says what may be done there.
#[derive(Clone, Debug)]
pub enum Door {
    /// From any host, for our own recipients only.
    Mx,
    /// From somebody who signed in, for anybody.
    Submission(Permit),
    /// From a trusted neighbour, for our own recipients only (LMTP).
    Lmtp,
}

impl Door {
    /// Who signed in, if somebody had to.
    pub fn permit(&self) -> Option<&Permit> {
        match self {
            Self::Submission(permit) => Some(permit),
            Self::Mx | Self::Lmtp => None,
        }
    }
}

/// How a message came in.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Through which door.
    pub door: Door,
    /// From where.
    pub peer: Peer,
    /// What the client called itself; empty if nothing.
    pub helo: String,
    /// The `with` word of the trace field (RFC 3848), such as `ESMTPSA`.
    pub with: &'static str,
    /// The TLS it came through.
    pub tls: Option<TlsInfo>,
}
