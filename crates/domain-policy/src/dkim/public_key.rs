//! Keys that verify, as DNS has them.

use aws_lc_rs::digest::Digest;
use aws_lc_rs::rsa::PublicKey;
use aws_lc_rs::signature::{ED25519, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, RsaParameters, UnparsedPublicKey};
use posthouse_model::Domain;
use thiserror::Error;

use super::key::DkimAlgorithm;
use super::signature::octets;
use super::tags::{TagList, words};
use crate::resolver::{LookupError, Resolver};

/// Octets of an Ed25519 key (RFC 8463 §4).
const ED25519_BYTES: usize = 32;
/// Shortest and longest RSA key that verifies, in bits (RFC 8301 §3.2).
const RSA_BITS: std::ops::RangeInclusive<u32> = 1024..=8192;
/// Most records under one name that are looked at.
const MAX_RECORDS: usize = 4;

/// Why a key proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KeyFault {
    /// DNS has none.
    #[error("there is no key in DNS: {0}")]
    None(LookupError),
    /// What DNS has is no record of a key.
    #[error("what DNS has is no key")]
    Syntax,
    /// The key has been taken back.
    #[error("the key is revoked")]
    Revoked,
    /// The key is for another algorithm.
    #[error("the key is for another algorithm")]
    OtherAlgorithm,
    /// The key is not for mail.
    #[error("the key is not for mail")]
    NotForMail,
    /// The key may not speak for subdomains.
    #[error("the key may not speak for subdomains")]
    NotForSubdomains,
    /// So few bits, or so many, prove nothing, or cost too much to try (RFC 8301 §3.2).
    #[error("the key has {0} bits")]
    Size(u32),
}

/// What a key is used for (the tag `s` of RFC 6376 §3.6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyService {
    /// Mail of any kind.
    Mail,
    /// Reports about TLS: keys for mail count, and those that are for such reports only (RFC 8460 §3).
    TlsReports,
}

impl KeyService {
    fn includes(self, word: &str) -> bool {
        matches!(word, "*" | "email") || (self == Self::TlsReports && word == "tlsrpt")
    }
}

/// Why there is no key to verify by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoKey {
    /// DNS does not say now.
    Unavailable(LookupError),
    /// There is none that proves anything.
    Fault(KeyFault),
}

/// A key and what its owner says about it (RFC 6376 §3.6.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublishedKey {
    algorithm: DkimAlgorithm,
    octets: Vec<u8>,
    /// Bits of an RSA key.
    pub rsa_bits: Option<u32>,
    /// Whether the owner is only testing.
    pub is_testing: bool,
    /// Whether it speaks for the domain itself only.
    pub is_strict: bool,
}

impl PublishedKey {
    /// Asks DNS for the key under a name.
    pub async fn look_up(
        resolver: &dyn Resolver,
        name: &Domain,
        algorithm: DkimAlgorithm,
        service: KeyService,
    ) -> Result<Self, NoKey> {
        let texts = match resolver.texts(name).await {
            Ok(found) => found.records,
            Err(error) if error.is_negative() => return Err(NoKey::Fault(KeyFault::None(error))),
            Err(error) => return Err(NoKey::Unavailable(error)),
        };
        // RFC 6376 §3.6.2.2: there is to be one. Where there are several, the first one that is a key of this kind.
        let mut fault = KeyFault::Syntax;
        for text in texts.iter().take(MAX_RECORDS) {
            match Self::parse(text, algorithm, service) {
                Ok(key) => return Ok(key),
                Err(KeyFault::Syntax) => {}
                Err(other) => fault = other,
            }
        }
        Err(NoKey::Fault(fault))
    }

    /// Reads a record of a key that is to be for `algorithm` and `service`.
    pub fn parse(text: &str, algorithm: DkimAlgorithm, service: KeyService) -> Result<Self, KeyFault> {
        let tags = TagList::parse(text).map_err(|_| KeyFault::Syntax)?;
        // RFC 6376 §3.6.1: a version comes first, and other records than of version 1 are none.
        match tags.value("v") {
            Some("DKIM1") if tags.first_name() == Some("v") => {}
            None => {}
            Some(_) => return Err(KeyFault::Syntax),
        }
        let key = tags.value("p").ok_or(KeyFault::Syntax)?;
        if key.is_empty() {
            return Err(KeyFault::Revoked);
        }
        let is_hash_allowed = tags.value("h").is_none_or(|hashes| words(hashes).any(|hash| hash == "sha256"));
        if tags.value("k").unwrap_or("rsa") != algorithm.key_type() || !is_hash_allowed {
            return Err(KeyFault::OtherAlgorithm);
        }
        if !tags.value("s").is_none_or(|services| words(services).any(|word| service.includes(word))) {
            return Err(KeyFault::NotForMail);
        }
        let octets = octets(key).ok_or(KeyFault::Syntax)?;
        let rsa_bits = match algorithm {
            DkimAlgorithm::Ed25519Sha256 if octets.len() == ED25519_BYTES => None,
            DkimAlgorithm::Ed25519Sha256 => return Err(KeyFault::Syntax),
            DkimAlgorithm::RsaSha256 => Some(rsa_bits(&octets)?),
        };
        let has_flag = |flag| tags.value("t").is_some_and(|flags| words(flags).any(|word| word == flag));
        Ok(Self { algorithm, octets, rsa_bits, is_testing: has_flag("y"), is_strict: has_flag("s") })
    }

