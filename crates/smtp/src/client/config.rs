//! What a connection to another server is to be like.

use posthouse_model::Domain;
use posthouse_sasl::{Credentials, Mechanism, NONCE_BYTES};

use crate::limits::ClientTimeouts;

/// Which protocol the other side speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClientProtocol {
    /// RFC 5321.
    Smtp,
    /// RFC 2033.
    Lmtp,
}

/// What is wanted of TLS. Whether a certificate will do is the driver's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClientTlsMode {
    /// From the first byte; the session awaits [`tls_established`](super::ClientSession::tls_established).
    Implicit,
    /// By STARTTLS, or no mail.
    Required,
    /// By STARTTLS if it is offered and granted.
    Opportunistic,
    /// Never.
    Off,
}

/// How to sign in at a smart host.
#[derive(Clone, Debug)]
pub struct ClientAuthentication {
    /// Who we are there.
    pub credentials: Credentials,
    /// The mechanisms that our policy allows. Those in clear are only ever used inside TLS.
    pub allowed: Vec<Mechanism>,
    /// Fresh random bytes, never used before.
    pub nonce: [u8; NONCE_BYTES],
}

/// What one connection is to be like.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// Our name, for EHLO.
    pub host_name: Domain,
    /// What the other side speaks.
    pub protocol: ClientProtocol,
    /// What is wanted of TLS.
    pub tls_mode: ClientTlsMode,
    /// How to sign in; then no mail goes without.
    pub authentication: Option<ClientAuthentication>,
    /// Whether BDAT is used where it is offered. Text that is not binary can always go by DATA.
    pub use_chunking: bool,
    /// How long to wait for what.
    pub timeouts: ClientTimeouts,
}

impl ClientConfig {
    /// Delivery to another server: TLS if it can be had, no login.
    #[must_use]
    pub fn new(host_name: Domain) -> Self {
        Self {
            host_name,
            protocol: ClientProtocol::Smtp,
            tls_mode: ClientTlsMode::Opportunistic,
            authentication: None,
            use_chunking: true,
            timeouts: ClientTimeouts::default(),
        }
    }
}
