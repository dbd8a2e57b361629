//! Handshake signatures of servers whose certificates the strict verifier does not take.
//!
//! Opportunistic TLS accepts any certificate, so it should not fail because a certificate is
//! of an old version, oddly encoded or its RSA key short. The signature over the handshake is
//! still verified, with the key that the certificate holds: otherwise the connection would not
//! even be with the one who showed the certificate.

use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use rustls::SignatureScheme;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::facts::{KeyType, key_type};

/// Which TLS a signature belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignedIn {
    /// TLS 1.2: an ECDSA scheme names the hash only, any curve goes with it (RFC 5246
    /// §7.4.1.4.1).
    Tls12,
    /// TLS 1.3: an ECDSA scheme names hash and curve (RFC 8446 §4.2.3).
    Tls13,
}

/// Whether `signature` over `message` was made with the key in `certificate`. RSA keys from
/// 1,024 bits upwards count for PKCS #1 signatures (TLS 1.2), from 2,048 bits for PSS.
pub(crate) fn verifies(
    version: SignedIn,
    message: &[u8],
    certificate: &[u8],
    scheme: SignatureScheme,
    signature: &[u8],
) -> bool {
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else {
        return false;
    };
    let key = certificate.public_key();
    let algorithm = match key_type(key) {
        KeyType::Rsa { .. } => rsa_algorithm(scheme),
        KeyType::Ecdsa(curve) => ecdsa_algorithm(version, scheme, curve),
        KeyType::Ed25519 if scheme == SignatureScheme::ED25519 => Some(&signature::ED25519 as _),
        _ => None,
    };
    algorithm.is_some_and(|algorithm| {
        UnparsedPublicKey::new(algorithm, &key.subject_public_key.data).verify(message, signature).is_ok()
    })
}

fn rsa_algorithm(scheme: SignatureScheme) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match scheme {
        SignatureScheme::RSA_PKCS1_SHA256 => &signature::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        SignatureScheme::RSA_PKCS1_SHA512 => &signature::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
        SignatureScheme::RSA_PKCS1_SHA384 => &signature::RSA_PKCS1_2048_8192_SHA384,
        SignatureScheme::RSA_PSS_SHA256 => &signature::RSA_PSS_2048_8192_SHA256,
        SignatureScheme::RSA_PSS_SHA384 => &signature::RSA_PSS_2048_8192_SHA384,
        SignatureScheme::RSA_PSS_SHA512 => &signature::RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}

fn ecdsa_algorithm(
    version: SignedIn,
    scheme: SignatureScheme,
    curve: &str,
) -> Option<&'static dyn VerificationAlgorithm> {
    use SignatureScheme as Scheme;
    let curve_of_scheme = match scheme {
        Scheme::ECDSA_NISTP256_SHA256 => "P-256",
        Scheme::ECDSA_NISTP384_SHA384 => "P-384",
        Scheme::ECDSA_NISTP521_SHA512 => "P-521",
        _ => return None,
    };
    if version == SignedIn::Tls13 && curve != curve_of_scheme {
        return None;
    }
    Some(match (curve, scheme) {
        ("P-256", Scheme::ECDSA_NISTP256_SHA256) => &signature::ECDSA_P256_SHA256_ASN1,
        ("P-256", Scheme::ECDSA_NISTP384_SHA384) => &signature::ECDSA_P256_SHA384_ASN1,
        ("P-256", Scheme::ECDSA_NISTP521_SHA512) => &signature::ECDSA_P256_SHA512_ASN1,
        ("P-384", Scheme::ECDSA_NISTP256_SHA256) => &signature::ECDSA_P384_SHA256_ASN1,
        ("P-384", Scheme::ECDSA_NISTP384_SHA384) => &signature::ECDSA_P384_SHA384_ASN1,
        ("P-384", Scheme::ECDSA_NISTP521_SHA512) => &signature::ECDSA_P384_SHA512_ASN1,
        ("P-521", Scheme::ECDSA_NISTP256_SHA256) => &signature::ECDSA_P521_SHA256_ASN1,
        ("P-521", Scheme::ECDSA_NISTP384_SHA384) => &signature::ECDSA_P521_SHA384_ASN1,
        ("P-521", Scheme::ECDSA_NISTP521_SHA512) => &signature::ECDSA_P521_SHA512_ASN1,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;

    use super::*;

    const MESSAGE: &[u8] = include_bytes!("../tests/data/signed.txt");
    const WEAK_RSA: &[u8] = include_bytes!("../tests/data/weak-rsa.crt");
    const WEAK_RSA_SHA256: &[u8] = include_bytes!("../tests/data/weak-rsa.sig");
    const VERSION_1_P256: &[u8] = include_bytes!("../tests/data/version-1.crt");
    const VERSION_1_SHA384: &[u8] = include_bytes!("../tests/data/version-1-sha384.sig");

    fn check(version: SignedIn, pem: &[u8], scheme: SignatureScheme, signature: &[u8], expected: bool) {
        let certificate = CertificateDer::from_pem_slice(pem).unwrap();
        let verdict = |message| verifies(version, message, &certificate, scheme, signature);
        assert_eq!(verdict(MESSAGE), expected, "{version:?} {scheme:?}");
        assert!(!verdict(b"another handshake"));
    }

    #[test]
    fn short_rsa_keys_count() {
        let check = |scheme, expected| {
            check(SignedIn::Tls12, WEAK_RSA, scheme, WEAK_RSA_SHA256, expected);
        };
        check(SignatureScheme::RSA_PKCS1_SHA256, true);
        check(SignatureScheme::RSA_PKCS1_SHA512, false);
        check(SignatureScheme::RSA_PSS_SHA256, false);
        check(SignatureScheme::ECDSA_NISTP256_SHA256, false);
        check(SignatureScheme::RSA_PKCS1_SHA1, false);
    }

    #[test]
    fn the_curve_is_bound_from_tls_1_3_on() {
        let check = |version, scheme, expected| {
            check(version, VERSION_1_P256, scheme, VERSION_1_SHA384, expected);
        };
        check(SignedIn::Tls12, SignatureScheme::ECDSA_NISTP384_SHA384, true);
        check(SignedIn::Tls13, SignatureScheme::ECDSA_NISTP384_SHA384, false);
        check(SignedIn::Tls12, SignatureScheme::ECDSA_NISTP256_SHA256, false);
    }

    #[test]
    fn what_is_no_certificate_verifies_nothing() {
        assert!(!verifies(SignedIn::Tls13, b"", b"", SignatureScheme::ED25519, b""));
    }
}
