//! Keys that sign.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use posthouse_model::Secret;

/// How a key signs. Both are over SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DkimAlgorithm {
    /// RSA of 2048 bits, which every verifier knows (RFC 8301 §3.2).
    RsaSha256,
    /// Ed25519, which is short and quick and not known everywhere (RFC 8463).
    Ed25519Sha256,
}

impl DkimAlgorithm {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::RsaSha256, Self::Ed25519Sha256];

    /// Its name in a signature (RFC 6376 §3.5, tag `a`).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RsaSha256 => "rsa-sha256",
            Self::Ed25519Sha256 => "ed25519-sha256",
        }
    }

    /// The name of its keys in DNS (RFC 6376 §3.6.1, tag `k`).
    #[must_use]
    pub fn key_type(self) -> &'static str {
        match self {
            Self::RsaSha256 => "rsa",
            Self::Ed25519Sha256 => "ed25519",
        }
    }
}

/// Why a key cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DkimKeyError {
    /// The system could not make one.
    #[error("a key could not be made")]
    Generation,
    /// What was to be a key is none of this kind, or is too weak.
    #[error("this is not a private key for {} in PKCS #8 form", .0.name())]
    NotAKey(DkimAlgorithm),
}

/// A private key.
pub struct DkimKey(Pair);

enum Pair {
    Rsa(RsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl DkimKey {
    /// A new key.
    pub fn generate(algorithm: DkimAlgorithm) -> Result<Self, DkimKeyError> {
        let pair = match algorithm {
            DkimAlgorithm::RsaSha256 => RsaKeyPair::generate(KeySize::Rsa2048).map(Pair::Rsa),
            DkimAlgorithm::Ed25519Sha256 => Ed25519KeyPair::generate().map(Pair::Ed25519),
        };
        pair.map(Self).map_err(|_| DkimKeyError::Generation)
    }

    /// The key in this PKCS #8 document (DER). RSA keys of fewer than 2048 bits are refused.
    pub fn from_pkcs8(algorithm: DkimAlgorithm, document: &Secret) -> Result<Self, DkimKeyError> {
        let octets = document.expose();
        let pair = match algorithm {
            DkimAlgorithm::RsaSha256 => RsaKeyPair::from_pkcs8(octets).map(Pair::Rsa),
            DkimAlgorithm::Ed25519Sha256 => Ed25519KeyPair::from_pkcs8(octets).map(Pair::Ed25519),
        };
        pair.map(Self).map_err(|_| DkimKeyError::NotAKey(algorithm))
    }

    /// The key as a PKCS #8 document (DER).
    pub fn to_pkcs8(&self) -> Result<Secret, DkimKeyError> {
        let document: Result<Pkcs8V1Der<'_>, _> = match &self.0 {
            Pair::Rsa(pair) => pair.as_der(),
            Pair::Ed25519(pair) => pair.as_der(),
        };
        document.map(|document| Secret::new(document.as_ref().to_vec())).map_err(|_| DkimKeyError::Generation)
    }

    /// How it signs.
    #[must_use]
    pub fn algorithm(&self) -> DkimAlgorithm {
        match self.0 {
            Pair::Rsa(_) => DkimAlgorithm::RsaSha256,
            Pair::Ed25519(_) => DkimAlgorithm::Ed25519Sha256,
        }
    }

    /// The TXT record that verifiers look for at `SELECTOR._domainkey.DOMAIN` (RFC 6376 §3.6.1).
    pub fn record(&self) -> Result<String, DkimKeyError> {
        let public = match &self.0 {
            Pair::Rsa(pair) => {
                let document: PublicKeyX509Der<'_> =
                    pair.public_key().as_der().map_err(|_| DkimKeyError::Generation)?;
                STANDARD.encode(document.as_ref())
            }
            // The key alone, without ASN.1 around it (RFC 8463 §4).
            Pair::Ed25519(pair) => STANDARD.encode(pair.public_key().as_ref()),
        };
        Ok(format!("v=DKIM1; k={}; p={public}", self.algorithm().key_type()))
    }

    /// Signs text in canonical form.
    pub(crate) fn sign(&self, text: &[u8]) -> Result<Vec<u8>, DkimKeyError> {
        match &self.0 {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let signed = pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text, &mut signature);
                signed.map(|()| signature).map_err(|_| DkimKeyError::NotAKey(DkimAlgorithm::RsaSha256))
            }
            // It is the hash that is signed, as if it were the message (RFC 8463 §3).
            Pair::Ed25519(pair) => Ok(pair.sign(digest(&SHA256, text).as_ref()).as_ref().to_vec()),
        }
    }
}

impl fmt::Debug for DkimKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DkimKey").field(&self.algorithm()).finish()
    }
}

/// Whether one of the `texts` in DNS says of a key what `record` says: blanks and the order of tags do not matter
/// (RFC 6376 §3.2, §3.6.1).
#[must_use]
pub fn is_published(record: &str, texts: &[String]) -> bool {
    let tag = |text: &str, name: &str| {
        let (_, value) = text.split(';').filter_map(|tag| tag.split_once('=')).find(|(tag, _)| tag.trim() == name)?;
        Some(value.split_ascii_whitespace().collect::<String>())
    };
    let key = |text: &str| (tag(text, "k").unwrap_or_else(|| "rsa".to_owned()), tag(text, "p"));
    texts.iter().any(|text| key(text) == key(record))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_dns_says_is_compared_by_tags() {
        let record = "v=DKIM1; k=rsa; p=QUJD";
        for (text, expected) in [
            ("v=DKIM1; k=rsa; p=QUJD", true),
            ("v=DKIM1;p=QU JD ;k = rsa", true),
            ("p=QUJD", true),
            ("v=DKIM1; k=ed25519; p=QUJD", false),
            ("v=DKIM1; k=rsa; p=", false),
            ("v=DKIM1; k=rsa; p=QUJE", false),
            ("v=spf1 -all", false),
        ] {
            assert_eq!(is_published(record, &["other".to_owned(), text.to_owned()]), expected, "{text}");
        }
    }

    #[test]
    fn keys_come_back_as_they_were() {
        for algorithm in [DkimAlgorithm::RsaSha256, DkimAlgorithm::Ed25519Sha256] {
            let key = DkimKey::generate(algorithm).unwrap();
            let again = DkimKey::from_pkcs8(algorithm, &key.to_pkcs8().unwrap()).unwrap();
            assert_eq!(again.record(), key.record());
            assert_eq!(format!("{key:?}"), format!("DkimKey({algorithm:?})"));
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let key = DkimKey::generate(DkimAlgorithm::Ed25519Sha256).unwrap().to_pkcs8().unwrap();
        for (algorithm, document) in
            [(DkimAlgorithm::RsaSha256, key), (DkimAlgorithm::Ed25519Sha256, Secret::new(b"none".to_vec()))]
        {
            let refused = DkimKey::from_pkcs8(algorithm, &document).unwrap_err();
            assert_eq!(refused, DkimKeyError::NotAKey(algorithm));
        }
    }
}
