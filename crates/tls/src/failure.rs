//! Why TLS with a peer failed, or would not have verified, in words for trail, log and DSN.

use std::{fmt, io};

use rustls::pki_types::{ServerName, UnixTime};
use rustls::{AlertDescription, CertificateError, Error, InvalidMessage, PeerIncompatible};

use crate::facts::utc;

/// The most names of a certificate that a [`TlsFailure::NameMismatch`] repeats.
const MAX_PRESENTED_NAMES: usize = 5;

/// The longest text from a peer or a library that is repeated, in characters.
const MAX_DETAIL_CHARACTERS: usize = 200;

/// Why a handshake failed, or why the peer's certificate did not verify. Its `Display` is one
/// line of printable ASCII without the peer's name, such as `the certificate is self-signed`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsFailure {
    /// The peer ended the handshake with this alert (its name in RFC 8446 §6, such as
    /// `handshake_failure`).
    Handshake {
        /// The name of the alert.
        alert: String,
    },
    /// The peer and we have no cipher suite, group or signature scheme in common.
    Incompatible {
        /// What is not shared.
        detail: String,
    },
    /// What the peer sent is not TLS at all.
    ProtocolMismatch,
    /// The peer offers nothing newer than TLS 1.1.
    VersionTooLow,
    /// The peer broke the protocol.
    Misbehaved {
        /// In what way.
        detail: String,
    },
    /// The certificate (or one of its chain) has expired.
    Expired {
        /// The last second of its validity in Unix time, if known.
        not_after: Option<u64>,
    },
    /// The certificate (or one of its chain) is not valid yet.
    NotYetValid {
        /// The first second of its validity in Unix time, if known.
        not_before: Option<u64>,
    },
    /// The certificate is for other names.
    NameMismatch {
        /// The name that was asked for, if known.
        expected: Option<String>,
        /// Names it is for; five at most.
        presented: Vec<String>,
    },
    /// No authority that we trust stands behind the certificate.
    Untrusted,
    /// The certificate is signed by itself.
    SelfSigned,
    /// The certificate was revoked.
    Revoked,
    /// None of the host's TLSA records matches the certificate (RFC 7672 §3.1).
    DaneMismatch,
    /// The certificate is wrong in another way.
    BadCertificate {
        /// In what way.
        detail: String,
    },
    /// The peer's name cannot be the name of a TLS server.
    BadHostName {
        /// The name.
        host: String,
    },
    /// The connection broke during the handshake.
    IoDuringHandshake {
        /// In what way.
        kind: io::ErrorKind,
    },
    /// Our own side failed; the peer has no part in it.
    Internal {
        /// In what way.
        detail: String,
    },
}

impl TlsFailure {
    /// Names the cause of a TLS error.
    ///
    /// Whether a certificate of an unknown issuer is self-signed cannot be seen from the error;
    /// [`ClientAttempt::failure`](crate::ClientAttempt::failure) can tell.
    pub fn classify(error: &Error) -> Self {
        match error {
            Error::AlertReceived(AlertDescription::ProtocolVersion) => Self::VersionTooLow,
            Error::AlertReceived(alert) => Self::Handshake { alert: alert_name(*alert) },
            Error::InvalidCertificate(error) => Self::of_certificate(error),
            Error::NoCertificatesPresented => Self::BadCertificate { detail: "none was shown".to_owned() },
            Error::UnsupportedNameType => Self::NameMismatch { expected: None, presented: vec![] },
            Error::PeerIncompatible(reason) => Self::of_incompatibility(reason),
            Error::InvalidMessage(
                InvalidMessage::InvalidContentType
                | InvalidMessage::UnknownProtocolVersion
                | InvalidMessage::InvalidEmptyPayload
                | InvalidMessage::MessageTooLarge,
            ) => Self::ProtocolMismatch,
            Error::InvalidMessage(_)
            | Error::InappropriateMessage { .. }
            | Error::InappropriateHandshakeMessage { .. }
            | Error::PeerMisbehaved(_)
            | Error::DecryptError
            | Error::PeerSentOversizedRecord
            | Error::NoApplicationProtocol => Self::Misbehaved { detail: clean(&error.to_string()) },
            _ => Self::Internal { detail: clean(&error.to_string()) },
        }
    }

    /// Names the cause of an error that a handshake over a socket ended with: a TLS error in
    /// the clothes of an I/O error, or a true I/O error.
    pub fn classify_io(error: &io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
        match inner {
            Some(error) => Self::classify(error),
            None => Self::IoDuringHandshake { kind: error.kind() },
        }
    }

    /// Whether the fault lies in the certificate, so that TLS itself would have worked.
    pub fn is_about_certificate(&self) -> bool {
        matches!(
            self,
            Self::Expired { .. }
                | Self::NotYetValid { .. }
                | Self::NameMismatch { .. }
                | Self::Untrusted
                | Self::SelfSigned
                | Self::Revoked
                | Self::DaneMismatch
                | Self::BadCertificate { .. }
        )
    }

