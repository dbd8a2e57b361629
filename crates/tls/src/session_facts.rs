//! What is known about a connection once its handshake is over.

use std::fmt;

use rustls::pki_types::CertificateDer;
use rustls::{ClientConnection, CommonState, HandshakeKind, NamedGroup, ProtocolVersion, ServerConnection};

use crate::client::ClientAttempt;
use crate::facts::CertificateFacts;
use crate::failure::{TlsFailure, server_name_text};

/// Whether the other side proved its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeerVerification {
    /// It showed no certificate (usual for clients).
    NoCertificate,
    /// Its certificate verified: chain, dates, and for a server its name.
    Verified,
    /// Its certificate matched the TLSA records that were given (RFC 7672 §3).
    VerifiedByDane,
    /// Its certificate did not verify; the connection is encrypted all the same.
    Failed(TlsFailure),
}

impl fmt::Display for PeerVerification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCertificate => f.write_str("no certificate"),
            Self::Verified => f.write_str("verified"),
            Self::VerifiedByDane => f.write_str("verified by DANE"),
            Self::Failed(failure) => write!(f, "not verified: {failure}"),
        }
    }
}

/// Most certificates of a chain that are kept.
const MAX_CHAIN: usize = 10;

/// What is known about a connection once its handshake is over. Its `Display` is version and
/// suite, such as `TLS1.3 TLS_AES_256_GCM_SHA384`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFacts {
    /// `TLS1.2` or `TLS1.3`.
    pub version: &'static str,
    /// The cipher suite, by its name in IANA's registry.
    pub cipher_suite: &'static str,
    /// The group of the key exchange, by its name in IANA's registry. Absent where a TLS 1.2
    /// session was resumed, for no keys were exchanged.
    pub key_exchange: Option<&'static str>,
    /// The name that the client asked for.
    pub server_name: Option<String>,
    /// The application protocol agreed on (RFC 7301).
    pub alpn: Option<String>,
    /// The other side's certificate.
    pub peer_certificate: Option<CertificateFacts>,
    /// The further certificates that it showed, as they came: [`TlsFacts::chain`] reads them.
    further_certificates: Vec<CertificateDer<'static>>,
    /// What verifying it said.
    pub verified: PeerVerification,
    /// Whether an earlier session was resumed.
    pub is_resumed: bool,
}

impl TlsFacts {
    /// The facts of a server's connection after its handshake.
    pub fn of_server(connection: &ServerConnection) -> Self {
        // A client's certificate that does not verify fails the handshake.
        let verified = match connection.peer_certificates() {
            Some(_) => PeerVerification::Verified,
            None => PeerVerification::NoCertificate,
        };
        let server_name = connection.server_name().map(str::to_owned);
        Self::of(connection, server_name, verified)
    }

    /// The facts of a client's connection after its handshake.
    pub fn of_client(connection: &ClientConnection, attempt: &ClientAttempt) -> Self {
        let server_name = server_name_text(attempt.server_name());
        Self::of(connection, Some(server_name), attempt.verification())
    }

    /// The other side's certificate, and those that it showed with it, in its order. What cannot be read is left out, and
    /// so is what comes after the first ten.
    pub fn chain(&self) -> Vec<CertificateFacts> {
        let further = self.further_certificates.iter().filter_map(|der| CertificateFacts::of_der(der).ok());
        self.peer_certificate.iter().cloned().chain(further).collect()
    }

    fn of(state: &CommonState, server_name: Option<String>, verified: PeerVerification) -> Self {
        Self {
            version: match state.protocol_version() {
                Some(ProtocolVersion::TLSv1_3) => "TLS1.3",
                Some(ProtocolVersion::TLSv1_2) => "TLS1.2",
                _ => "TLS",
            },
            cipher_suite: state
                .negotiated_cipher_suite()
                .and_then(|suite| suite.suite().as_str())
                .map_or("unknown", iana_suite_name),
            key_exchange: state.negotiated_key_exchange_group().and_then(|group| iana_group_name(group.name())),
            server_name,
            alpn: state.alpn_protocol().map(|protocol| String::from_utf8_lossy(protocol).into_owned()),
            peer_certificate: state
                .peer_certificates()
                .and_then(<[_]>::first)
                .and_then(|der| CertificateFacts::of_der(der).ok()),
            further_certificates: state
                .peer_certificates()
                .map(|all| all.iter().skip(1).take(MAX_CHAIN - 1).cloned().collect())
                .unwrap_or_default(),
            verified,
            is_resumed: state.handshake_kind() == Some(HandshakeKind::Resumed),
        }
    }
}

impl fmt::Display for TlsFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.version, self.cipher_suite)
    }
}

/// rustls marks the suites of TLS 1.3 with a prefix of its own.
fn iana_suite_name(name: &'static str) -> &'static str {
    match name {
        "TLS13_AES_256_GCM_SHA384" => "TLS_AES_256_GCM_SHA384",
        "TLS13_AES_128_GCM_SHA256" => "TLS_AES_128_GCM_SHA256",
        "TLS13_CHACHA20_POLY1305_SHA256" => "TLS_CHACHA20_POLY1305_SHA256",
        name => name,
    }
}

fn iana_group_name(group: NamedGroup) -> Option<&'static str> {
    match group {
        NamedGroup::X25519 => Some("x25519"),
        NamedGroup::X448 => Some("x448"),
        group => group.as_str(),
    }
}
