//! What a server keeps to check SCRAM.
//!
//! ```text
//! stored form = version(1) hash(1) iterations(4, big-endian) salt length(1) salt StoredKey ServerKey
//! ```

use std::fmt;
use std::num::NonZeroU32;

use posthouse_model::Secret;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::{ScramHash, client_key, exclusive_or, server_key};
use crate::prepare::{PrepareError, prepare_password};

/// The length of a new salt, in bytes.
pub const SALT_BYTES: usize = 16;
/// The longest salt that a verifier may have, in bytes.
pub const MAX_SALT_BYTES: usize = 64;

/// The version of the stored form.
const VERSION: u8 = 1;
const HASH_SHA1: u8 = 1;
const HASH_SHA256: u8 = 2;

/// Why a verifier cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifierError {
    /// The password cannot be prepared.
    #[error("the password cannot be used: {0}")]
    Password(#[from] PrepareError),
    /// The salt is empty or longer than [`MAX_SALT_BYTES`].
    #[error("a salt of {bytes} bytes; 1 to {MAX_SALT_BYTES} are allowed")]
    Salt {
        /// Its length in bytes.
        bytes: usize,
    },
    /// The stored form is not one that we write.
    #[error("the stored SCRAM verifier is damaged")]
    Damaged,
}

/// A password in the form that SCRAM stores: salt, iteration count, StoredKey and ServerKey (RFC 5802 §3). Whoever
/// reads it can pose as the server, and guess the password at the cost of the iterations, but cannot log in with it.
#[derive(Clone)]
pub struct ScramVerifier {
    hash: ScramHash,
    salt: Vec<u8>,
    iterations: NonZeroU32,
    stored_key: Zeroizing<Vec<u8>>,
    server_key: Zeroizing<Vec<u8>>,
}

impl ScramVerifier {
    /// Makes the verifier of a password, which is prepared first. Costs the iterations: keep it off threads that
    /// serve connections.
    ///
    /// # Errors
    /// If the password cannot be prepared, or the salt is empty or too long.
    pub fn derive(
        hash: ScramHash,
        password: &[u8],
        salt: &[u8],
        iterations: NonZeroU32,
    ) -> Result<Self, VerifierError> {
        check_salt(salt)?;
        let password = prepare_password(password)?;
        let salted = hash.salted_password(password.expose(), salt, iterations);
        Ok(Self {
            hash,
            salt: salt.to_vec(),
            iterations,
            stored_key: hash.digest(&client_key(hash, &salted)),
            server_key: server_key(hash, &salted),
        })
    }

    /// Takes the keys as another server exported them.
    ///
    /// # Errors
    /// If the salt is empty or too long, or a key has not the length of the hash.
    pub fn from_keys(
        hash: ScramHash,
        salt: &[u8],
        iterations: NonZeroU32,
        stored_key: &[u8],
        server_key: &[u8],
    ) -> Result<Self, VerifierError> {
        check_salt(salt)?;
        if stored_key.len() != hash.output_bytes() || server_key.len() != hash.output_bytes() {
            return Err(VerifierError::Damaged);
        }
        Ok(Self {
            hash,
            salt: salt.to_vec(),
            iterations,
            stored_key: Zeroizing::new(stored_key.to_vec()),
            server_key: Zeroizing::new(server_key.to_vec()),
        })
    }

    /// A verifier that no password fits, to answer for a user that does not exist. The same key and name always give
    /// the same salt, so that asking twice does not tell (RFC 5802 §9). Costs no iterations.
    ///
    /// `key` is a secret of this server, the same for all its life; `iterations` those of real verifiers.
    #[must_use]
    pub fn decoy(hash: ScramHash, key: &[u8], user: &str, iterations: NonZeroU32) -> Self {
        let part = |label: &str| {
            let message = Zeroizing::new(format!("posthouse SCRAM decoy\0{label}\0{}\0{user}", hash.output_bytes()));
            hash.hmac(key, message.as_bytes())
        };
        Self {
            hash,
            salt: part("salt")[..SALT_BYTES].to_vec(),
            iterations,
            stored_key: part("stored key"),
            server_key: part("server key"),
        }
    }

    /// The hash that the keys were made with.
    #[must_use]
    pub fn hash(&self) -> ScramHash {
        self.hash
    }

    /// The salt, which is sent to whoever asks.
    #[must_use]
    pub fn salt(&self) -> &[u8] {
        &self.salt
    }

    /// The iteration count, which is sent to whoever asks.
    #[must_use]
    pub fn iterations(&self) -> NonZeroU32 {
        self.iterations
    }

    /// The stored form.
    #[must_use]
    pub fn to_bytes(&self) -> Secret {
        let hash = match self.hash {
            ScramHash::Sha1 => HASH_SHA1,
            ScramHash::Sha256 => HASH_SHA256,
        };
        let salt_length = u8::try_from(self.salt.len()).expect("a salt has at most MAX_SALT_BYTES");
        let parts: [&[u8]; 6] = [
            &[VERSION, hash],
            &self.iterations.get().to_be_bytes(),
            &[salt_length],
            &self.salt,
            &self.stored_key,
            &self.server_key,
        ];
        Secret::new(parts.concat())
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// If the bytes are not what [`ScramVerifier::to_bytes`] writes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, VerifierError> {
        let (head, rest) = bytes.split_first_chunk::<7>().ok_or(VerifierError::Damaged)?;
        let [version, hash, i0, i1, i2, i3, salt_length] = *head;
        let hash = match (version, hash) {
            (VERSION, HASH_SHA1) => ScramHash::Sha1,
            (VERSION, HASH_SHA256) => ScramHash::Sha256,
            _ => return Err(VerifierError::Damaged),
        };
        let iterations = NonZeroU32::new(u32::from_be_bytes([i0, i1, i2, i3])).ok_or(VerifierError::Damaged)?;
        let (salt, keys) = rest.split_at_checked(usize::from(salt_length)).ok_or(VerifierError::Damaged)?;
        let (stored_key, server_key) = keys.split_at_checked(hash.output_bytes()).ok_or(VerifierError::Damaged)?;
        Self::from_keys(hash, salt, iterations, stored_key, server_key).map_err(|_| VerifierError::Damaged)
    }