    /// Whether `signature` is one by this key of a text that has this SHA-256.
    pub fn verifies(&self, text: &Digest, signature: &[u8]) -> bool {
        match self.algorithm {
            DkimAlgorithm::RsaSha256 => {
                let key = UnparsedPublicKey::new(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, &self.octets);
                key.verify_digest(text, signature).is_ok()
            }
            // It is the hash that is signed, as if it were the message (RFC 8463 §3).
            DkimAlgorithm::Ed25519Sha256 => {
                UnparsedPublicKey::new(&ED25519, &self.octets).verify(text.as_ref(), signature).is_ok()
            }
        }
    }
}

fn rsa_bits(octets: &[u8]) -> Result<u32, KeyFault> {
    // With and without what X.509 has around it: RFC 6376 §3.6.1 says both.
    let key = PublicKey::from_der(octets).map_err(|_| KeyFault::Syntax)?;
    let bits = RsaParameters::public_modulus_len(key.as_ref()).map_err(|_| KeyFault::Syntax)?;
    if RSA_BITS.contains(&bits) { Ok(bits) } else { Err(KeyFault::Size(bits)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dkim::DkimKey;

    const ED25519_KEY: &str = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    const RSA_512: &str = "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAIWmlgix/84GJ+dfgjm7LTc9EPdfkftlgiPpCq4/kbDAZmU0VvYKDljjleJ1\
                           dfvS+CGy9U/kk1tG3EeEvb82xAcCAwEAAQ==";

    fn check(record: &str, expected: &Result<(bool, bool), KeyFault>) {
        let key = PublishedKey::parse(record, DkimAlgorithm::Ed25519Sha256, KeyService::Mail);
        assert_eq!(key.map(|key| (key.is_testing, key.is_strict)), *expected, "{record}");
    }

    #[test]
    fn records() {
        for (tags, expected) in [
            ("v=DKIM1; k=ed25519", Ok((false, false))),
            ("k=ed25519", Ok((false, false))),
            ("k=ed25519; t=y", Ok((true, false))),
            ("k=ed25519; t = s : y :new", Ok((true, true))),
            ("k=ed25519; s=email; h=sha1:sha256; n=whatever", Ok((false, false))),
            ("k=ed25519; s=tlsrpt", Err(KeyFault::NotForMail)),
            ("k=ed25519; h=sha1", Err(KeyFault::OtherAlgorithm)),
            ("v=DKIM1", Err(KeyFault::OtherAlgorithm)),
            ("k=rsa", Err(KeyFault::OtherAlgorithm)),
            ("v=DKIM2; k=ed25519", Err(KeyFault::Syntax)),
            ("k=ed25519; v=DKIM1", Err(KeyFault::Syntax)),
            ("v=spf1 -all", Err(KeyFault::Syntax)),
        ] {
            check(&format!("{tags}; p={ED25519_KEY}"), &expected);
        }
        check("v=DKIM1; k=ed25519; p=", &Err(KeyFault::Revoked));
        check("v=DKIM1; k=ed25519", &Err(KeyFault::Syntax));
        check("v=DKIM1; k=ed25519; p=!", &Err(KeyFault::Syntax));
        check("v=DKIM1; k=ed25519; p=QUJD", &Err(KeyFault::Syntax));
    }

    #[test]
    fn services() {
        for (services, mail, reports) in [
            ("", true, true),
            ("s=email;", true, true),
            ("s=*;", true, true),
            ("s=tlsrpt;", false, true),
            ("s=other:tlsrpt;", false, true),
            ("s=other;", false, false),
        ] {
            let record = format!("k=ed25519; {services} p={ED25519_KEY}");
            let parse = |service| PublishedKey::parse(&record, DkimAlgorithm::Ed25519Sha256, service).is_ok();
            assert_eq!((parse(KeyService::Mail), parse(KeyService::TlsReports)), (mail, reports), "{record}");
        }
    }

    #[test]
    fn sizes_of_rsa_keys() {
        let parse = |record: &str| PublishedKey::parse(record, DkimAlgorithm::RsaSha256, KeyService::Mail);
        assert_eq!(parse(&format!("p={RSA_512}")), Err(KeyFault::Size(512)));
        assert_eq!(parse("p=QUJD"), Err(KeyFault::Syntax));
        let record = DkimKey::generate(DkimAlgorithm::RsaSha256).unwrap().record().unwrap();
        assert_eq!(parse(&record).unwrap().rsa_bits, Some(2048));
    }
}
