//! Channel bindings for SASL: what ties a login to the TLS connection that it runs in.

use std::fmt;

use aws_lc_rs::digest;
use rustls::{ClientConnection, ConnectionCommon, ProtocolVersion, ServerConnection};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::signature_algorithm::SignatureAlgorithm;
use x509_parser::{asn1_rs, oid_registry};

use crate::library::ChosenCertificate;

/// RFC 9266 §2: the label of the exporter.
const EXPORTER_LABEL: &[u8] = b"EXPORTER-Channel-Binding";

/// RFC 9266 §2: the length of the exported value, in bytes.
const EXPORTER_BYTES: usize = 32;

/// The channel bindings that a connection offers to SASL. `tls-unique` is not among them: it
/// is broken in TLS 1.2 and undefined in TLS 1.3 (RFC 9266 §1).
#[derive(Clone, PartialEq, Eq)]
pub struct ChannelBindings {
    /// `tls-exporter` (RFC 9266), on TLS 1.3 only: nothing tells whether a TLS 1.2 connection
    /// has the extended master secret that the standard asks for.
    pub tls_exporter: Option<Vec<u8>>,
    /// `tls-server-end-point` (RFC 5929 §4), where the certificate's signature defines it.
    pub tls_server_end_point: Option<Vec<u8>>,
}

impl fmt::Debug for ChannelBindings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChannelBindings")
            .field("tls_exporter", &self.tls_exporter.as_ref().map(|_| ".."))
            .field("tls_server_end_point", &self.tls_server_end_point.as_ref().map(|_| ".."))
            .finish()
    }
}

/// The bindings of a server's connection after its handshake. `chosen` is the certificate that
/// [`ServerTls::config_for`](crate::ServerTls::config_for) returned for it.
pub fn channel_bindings(connection: &ServerConnection, chosen: &ChosenCertificate) -> ChannelBindings {
    ChannelBindings {
        tls_exporter: tls_exporter(connection),
        tls_server_end_point: chosen.tls_server_end_point().map(<[u8]>::to_vec),
    }
}

/// The bindings of a client's connection after its handshake.
pub fn client_channel_bindings(connection: &ClientConnection) -> ChannelBindings {
    let certificate = connection.peer_certificates().and_then(<[_]>::first);
    ChannelBindings {
        tls_exporter: tls_exporter(connection),
        tls_server_end_point: certificate.and_then(|der| tls_server_end_point(der)),
    }
}

fn tls_exporter<Side>(connection: &ConnectionCommon<Side>) -> Option<Vec<u8>> {
    if connection.protocol_version() != Some(ProtocolVersion::TLSv1_3) {
        return None;
    }
    connection.export_keying_material(vec![0; EXPORTER_BYTES], EXPORTER_LABEL, Some(b"")).ok()
}

/// The `tls-server-end-point` binding of an encoded certificate.
///
/// RFC 5929 §4.1: its hash by the hash function of its signature, but SHA-256 in place of MD5
/// and SHA-1. Undefined (`None`) where the signature has no hash function of its own, such as
/// Ed25519.
pub fn tls_server_end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let algorithm = signature_hash(&parsed)?;
    Some(digest::digest(algorithm, certificate).as_ref().to_vec())
}

fn signature_hash(certificate: &X509Certificate<'_>) -> Option<&'static digest::Algorithm> {
    use oid_registry as oid;
    let signature = &certificate.signature_algorithm;
    let algorithm = &signature.algorithm;
    let weak_or_sha256 = [
        oid::OID_PKCS1_MD5WITHRSAENC,
        oid::OID_PKCS1_SHA1WITHRSA,
        asn1_rs::oid!(1.2.840.10045.4.1), // ecdsa-with-SHA1
        oid::OID_PKCS1_SHA256WITHRSA,
        oid::OID_SIG_ECDSA_WITH_SHA256,
    ];
    if weak_or_sha256.contains(algorithm) {
        Some(&digest::SHA256)
    } else if [oid::OID_PKCS1_SHA384WITHRSA, oid::OID_SIG_ECDSA_WITH_SHA384].contains(algorithm) {
        Some(&digest::SHA384)
    } else if [oid::OID_PKCS1_SHA512WITHRSA, oid::OID_SIG_ECDSA_WITH_SHA512].contains(algorithm) {
        Some(&digest::SHA512)
    } else if [oid::OID_PKCS1_SHA224WITHRSA, oid::OID_SIG_ECDSA_WITH_SHA224].contains(algorithm) {
        Some(&digest::SHA224)
    } else if *algorithm == oid::OID_PKCS1_RSASSAPSS {
        match SignatureAlgorithm::try_from(signature).ok()? {
            SignatureAlgorithm::RSASSA_PSS(parameters) => {
                let hash = parameters.hash_algorithm_oid();
                if *hash == oid::OID_NIST_HASH_SHA384 {
                    Some(&digest::SHA384)
                } else if *hash == oid::OID_NIST_HASH_SHA512 {
                    Some(&digest::SHA512)
                } else if *hash == oid::OID_NIST_HASH_SHA256 || *hash == oid::OID_HASH_SHA1 {
                    Some(&digest::SHA256)
                } else {
                    None
                }
            }
            _ => None,
        }
    } else {
        None
    }
}
