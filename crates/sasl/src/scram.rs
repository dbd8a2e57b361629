//! SCRAM (RFC 5802, RFC 7677): the hash, the keys that are stored, and the messages of both sides.

pub(crate) mod message;
mod verifier;

use std::num::NonZeroU32;

use aws_lc_rs::{digest, hmac, pbkdf2};
use zeroize::Zeroizing;

pub use verifier::{MAX_SALT_BYTES, SALT_BYTES, ScramVerifier, VerifierError};

/// The iteration count for new verifiers: above the 4096 that RFC 7677 §4 asks for at least, and near its thought of
/// 0.1 s on a client of its day.
pub const DEFAULT_ITERATIONS: NonZeroU32 = NonZeroU32::new(15_000).expect("not zero");

/// The hash function of a SCRAM mechanism.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ScramHash {
    /// SHA-1 (RFC 5802); within HMAC and PBKDF2 its collisions do no harm.
    Sha1,
    /// SHA-256 (RFC 7677).
    Sha256,
}

impl ScramHash {
    /// The length of a digest, and so of every SCRAM key, in bytes.
    #[must_use]
    pub const fn output_bytes(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    /// H(message).
    pub(crate) fn digest(self, message: &[u8]) -> Zeroizing<Vec<u8>> {
        let algorithm = match self {
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &digest::SHA256,
        };
        Zeroizing::new(digest::digest(algorithm, message).as_ref().to_vec())
    }

    /// HMAC(key, message).
    pub(crate) fn hmac(self, key: &[u8], message: &[u8]) -> Zeroizing<Vec<u8>> {
        let algorithm = match self {
            Self::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => hmac::HMAC_SHA256,
        };
        Zeroizing::new(hmac::sign(&hmac::Key::new(algorithm, key), message).as_ref().to_vec())
    }

    /// SaltedPassword := Hi(Normalize(password), salt, i), which is PBKDF2 (RFC 5802 §3).
    pub(crate) fn salted_password(self, password: &[u8], salt: &[u8], iterations: NonZeroU32) -> Zeroizing<Vec<u8>> {
        let algorithm = match self {
            Self::Sha1 => pbkdf2::PBKDF2_HMAC_SHA1,
            Self::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
        };
        let mut salted = Zeroizing::new(vec![0; self.output_bytes()]);
        pbkdf2::derive(algorithm, iterations, salt, password, &mut salted);
        salted
    }
}

/// ClientKey := HMAC(SaltedPassword, "Client Key") (RFC 5802 §3).
pub(crate) fn client_key(hash: ScramHash, salted_password: &[u8]) -> Zeroizing<Vec<u8>> {
    hash.hmac(salted_password, b"Client Key")
}

/// ServerKey := HMAC(SaltedPassword, "Server Key") (RFC 5802 §3).
pub(crate) fn server_key(hash: ScramHash, salted_password: &[u8]) -> Zeroizing<Vec<u8>> {
    hash.hmac(salted_password, b"Server Key")
}

/// ClientProof := ClientKey XOR ClientSignature, and back (RFC 5802 §3). Both have the length of the hash.
pub(crate) fn exclusive_or(left: &[u8], right: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(left.iter().zip(right).map(|(left, right)| left ^ right).collect())
}
