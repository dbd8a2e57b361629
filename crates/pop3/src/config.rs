//! What a listener tells its sessions; one value shared by all of them.

use std::time::Duration;

use posthouse_model::session::TlsMode;
use posthouse_sasl::Mechanism;

use crate::limits::Limits;

/// The settings of one POP3 listener.
#[derive(Clone, Debug)]
pub struct Config {
    /// The name of this host, in the greeting and in the challenges of CRAM-MD5.
    pub host_name: String,
    /// What the IMPLEMENTATION capability says (RFC 2449 §6.9): printable ASCII; `None` says nothing.
    pub implementation: Option<String>,
    /// When this listener speaks TLS.
    pub tls_mode: TlsMode,
    /// The SASL mechanisms that may be offered; those that need TLS or a channel binding appear only with it.
    pub mechanisms: Vec<Mechanism>,
    /// Whether USER and PASS are accepted, inside TLS.
    pub user_pass: bool,
    /// The LOGIN-DELAY capability (RFC 2449 §6.5), in whole seconds. To enforce it is the business of whoever answers
    /// the login, by [`LoginRefusal::TooSoon`](crate::LoginRefusal::TooSoon).
    pub login_delay: Option<Duration>,
    /// The bounds of a session.
    pub limits: Limits,
}

impl Config {
    /// The settings of a listener with USER/PASS, every mechanism but CRAM-MD5 and the default limits.
    #[must_use]
    pub fn new(host_name: impl Into<String>, tls_mode: TlsMode) -> Self {
        Self {
            host_name: host_name.into(),
            implementation: None,
            tls_mode,
            mechanisms: Mechanism::ALL.into_iter().filter(|&mechanism| mechanism != Mechanism::CramMd5).collect(),
            user_pass: true,
            login_delay: None,
            limits: Limits::default(),
        }
    }
}
