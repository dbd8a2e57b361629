//! Listeners: what each is for, its sockets, and the way of a connection from `accept` to its session.

mod accept;
mod bind;
mod open;
mod refusal;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use posthouse_model::Domain;
use posthouse_model::session::TlsMode;
use posthouse_sasl::Mechanism;
use posthouse_tls::ServerTls;

use crate::web::WebLimits;

pub(crate) use accept::{accept_loop, handshake_failed};
pub use bind::{BindError, BoundListener, bind};
pub(crate) use open::{OpenListener, SessionSettings};

/// What a listener is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ListenerRole {
    /// Mail from other servers.
    Mx,
    /// Mail from our own people.
    Submission,
    /// Mail from a server in front of us.
    Lmtp,
    /// Mailboxes.
    Imap,
    /// INBOX only.
    Pop3,
    /// What other hosts fetch and post: our MTA-STS policy, and reports about TLS.
    Https,
    /// Whether all is well, and the figures: for whoever watches over this server.
    Health,
}

impl ListenerRole {
    /// The word of the configuration, the log and the metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mx => "mx",
            Self::Submission => "submission",
            Self::Lmtp => "lmtp",
            Self::Imap => "imap",
            Self::Pop3 => "pop3",
            Self::Https => "https",
            Self::Health => "health",
        }
    }
}

/// The bounds of one listener that are not those of its protocol.
#[derive(Clone, Debug)]
pub struct ListenerLimits {
    /// Connections at once.
    pub max_connections: usize,
    /// Connections at once from one address.
    pub max_per_address: usize,
    /// How long a trusted proxy may take for its header.
    pub proxy_header_timeout: Duration,
    /// How long a TLS handshake may take.
    pub tls_handshake_timeout: Duration,
    /// How long a client may take to read one batch of output (64 KiB); whoever is slower is cut off.
    pub write_timeout: Duration,
    /// How often a client that waits for a search is told how far that is (RFC 9585 §4).
    pub progress_interval: Duration,
    /// How long a connection may go on after the server was told to end.
    pub shutdown_grace: Duration,
}

impl Default for ListenerLimits {
    fn default() -> Self {
        Self {
            max_connections: 10_000,
            max_per_address: 100,
            proxy_header_timeout: Duration::from_secs(5),
            tls_handshake_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(300),
            progress_interval: Duration::from_secs(10),
            shutdown_grace: Duration::from_secs(10),
        }
    }
}

/// The settings of one listener.
#[derive(Clone, Debug)]
pub struct ListenerConfig {
    /// Its name in logs and metrics.
    pub name: String,
    /// Where it listens. An IPv6 address takes IPv6 only.
    pub addresses: Vec<SocketAddr>,
    /// What it is for.
    pub role: ListenerRole,
    /// When it speaks TLS.
    pub tls_mode: TlsMode,
    /// Its TLS; needed unless the mode is [`TlsMode::None`].
    pub tls: Option<Arc<ServerTls>>,
    /// What it calls itself.
    pub host_name: Domain,
    /// Whether IMAP clients may log in as somebody else on the same connection.
    pub unauthenticate: bool,
    /// The mechanisms it offers, as far as the channel permits.
    pub mechanisms: Vec<Mechanism>,
    /// The domain that completes a login without one (AUTH-4).
    pub default_domain: Option<Domain>,
    /// The addresses of proxies, which must begin with a PROXY header.
    pub proxies: Vec<IpNet>,
    /// The addresses of neighbours that may say by XCLIENT on whose behalf they come, for the roles mx, submission and
    /// lmtp.
    pub xclient_from: Vec<IpNet>,
    /// Whether the conversations are logged; can be switched while the server runs.
    pub protocol_log: bool,
    /// How long messages may be told to wait (RFC 4865), for the role submission; `None` where none may.
    pub max_hold: Option<Duration>,
    /// The least time in which mail can be asked to be delivered (RFC 2852), for the roles mx and submission.
    pub min_deliver_by: Option<Duration>,
    /// The bounds of its connections.
    pub limits: ListenerLimits,
    /// The bounds of its sessions, for the roles mx, submission and lmtp.
    pub smtp_limits: posthouse_smtp::Limits,
    /// The bounds of its sessions, for the role imap.
    pub imap_limits: posthouse_imap::Limits,
    /// The bounds of its sessions, for the role pop3.
    pub pop3_limits: posthouse_pop3::Limits,
    /// The bounds of its connections, for the roles https and health.
    pub web_limits: WebLimits,
}

impl ListenerConfig {
    /// The defaults for a listener: every mechanism but CRAM-MD5, no proxies, no protocol log.
    pub fn new(
        name: impl Into<String>,
        addresses: Vec<SocketAddr>,
        role: ListenerRole,
        tls_mode: TlsMode,
        tls: Option<Arc<ServerTls>>,
        host_name: Domain,
    ) -> Self {
        Self {
            name: name.into(),
            addresses,
            role,
            tls_mode,
            tls,
            host_name,
            unauthenticate: false,
            mechanisms: Mechanism::ALL.into_iter().filter(|&mechanism| mechanism != Mechanism::CramMd5).collect(),
            default_domain: None,
            proxies: Vec::new(),
            xclient_from: Vec::new(),
            protocol_log: false,
            max_hold: (role == ListenerRole::Submission).then_some(posthouse_smtp::server::DEFAULT_MAX_HOLD),
            min_deliver_by: None,
            limits: ListenerLimits::default(),
            smtp_limits: posthouse_smtp::Limits::default(),
            imap_limits: posthouse_imap::Limits::default(),
            pop3_limits: posthouse_pop3::Limits::default(),
            web_limits: WebLimits::default(),
        }
    }
}
