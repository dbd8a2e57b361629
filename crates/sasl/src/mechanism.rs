//! The mechanisms by name, in the order in which we prefer them.

use std::fmt;
use std::str::FromStr;

use crate::channel_binding::ChannelBindings;
use crate::scram::ScramHash;

/// A SASL mechanism that this house speaks. The order of the variants, and so of `Ord`, is the order of preference:
/// the smaller, the better.
///
/// CRAM-MD5 stands last: what it needs the server to store is as good as the password itself to a thief who logs in by
/// CRAM-MD5. Inside TLS a password in PLAIN, stored as a slow hash, is the lesser risk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mechanism {
    /// SCRAM-SHA-256-PLUS, with channel binding (RFC 7677).
    ScramSha256Plus,
    /// SCRAM-SHA-256 (RFC 7677).
    ScramSha256,
    /// SCRAM-SHA-1-PLUS, with channel binding (RFC 5802).
    ScramSha1Plus,
    /// SCRAM-SHA-1 (RFC 5802).
    ScramSha1,
    /// PLAIN (RFC 4616): the password itself, only inside TLS.
    Plain,
    /// LOGIN (draft-murchison-sasl-login): the password itself, only inside TLS.
    Login,
    /// CRAM-MD5 (RFC 2195).
    CramMd5,
}

impl Mechanism {
    /// Every mechanism, the preferred first.
    pub const ALL: [Self; 7] = [
        Self::ScramSha256Plus,
        Self::ScramSha256,
        Self::ScramSha1Plus,
        Self::ScramSha1,
        Self::Plain,
        Self::Login,
        Self::CramMd5,
    ];

    /// The registered name, in upper case (RFC 4422 §3.1).
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ScramSha256Plus => "SCRAM-SHA-256-PLUS",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha1Plus => "SCRAM-SHA-1-PLUS",
            Self::ScramSha1 => "SCRAM-SHA-1",
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
            Self::CramMd5 => "CRAM-MD5",
        }
    }

    /// Whether the password crosses the wire as it is, so that the mechanism must not be used outside TLS
    /// (RFC 4616 §5).
    #[must_use]
    pub const fn is_cleartext(self) -> bool {
        matches!(self, Self::Plain | Self::Login)
    }

    /// Whether the mechanism is a -PLUS variant, which exists only where the TLS channel can be bound (RFC 5802 §6).
    #[must_use]
    pub const fn needs_channel_binding(self) -> bool {
        matches!(self, Self::ScramSha256Plus | Self::ScramSha1Plus)
    }

    /// The hash of a SCRAM mechanism.
    #[must_use]
    pub const fn scram_hash(self) -> Option<ScramHash> {
        match self {
            Self::ScramSha256Plus | Self::ScramSha256 => Some(ScramHash::Sha256),
            Self::ScramSha1Plus | Self::ScramSha1 => Some(ScramHash::Sha1),
            Self::Plain | Self::Login | Self::CramMd5 => None,
        }
    }

    /// Whether the client speaks first, so that an initial response may come with the command (RFC 4422 §5, item 2a).
    /// LOGIN is not such a mechanism, though clients treat it as one and we let them.
    #[must_use]
    pub const fn is_client_first(self) -> bool {
        !matches!(self, Self::Login | Self::CramMd5)
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// The name is of no mechanism that we know. What the client wrote is not repeated: it may be a password in the wrong
/// place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown SASL mechanism")]
pub struct UnknownMechanism;

impl FromStr for Mechanism {
    type Err = UnknownMechanism;

    /// Reads a name without regard to case, as the protocols that carry SASL read their keywords.
    fn from_str(name: &str) -> Result<Self, UnknownMechanism> {
        Self::ALL.into_iter().find(|mechanism| mechanism.name().eq_ignore_ascii_case(name)).ok_or(UnknownMechanism)
    }
}

/// What a listener offers at this moment out of what it is configured to offer: nothing in clear outside TLS, no
/// -PLUS without a channel to bind to (RFC 5802 §6). Preferred first, each once.
#[must_use]
pub fn offer(configured: &[Mechanism], tls_active: bool, channel_bindings: &ChannelBindings) -> Vec<Mechanism> {
    Mechanism::ALL
        .into_iter()
        .filter(|mechanism| configured.contains(mechanism))
        .filter(|mechanism| tls_active || !mechanism.is_cleartext())
        .filter(|mechanism| !mechanism.needs_channel_binding() || (tls_active && !channel_bindings.is_empty()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_in_any_case() {
        for mechanism in Mechanism::ALL {
            assert_eq!(mechanism.to_string().parse(), Ok(mechanism));
            assert_eq!(mechanism.name().to_ascii_lowercase().parse(), Ok(mechanism));
        }
        for name in ["", "SCRAM", "PLAIN ", "SCRAM-SHA-512", "ANONYMOUS"] {
            assert_eq!(name.parse::<Mechanism>(), Err(UnknownMechanism), "{name}");
        }
    }

    #[test]
    fn preference_is_the_order_of_the_variants() {
        assert!(Mechanism::ALL.is_sorted());
    }

    #[test]
    fn offers_follow_the_channel() {
        #[track_caller]
        fn check(tls_active: bool, bound: bool, expected: &[Mechanism]) {
            let bindings = ChannelBindings { tls_exporter: bound.then(|| vec![1; 32]), tls_server_end_point: None };
            let mut configured = Mechanism::ALL.to_vec();
            configured.reverse();
            assert_eq!(offer(&configured, tls_active, &bindings), expected);
        }
        use Mechanism::*;
        check(true, true, &Mechanism::ALL);
        check(true, false, &[ScramSha256, ScramSha1, Plain, Login, CramMd5]);
        check(false, false, &[ScramSha256, ScramSha1, CramMd5]);
        check(false, true, &[ScramSha256, ScramSha1, CramMd5]);
        assert_eq!(offer(&[Plain, Plain], true, &ChannelBindings::default()), [Plain]);
    }
}