    /// Whether a clear password, which is prepared first, is the one of this verifier. Costs the iterations.
    #[must_use]
    pub fn matches(&self, password: &[u8]) -> bool {
        Self::derive(self.hash, password, &self.salt, self.iterations)
            .is_ok_and(|derived| derived.stored_key.ct_eq(&self.stored_key).into())
    }

    /// Whether a ClientProof over `auth_message` shows knowledge of the password (RFC 5802 §3), in constant time.
    pub(crate) fn verify_proof(&self, auth_message: &[u8], proof: &[u8]) -> bool {
        // A proof of another length can never fit, and its length is no secret.
        if proof.len() != self.hash.output_bytes() {
            return false;
        }
        let client_signature = self.hash.hmac(&self.stored_key, auth_message);
        let client_key = exclusive_or(proof, &client_signature);
        self.hash.digest(&client_key).ct_eq(&self.stored_key).into()
    }

    /// The ServerSignature over `auth_message` (RFC 5802 §3).
    pub(crate) fn server_signature(&self, auth_message: &[u8]) -> Zeroizing<Vec<u8>> {
        self.hash.hmac(&self.server_key, auth_message)
    }
}

impl fmt::Debug for ScramVerifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ScramVerifier")
            .field("hash", &self.hash)
            .field("iterations", &self.iterations)
            .finish_non_exhaustive()
    }
}

fn check_salt(salt: &[u8]) -> Result<(), VerifierError> {
    match salt.len() {
        1..=MAX_SALT_BYTES => Ok(()),
        bytes => Err(VerifierError::Salt { bytes }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ITERATIONS: NonZeroU32 = NonZeroU32::new(4096).unwrap();
    const HASHES: [ScramHash; 2] = [ScramHash::Sha1, ScramHash::Sha256];

    #[test]
    fn stored_forms_read_back() {
        for hash in HASHES {
            let verifier = ScramVerifier::derive(hash, b"pencil", &[7; SALT_BYTES], ITERATIONS).unwrap();
            let stored = verifier.to_bytes();
            let read_back = ScramVerifier::from_bytes(stored.expose()).unwrap();
            assert_eq!(read_back.to_bytes().expose(), stored.expose());
            assert_eq!((read_back.hash(), read_back.iterations()), (hash, ITERATIONS));
            assert!(read_back.matches(b"pencil"));
            assert!(!read_back.matches(b"pencils"));
            assert!(!read_back.matches(b""));
        }
    }

    #[test]
    fn damage_is_noticed() {
        let stored =
            ScramVerifier::derive(ScramHash::Sha256, b"pencil", &[7; SALT_BYTES], ITERATIONS).unwrap().to_bytes();
        let stored = stored.expose();
        for length in 0..stored.len() {
            assert_eq!(ScramVerifier::from_bytes(&stored[..length]).unwrap_err(), VerifierError::Damaged);
        }
        let mut longer = stored.to_vec();
        longer.push(0);
        assert!(ScramVerifier::from_bytes(&longer).is_err());
        for (at, value) in [(0, 2), (1, 3), (6, 0), (6, 255)] {
            let mut damaged = stored.to_vec();
            damaged[at] = value;
            assert!(ScramVerifier::from_bytes(&damaged).is_err(), "byte {at}");
        }
    }

    #[test]
    fn salts_are_bounded() {
        for bytes in [0, MAX_SALT_BYTES + 1] {
            let error = ScramVerifier::derive(ScramHash::Sha256, b"pencil", &vec![1; bytes], ITERATIONS).unwrap_err();
            assert_eq!(error, VerifierError::Salt { bytes });
        }
    }

    #[test]
    fn passwords_are_prepared() {
        let composed = ScramVerifier::derive(ScramHash::Sha1, "\u{e9}".as_bytes(), b"salt", ITERATIONS).unwrap();
        assert!(composed.matches("e\u{301}".as_bytes()));
        let error = ScramVerifier::derive(ScramHash::Sha1, b"", b"salt", ITERATIONS).unwrap_err();
        assert_eq!(error, VerifierError::Password(PrepareError::Empty));
    }

    #[test]
    fn decoys_are_stable_and_differ_by_user_and_key() {
        for hash in HASHES {
            let salt = |key: &[u8], user| ScramVerifier::decoy(hash, key, user, ITERATIONS).salt().to_vec();
            assert_eq!(salt(b"key", "nobody"), salt(b"key", "nobody"));
            assert_ne!(salt(b"key", "nobody"), salt(b"key", "somebody"));
            assert_ne!(salt(b"key", "nobody"), salt(b"other key", "nobody"));
            assert_eq!(salt(b"key", "nobody").len(), SALT_BYTES);
        }
    }

    #[test]
    fn keys_do_not_print() {
        let verifier = ScramVerifier::decoy(ScramHash::Sha256, b"key", "user", ITERATIONS);
        assert_eq!(format!("{verifier:?}"), "ScramVerifier { hash: Sha256, iterations: 4096, .. }");
    }

    proptest! {
        #[test]
        fn random_stored_forms_do_not_panic(bytes: Vec<u8>) {
            let _ = ScramVerifier::from_bytes(&bytes);
        }
    }
}
