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
    /// EXTERNAL (RFC 4422 Appendix A): the TLS certificate that the client has shown.
    External,
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
    /// OAUTHBEARER (RFC 7628): a token of OAuth. Only our client speaks it.
    OAuthBearer,
    /// XOAUTH2: what Google and Microsoft had before OAUTHBEARER. Only our client speaks it.
    XOAuth2,
}

impl Mechanism {
    /// Every mechanism that both our sides speak, the preferred first.
    pub const ALL: [Self; 8] = [
        Self::External,
        Self::ScramSha256Plus,
        Self::ScramSha256,
        Self::ScramSha1Plus,
        Self::ScramSha1,
        Self::Plain,
        Self::Login,
        Self::CramMd5,
    ];

    /// Those that only our client speaks: they take a token of OAuth in the place of a password, the preferred first.
    pub const BY_TOKEN: [Self; 2] = [Self::OAuthBearer, Self::XOAuth2];

    /// The registered name, in upper case (RFC 4422 §3.1).
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::External => "EXTERNAL",
            Self::ScramSha256Plus => "SCRAM-SHA-256-PLUS",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha1Plus => "SCRAM-SHA-1-PLUS",
            Self::ScramSha1 => "SCRAM-SHA-1",
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
            Self::CramMd5 => "CRAM-MD5",
            Self::OAuthBearer => "OAUTHBEARER",
            Self::XOAuth2 => "XOAUTH2",
        }
    }

    /// Whether the password or token crosses the wire as it is, so that the mechanism must not be used outside TLS
    /// (RFC 4616 §5, RFC 7628 §4).
    #[must_use]
    pub const fn is_cleartext(self) -> bool {
        matches!(self, Self::Plain | Self::Login | Self::OAuthBearer | Self::XOAuth2)
    }

    /// Whether it takes a token of OAuth in the place of a password.
    #[must_use]
    pub const fn takes_token(self) -> bool {
        matches!(self, Self::OAuthBearer | Self::XOAuth2)
    }

    /// Whether the mechanism is a -PLUS variant, which exists only where the TLS channel can be bound (RFC 5802 §6).
    #[must_use]
    pub const fn needs_channel_binding(self) -> bool {
        matches!(self, Self::ScramSha256Plus | Self::ScramSha1Plus)
    }

    /// Whether the mechanism proves nothing by itself and rests on a certificate that TLS has verified.
    #[must_use]
    pub const fn needs_client_certificate(self) -> bool {
        matches!(self, Self::External)
    }

    /// The hash of a SCRAM mechanism.
    #[must_use]
    pub const fn scram_hash(self) -> Option<ScramHash> {
        match self {
            Self::ScramSha256Plus | Self::ScramSha256 => Some(ScramHash::Sha256),
            Self::ScramSha1Plus | Self::ScramSha1 => Some(ScramHash::Sha1),
            Self::External | Self::Plain | Self::Login | Self::CramMd5 | Self::OAuthBearer | Self::XOAuth2 => None,
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
        let mut every = Self::ALL.into_iter().chain(Self::BY_TOKEN);
        every.find(|mechanism| mechanism.name().eq_ignore_ascii_case(name)).ok_or(UnknownMechanism)
    }
}

/// The TLS around a connection, as far as signing in rests on it.
#[derive(Debug, Clone, Copy)]
pub struct TlsChannel<'a> {
    /// What the channel can be bound by.
    pub bindings: &'a ChannelBindings,
    /// Whether the client has shown a certificate that was verified.
    pub client_certificate: bool,
}

impl TlsChannel<'_> {
    fn permits(&self, mechanism: Mechanism) -> bool {
        (!mechanism.needs_channel_binding() || !self.bindings.is_empty())
            && (!mechanism.needs_client_certificate() || self.client_certificate)
    }
}

/// What a listener offers at this moment out of what it is configured to offer: nothing in clear outside TLS, no
/// -PLUS without a channel to bind to (RFC 5802 §6), no EXTERNAL without a certificate (RFC 4422 §A.1). Preferred
/// first, each once. `channel` is `None` outside TLS.
#[must_use]
pub fn offer(configured: &[Mechanism], channel: Option<TlsChannel<'_>>) -> Vec<Mechanism> {
    Mechanism::ALL
        .into_iter()
        .filter(|mechanism| configured.contains(mechanism))
        .filter(|mechanism| match channel {
            Some(channel) => channel.permits(*mechanism),
            None => {
                !mechanism.is_cleartext() && !mechanism.needs_channel_binding() && !mechanism.needs_client_certificate()
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_in_any_case() {
        for mechanism in Mechanism::ALL.into_iter().chain(Mechanism::BY_TOKEN) {
            assert_eq!(mechanism.to_string().parse(), Ok(mechanism));
            assert_eq!(mechanism.name().to_ascii_lowercase().parse(), Ok(mechanism));
        }
        for name in ["", "SCRAM", "PLAIN ", "SCRAM-SHA-512", "ANONYMOUS"] {
            assert_eq!(name.parse::<Mechanism>(), Err(UnknownMechanism), "{name}");
        }
    }

    #[test]
    fn preference_is_the_order_of_the_variants() {
        assert!(Mechanism::ALL.into_iter().chain(Mechanism::BY_TOKEN).is_sorted());
    }

    #[test]
    fn offers_follow_the_channel() {
        #[track_caller]
        fn check(tls_active: bool, bound: bool, client_certificate: bool, expected: &[Mechanism]) {
            let bindings = ChannelBindings { tls_exporter: bound.then(|| vec![1; 32]), tls_server_end_point: None };
            let mut configured = Mechanism::ALL.to_vec();
            configured.reverse();
            let channel = TlsChannel { bindings: &bindings, client_certificate };
            assert_eq!(offer(&configured, tls_active.then_some(channel)), expected);
        }
        use Mechanism::*;
        check(true, true, true, &Mechanism::ALL);
        check(true, true, false, &Mechanism::ALL[1..]);
        check(true, false, true, &[External, ScramSha256, ScramSha1, Plain, Login, CramMd5]);
        check(true, false, false, &[ScramSha256, ScramSha1, Plain, Login, CramMd5]);
        for (bound, client_certificate) in [(false, false), (false, true), (true, false), (true, true)] {
            check(false, bound, client_certificate, &[ScramSha256, ScramSha1, CramMd5]);
        }
        let bindings = ChannelBindings::default();
        let channel = TlsChannel { bindings: &bindings, client_certificate: true };
        assert_eq!(offer(&[Plain, Plain], Some(channel)), [Plain]);
        assert_eq!(offer(&Mechanism::BY_TOKEN, Some(channel)), [], "our server takes no tokens");
    }
}
