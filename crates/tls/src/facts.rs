//! What a certificate says about itself, in plain data.

use std::fmt;

use aws_lc_rs::digest;
use jiff::Timestamp;
use x509_parser::oid_registry;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

/// How long before its end a certificate is worth a warning.
const WARN_BEFORE_EXPIRY_SECONDS: i64 = 21 * 24 * 60 * 60;

/// The most names taken from one certificate; the rest is ignored.
const MAX_SUBJECT_NAMES: usize = 1000;

/// The most mail addresses taken from one certificate; the rest is ignored, and so proves nothing.
const MAX_MAIL_ADDRESSES: usize = 32;

/// A certificate that cannot be read as X.509.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an X.509 certificate: {0}")]
pub struct UnreadableCertificate(pub String);

/// What a certificate says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// The names it is for, in lower case: the DNS names and IP addresses of its subject
    /// alternative names, or its common name when it has none (RFC 6125 §6.4.4; clients no
    /// longer accept that).
    pub subject_names: Vec<String>,
    /// Whether the names came from subject alternative names.
    pub has_alternative_names: bool,
    /// The mail addresses of its subject alternative names (rfc822Name, RFC 5280 §4.2.1.6), as
    /// they stand there. Never one of the subject's own attributes.
    pub mail_addresses: Vec<String>,
    /// SHA-256 of the encoded certificate, 64 lower-case hexadecimal digits.
    pub fingerprint_sha256: String,
    /// The first second of validity, in Unix time.
    pub not_before: i64,
    /// The last second of validity, in Unix time.
    pub not_after: i64,
    /// The distinguished name of the subject, as text.
    pub subject: String,
    /// The distinguished name of the issuer, as text.
    pub issuer: String,
    /// The kind and size of the public key.
    pub key_type: KeyType,
    /// Whether subject and issuer are the same.
    pub is_self_signed: bool,
    /// Whether it may sign other certificates.
    pub is_authority: bool,
}

/// The kind and size of a public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyType {
    /// RSA with a modulus of that many bits.
    Rsa {
        /// Size of the modulus.
        bits: usize,
    },
    /// ECDSA on the named curve (`P-256`, `P-384`, `P-521`).
    Ecdsa(&'static str),
    /// Ed25519.
    Ed25519,
    /// Another algorithm, by its object identifier.
    Other(String),
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa { bits } => write!(f, "RSA {bits}"),
            Self::Ecdsa(curve) => write!(f, "ECDSA {curve}"),
            Self::Ed25519 => f.write_str("Ed25519"),
            Self::Other(oid) => f.write_str(oid),
        }
    }
}

/// Something about our own certificate that its operator should know; it is used all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateWarning {
    /// It ended at that Unix time.
    Expired(i64),
    /// It ends soon, at that Unix time.
    ExpiresSoon(i64),
    /// It begins only at that Unix time.
    NotYetValid(i64),
    /// Clients must be told to trust it one by one, and other servers never will.
    SelfSigned,
    /// It has no subject alternative name, so clients will not accept it for any name.
    NoAlternativeNames,
}

impl fmt::Display for CertificateWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expired(at) => write!(f, "expired on {}", utc(*at)),
            Self::ExpiresSoon(at) => write!(f, "expires soon, on {}", utc(*at)),
            Self::NotYetValid(at) => write!(f, "not valid before {}", utc(*at)),
            Self::SelfSigned => {
                f.write_str("self-signed: each client must be told to trust it, other servers will not verify it")
            }
            Self::NoAlternativeNames => f.write_str("no subject alternative name: clients accept it for no host name"),
        }
    }
}

impl CertificateFacts {
    /// Reads the facts from an encoded certificate.
    pub fn of_der(der: &[u8]) -> Result<Self, UnreadableCertificate> {
        let (_, certificate) =
            X509Certificate::from_der(der).map_err(|error| UnreadableCertificate(error.to_string()))?;
        let alternative_names = alternative_names(&certificate);
        let has_alternative_names = !alternative_names.is_empty();
        let subject_names =
            if has_alternative_names { alternative_names } else { common_name(&certificate).into_iter().collect() };
        Ok(Self {
            subject_names,
            has_alternative_names,
            mail_addresses: mail_addresses(&certificate),
            fingerprint_sha256: fingerprint_sha256(der),
            not_before: certificate.validity().not_before.timestamp(),
            not_after: certificate.validity().not_after.timestamp(),
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            key_type: key_type(certificate.public_key()),
            is_self_signed: certificate.subject().as_raw() == certificate.issuer().as_raw(),
            is_authority: certificate.is_ca(),
        })
    }