    /// Whether a second attempt with [`ClientProfile::Compatible`](crate::ClientProfile) may
    /// succeed: the handshake itself failed, by what looks like an old or limited peer.
    pub fn may_be_an_old_peer(&self) -> bool {
        match self {
            Self::Handshake { .. }
            | Self::Incompatible { .. }
            | Self::VersionTooLow
            | Self::Misbehaved { .. }
            | Self::BadCertificate { .. } => true,
            Self::IoDuringHandshake { kind } => matches!(
                kind,
                io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
            ),
            _ => false,
        }
    }

    /// The result type of an SMTP TLS report (RFC 8460 §4.3).
    pub fn tlsrpt_result(&self) -> &'static str {
        match self {
            Self::Expired { .. } => "certificate-expired",
            Self::NameMismatch { .. } => "certificate-host-mismatch",
            Self::Untrusted | Self::SelfSigned | Self::NotYetValid { .. } | Self::Revoked => "certificate-not-trusted",
            _ => "validation-failure",
        }
    }

    fn of_certificate(error: &CertificateError) -> Self {
        use CertificateError as Cause;
        let seconds = |time: &UnixTime| Some(time.as_secs());
        match error {
            Cause::Expired => Self::Expired { not_after: None },
            Cause::ExpiredContext { not_after, .. } => Self::Expired { not_after: seconds(not_after) },
            Cause::NotValidYet => Self::NotYetValid { not_before: None },
            Cause::NotValidYetContext { not_before, .. } => Self::NotYetValid { not_before: seconds(not_before) },
            Cause::NotValidForName => Self::NameMismatch { expected: None, presented: Vec::new() },
            Cause::NotValidForNameContext { expected, presented } => Self::NameMismatch {
                expected: Some(server_name_text(expected)),
                presented: presented.iter().take(MAX_PRESENTED_NAMES).map(|name| clean(bare_name(name))).collect(),
            },
            Cause::UnknownIssuer => Self::Untrusted,
            Cause::Revoked => Self::Revoked,
            Cause::BadEncoding => Self::BadCertificate { detail: "it cannot be decoded".to_owned() },
            Cause::BadSignature => {
                Self::BadCertificate { detail: "a signature is wrong or its key too weak".to_owned() }
            }
            Cause::InvalidPurpose | Cause::InvalidPurposeContext { .. } => {
                Self::BadCertificate { detail: "it is not meant for a server".to_owned() }
            }
            // The platform's verifier and webpki wrap what has no case of its own.
            Cause::Other(other) => Self::BadCertificate { detail: clean(&other.to_string()) },
            other => Self::BadCertificate { detail: clean(&other.to_string()) },
        }
    }

    fn of_incompatibility(reason: &PeerIncompatible) -> Self {
        match reason {
            // RFC 5246 §7.4.1.4.1: what TLS 1.2 clients send and older ones do not know. The
            // library asks for it before it looks at the version.
            PeerIncompatible::SignatureAlgorithmsExtensionRequired
            | PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
            | PeerIncompatible::SupportedVersionsExtensionRequired
            | PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled => Self::VersionTooLow,
            other => Self::Incompatible { detail: words(&format!("{other:?}")) },
        }
    }
}

impl fmt::Display for TlsFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Handshake { alert } => write!(f, "the other side ended the TLS handshake ({alert})"),
            Self::Incompatible { detail } => write!(f, "no common ground for TLS ({detail})"),
            Self::ProtocolMismatch => f.write_str("the other side does not speak TLS here"),
            Self::VersionTooLow => f.write_str("the other side offers no TLS version from 1.2 upwards"),
            Self::Misbehaved { detail } => write!(f, "the other side broke the TLS protocol ({detail})"),
            Self::Expired { not_after } => {
                f.write_str("the certificate has expired")?;
                write_time(f, "valid until", *not_after)
            }
            Self::NotYetValid { not_before } => {
                f.write_str("the certificate is not valid yet")?;
                write_time(f, "valid from", *not_before)
            }
            Self::NameMismatch { expected, presented } => {
                f.write_str("the certificate is not for ")?;
                f.write_str(expected.as_deref().unwrap_or("this host name"))?;
                if presented.is_empty() { Ok(()) } else { write!(f, " (it is for {})", presented.join(", ")) }
            }
            Self::Untrusted => f.write_str("the certificate's issuer is not trusted"),
            Self::SelfSigned => f.write_str("the certificate is self-signed"),
            Self::Revoked => f.write_str("the certificate has been revoked"),
            Self::DaneMismatch => f.write_str("the certificate does not match the host's TLSA records"),
            Self::BadCertificate { detail } => write!(f, "the certificate is not acceptable ({detail})"),
            Self::BadHostName { host } => write!(f, "{host} cannot be the name of a TLS server"),
            Self::IoDuringHandshake { kind } => {
                write!(f, "the connection broke during the TLS handshake ({kind})")
            }
            Self::Internal { detail } => write!(f, "TLS failed on our side ({detail})"),
        }
    }
}

