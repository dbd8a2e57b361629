//! What a listener wants of its sessions.

use std::time::Duration;

use posthouse_model::Domain;
use posthouse_model::session::TlsMode;
use posthouse_sasl::Mechanism;

use crate::limits::{LONGEST_HOLD, Limits};

/// What a listener is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Mail from other servers (RFC 5321).
    Mx,
    /// Mail from our own people (RFC 6409).
    Submission,
    /// Mail from a server in front of us (RFC 2033).
    Lmtp,
}

/// Whether clients may or must say who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AuthenticationPolicy {
    /// AUTH is neither offered nor accepted.
    Off,
    /// AUTH is offered; mail may come without it.
    Offered,
    /// Without AUTH only EHLO, HELO, STARTTLS, AUTH, NOOP, RSET and QUIT are answered.
    Required,
}

/// What becomes of message text with a CR or LF that is not part of a CRLF. Neither ever ends a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BareLineEndings {
    /// The message is refused at its end.
    Refuse,
    /// Each becomes a CRLF. Only for clients that are trusted and cannot be repaired: it changes what they signed.
    Normalise,
}

/// What a listener wants of its sessions.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// What the listener is for.
    pub role: Role,
    /// Its name, in the greeting and in replies to EHLO.
    pub host_name: Domain,
    /// When it speaks TLS.
    pub tls_mode: TlsMode,
    /// Whether clients may or must authenticate.
    pub authentication: AuthenticationPolicy,
    /// The mechanisms it offers, as far as the channel permits; those in clear only ever inside TLS.
    pub mechanisms: Vec<Mechanism>,
    /// What becomes of bare CR and LF in message text.
    pub bare_line_endings: BareLineEndings,
    /// How long a message may be told to wait before it is let go (RFC 4865), at most [`LONGEST_HOLD`]; `None` where
    /// none may. For the role submission only, and for sessions that know the date.
    pub max_hold: Option<Duration>,
    /// The least time in which a message can be asked to be delivered that is to be returned otherwise (RFC 2852 §2);
    /// told in DELIVERBY. For the roles mx and submission, and for sessions that know the date.
    pub min_deliver_by: Option<Duration>,
    /// Every bound.
    pub limits: Limits,
}

/// How long a message may be told to wait where nothing else is said.
pub const DEFAULT_MAX_HOLD: Duration = Duration::from_secs(30 * 24 * 60 * 60);

impl ServerConfig {
    /// A listener for other servers' mail: TLS if the client wants, no AUTH.
    #[must_use]
    pub fn mx(host_name: Domain) -> Self {
        Self {
            role: Role::Mx,
            host_name,
            tls_mode: TlsMode::StartTlsOptional,
            authentication: AuthenticationPolicy::Off,
            mechanisms: Vec::new(),
            bare_line_endings: BareLineEndings::Refuse,
            max_hold: None,
            min_deliver_by: None,
            limits: Limits::default(),
        }
    }

    /// A listener for our own people's mail: TLS and AUTH required.
    #[must_use]
    pub fn submission(host_name: Domain, tls_mode: TlsMode) -> Self {
        Self {
            role: Role::Submission,
            tls_mode,
            authentication: AuthenticationPolicy::Required,
            mechanisms: vec![
                Mechanism::ScramSha256Plus,
                Mechanism::ScramSha256,
                Mechanism::ScramSha1Plus,
                Mechanism::ScramSha1,
                Mechanism::Plain,
                Mechanism::Login,
            ],
            max_hold: Some(DEFAULT_MAX_HOLD),
            ..Self::mx(host_name)
        }
    }

    /// A listener for a server in front of us: neither TLS nor AUTH.
    #[must_use]
    pub fn lmtp(host_name: Domain) -> Self {
        Self { role: Role::Lmtp, tls_mode: TlsMode::None, ..Self::mx(host_name) }
    }

    /// How long a message may wait, where that is offered. RFC 4865 §3: it is for submission only.
    pub(super) fn offered_hold(&self) -> Option<Duration> {
        self.max_hold.filter(|_| self.role == Role::Submission).map(|most| most.min(LONGEST_HOLD))
    }

    pub(super) fn is_lmtp(&self) -> bool {
        self.role == Role::Lmtp
    }
}