    /// What the operator should know about this certificate at the Unix time `now`.
    pub fn warnings(&self, now: i64) -> Vec<CertificateWarning> {
        let mut warnings = Vec::new();
        if now > self.not_after {
            warnings.push(CertificateWarning::Expired(self.not_after));
        } else if now > self.not_after - WARN_BEFORE_EXPIRY_SECONDS {
            warnings.push(CertificateWarning::ExpiresSoon(self.not_after));
        }
        if now < self.not_before {
            warnings.push(CertificateWarning::NotYetValid(self.not_before));
        }
        if self.is_self_signed {
            warnings.push(CertificateWarning::SelfSigned);
        }
        if !self.has_alternative_names {
            warnings.push(CertificateWarning::NoAlternativeNames);
        }
        warnings
    }

    /// Whether the certificate is for that host name or address, by the rules of RFC 6125
    /// §6.4: exact, or a wildcard that stands for the whole first label.
    pub fn is_for(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let parent = host.split_once('.').map(|(_, parent)| parent);
        self.subject_names.iter().any(|name| *name == host || (parent.is_some() && name.strip_prefix("*.") == parent))
    }
}

/// SHA-256 of the public key of an encoded certificate, as a TLSA record `3 1 1` has it: 64 lower-case hexadecimal
/// digits. `None` for what is no certificate.
pub fn public_key_sha256(der: &[u8]) -> Option<String> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    Some(fingerprint_sha256(certificate.tbs_certificate.subject_pki.raw))
}

/// SHA-256 of an encoded certificate, as 64 lower-case hexadecimal digits.
pub(crate) fn fingerprint_sha256(der: &[u8]) -> String {
    let digest = digest::digest(&digest::SHA256, der);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A Unix time as text, such as `2026-11-21T18:00:00Z`.
pub(crate) fn utc(unix_time: i64) -> String {
    Timestamp::from_second(unix_time).map_or_else(|_| format!("Unix time {unix_time}"), |time| time.to_string())
}

fn alternative_names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    extension
        .value
        .general_names
        .iter()
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
            GeneralName::IPAddress(octets) => ip_address(octets),
            _ => None,
        })
        .take(MAX_SUBJECT_NAMES)
        .collect()
}

fn mail_addresses(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    let addresses = extension.value.general_names.iter().filter_map(|name| match name {
        GeneralName::RFC822Name(address) => Some((*address).to_owned()),
        _ => None,
    });
    addresses.take(MAX_MAIL_ADDRESSES).collect()
}

fn ip_address(octets: &[u8]) -> Option<String> {
    if let Ok(v4) = <[u8; 4]>::try_from(octets) {
        return Some(std::net::Ipv4Addr::from(v4).to_string());
    }
    let v6 = <[u8; 16]>::try_from(octets).ok()?;
    Some(std::net::Ipv6Addr::from(v6).to_string())
}

fn common_name(certificate: &X509Certificate<'_>) -> Option<String> {
    let name = certificate.subject().iter_common_name().next()?;
    Some(name.as_str().ok()?.to_ascii_lowercase())
}

pub(crate) fn key_type(key: &SubjectPublicKeyInfo<'_>) -> KeyType {
    let algorithm = &key.algorithm.algorithm;
    if *algorithm == oid_registry::OID_SIG_ED25519 {
        return KeyType::Ed25519;
    }
    if *algorithm == oid_registry::OID_KEY_TYPE_EC_PUBLIC_KEY {
        let curve = key.algorithm.parameters.as_ref().and_then(|any| any.as_oid().ok());
        return match curve {
            Some(oid) if oid == oid_registry::OID_EC_P256 => KeyType::Ecdsa("P-256"),
            Some(oid) if oid == oid_registry::OID_NIST_EC_P384 => KeyType::Ecdsa("P-384"),
            Some(oid) if oid == oid_registry::OID_NIST_EC_P521 => KeyType::Ecdsa("P-521"),
            _ => KeyType::Other(algorithm.to_id_string()),
        };
    }
    match key.parsed() {
        Ok(PublicKey::RSA(rsa)) => KeyType::Rsa { bits: modulus_bits(rsa.modulus) },
        _ => KeyType::Other(algorithm.to_id_string()),
    }
}

/// The number of bits of a big-endian modulus that may carry leading zeros.
fn modulus_bits(modulus: &[u8]) -> usize {
    let significant = modulus.iter().position(|byte| *byte != 0).map_or(&[][..], |at| &modulus[at..]);
    let leading = significant.first().map_or(0, |byte| byte.leading_zeros() as usize);
    significant.len() * 8 - leading
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modulus_is_counted_in_significant_bits() {
        assert_eq!(modulus_bits(&[]), 0);
        assert_eq!(modulus_bits(&[0, 0]), 0);
        assert_eq!(modulus_bits(&[0, 0x80, 0]), 16);
        assert_eq!(modulus_bits(&[0x7f, 0xff]), 15);
    }

    #[test]
    fn times_are_written_in_utc() {
        assert_eq!(utc(0), "1970-01-01T00:00:00Z");
        assert_eq!(utc(i64::MAX), "Unix time 9223372036854775807");
    }
}