impl std::error::Error for TlsFailure {}

fn write_time(f: &mut fmt::Formatter<'_>, words: &str, time: Option<u64>) -> fmt::Result {
    match time.and_then(|time| i64::try_from(time).ok()) {
        Some(time) => write!(f, " ({words} {})", utc(time)),
        None => Ok(()),
    }
}

/// The name of an alert as RFC 8446 §6 writes it, or its number.
fn alert_name(alert: AlertDescription) -> String {
    match alert.as_str() {
        Some(name) => snake_case(name),
        None => format!("alert {}", u8::from(alert)),
    }
}

/// `UnknownCA` → `unknown_ca`.
fn snake_case(name: &str) -> String {
    words(name).replace(' ', "_")
}

/// `NoCipherSuitesInCommon` → `no cipher suites in common`.
fn words(name: &str) -> String {
    let mut result = String::with_capacity(name.len() + 8);
    let mut after_lower_case = false;
    for character in name.chars().take(MAX_DETAIL_CHARACTERS) {
        if character.is_ascii_uppercase() && after_lower_case {
            result.push(' ');
        }
        after_lower_case = character.is_ascii_lowercase() || character.is_ascii_digit();
        result.push(character.to_ascii_lowercase());
    }
    clean(&result)
}

/// `DnsName("mx.example")`, as webpki writes it → `mx.example`.
fn bare_name(presented: &str) -> &str {
    let inner = presented.split_once('(').map_or(presented, |(_, rest)| rest);
    inner.trim_end_matches(')').trim_matches('"')
}

pub(crate) fn server_name_text(name: &ServerName<'_>) -> String {
    clean(&name.to_str())
}

/// Printable ASCII only and not endless: the text may come from the peer, and goes into logs
/// and messages.
fn clean(text: &str) -> String {
    text.chars()
        .take(MAX_DETAIL_CHARACTERS)
        .map(|character| if matches!(character, ' '..='~') { character } else { '?' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(error: &Error, expected: &str) {
        let failure = TlsFailure::classify(error);
        assert_eq!(failure.to_string(), expected);
        assert!(failure.to_string().chars().all(|c| matches!(c, ' '..='~')));
    }

    #[test]
    fn errors_have_words() {
        check(
            &Error::AlertReceived(AlertDescription::HandshakeFailure),
            "the other side ended the TLS handshake (handshake_failure)",
        );
        check(
            &Error::AlertReceived(AlertDescription::UnknownCA),
            "the other side ended the TLS handshake (unknown_ca)",
        );
        check(&Error::AlertReceived(AlertDescription::from(222)), "the other side ended the TLS handshake (alert 222)");
        check(
            &Error::AlertReceived(AlertDescription::ProtocolVersion),
            "the other side offers no TLS version from 1.2 upwards",
        );
        check(
            &Error::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon),
            "no common ground for TLS (no cipher suites in common)",
        );
        check(&Error::InvalidMessage(InvalidMessage::InvalidContentType), "the other side does not speak TLS here");
        check(
            &Error::InvalidCertificate(CertificateError::ExpiredContext {
                time: UnixTime::since_unix_epoch(std::time::Duration::from_secs(10)),
                not_after: UnixTime::since_unix_epoch(std::time::Duration::from_secs(5)),
            }),
            "the certificate has expired (valid until 1970-01-01T00:00:05Z)",
        );
        check(
            &Error::InvalidCertificate(CertificateError::NotValidForNameContext {
                expected: ServerName::try_from("a.example").unwrap(),
                presented: vec!["DnsName(\"b.example\")".to_owned(), "evil\r\nname".to_owned()],
            }),
            "the certificate is not for a.example (it is for b.example, evil??name)",
        );
        check(&Error::General("bad\nluck".to_owned()), "TLS failed on our side (unexpected error: bad?luck)");
    }

    #[test]
    fn true_io_errors_stay_io_errors() {
        let error = io::Error::from(io::ErrorKind::ConnectionReset);
        let failure = TlsFailure::classify_io(&error);
        assert_eq!(failure, TlsFailure::IoDuringHandshake { kind: io::ErrorKind::ConnectionReset });
        assert!(failure.may_be_an_old_peer());
        let wrapped = io::Error::new(io::ErrorKind::InvalidData, Error::NoCertificatesPresented);
        assert!(TlsFailure::classify_io(&wrapped).is_about_certificate());
    }
}
