//! CRAM-MD5 (RFC 2195) without a clear password on the server.
//!
//! ```text
//! challenge = "<" digits "." seconds "@" host ">"
//! response  = user SP 32 hexadecimal digits
//! ```

use std::fmt;

use posthouse_model::Secret;
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize as _, Zeroizing};

use crate::md5::{self, BLOCK_BYTES, STATE_BYTES, State};
use crate::prepare::{PrepareError, prepare_password};

/// The length of a [`CramMd5Secret`] in bytes.
pub const SECRET_BYTES: usize = 2 * STATE_BYTES;
/// The length of the digest in a response, in hexadecimal digits.
const DIGEST_DIGITS: usize = 2 * STATE_BYTES;

/// What is kept to check CRAM-MD5: the MD5 states after the inner and the outer key block of HMAC, the "contexts" of
/// RFC 2195 §2 (RFC 2104 §4). Whoever reads it can log in by CRAM-MD5, but does not learn the password.
#[derive(Clone)]
pub struct CramMd5Secret([u8; SECRET_BYTES]);

impl CramMd5Secret {
    /// Makes the secret of a password, which is prepared first.
    ///
    /// # Errors
    /// If the password cannot be prepared.
    pub fn derive(password: &[u8]) -> Result<Self, PrepareError> {
        let password = prepare_password(password)?;
        let mut key = Zeroizing::new([0; BLOCK_BYTES]);
        // RFC 2104 §2: a key longer than a block is hashed, a shorter one is padded with zeros.
        if password.len() > BLOCK_BYTES {
            key[..STATE_BYTES].copy_from_slice(&md5::digest(password.expose()));
        } else {
            key[..password.len()].copy_from_slice(password.expose());
        }
        let after_key = |pad: u8| State::INITIAL.compress(&Zeroizing::new(key.map(|byte| byte ^ pad))).to_bytes();
        let mut secret = [0; SECRET_BYTES];
        secret[..STATE_BYTES].copy_from_slice(&after_key(0x36));
        secret[STATE_BYTES..].copy_from_slice(&after_key(0x5c));
        Ok(Self(secret))
    }

    /// Takes what [`CramMd5Secret::to_bytes`] gave; `None` if the length is another than [`SECRET_BYTES`].
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The two states, inner and outer, to be stored.
    #[must_use]
    pub fn to_bytes(&self) -> Secret {
        Secret::new(self.0)
    }

    /// The HMAC-MD5 of a challenge under the password.
    pub(crate) fn digest(&self, challenge: &[u8]) -> [u8; STATE_BYTES] {
        let (inner, outer) = self.0.split_at(STATE_BYTES);
        let state = |bytes: &[u8]| {
            let mut state = [0; STATE_BYTES];
            state.copy_from_slice(bytes);
            State::from_bytes(&state)
        };
        let inner = state(inner).finish(BLOCK_BYTES as u64, challenge);
        state(outer).finish(BLOCK_BYTES as u64, &inner)
    }

    /// Whether `digest` answers `challenge`, in constant time.
    pub(crate) fn verify(&self, challenge: &[u8], digest: &[u8; STATE_BYTES]) -> bool {
        self.digest(challenge).ct_eq(digest).into()
    }
}

impl Drop for CramMd5Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for CramMd5Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("CramMd5Secret(..)")
    }
}

/// Writes a challenge in the form of a msg-id (RFC 2195 §2).
pub(crate) fn challenge(random: u128, unix_time_seconds: u64, host_name: &str) -> Vec<u8> {
    format!("<{random}.{unix_time_seconds}@{host_name}>").into_bytes()
}

/// Splits a response into user name and digest. The name may hold spaces, so the last one divides; the digits may be
/// of either case, though RFC 2195 §2 has lower.
pub(crate) fn parse_response(response: &[u8]) -> Option<(&[u8], [u8; STATE_BYTES])> {
    let (name, digits) = response.split_at_checked(response.len().checked_sub(DIGEST_DIGITS + 1)?)?;
    let digits = digits.strip_prefix(b" ")?;
    let mut digest = [0; STATE_BYTES];
    for (byte, pair) in digest.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = (hexadecimal(pair[0])? << 4) | hexadecimal(pair[1])?;
    }
    Some((name, digest))
}

/// Writes a response.
pub(crate) fn response(name: &str, digest: &[u8; STATE_BYTES]) -> Vec<u8> {
    format!("{name} {:032x}", u128::from_be_bytes(*digest)).into_bytes()
}

fn hexadecimal(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHALLENGE: &[u8] = b"<1896.697170952@postoffice.reston.mci.net>";
    const RESPONSE: &[u8] = b"tim b913a602c7eda7a495b4e6e7334d3890";

    #[test]
    fn the_example_of_rfc_2195() {
        let secret = CramMd5Secret::derive(b"tanstaaftanstaaf").unwrap();
        assert_eq!(challenge(1896, 697_170_952, "postoffice.reston.mci.net"), CHALLENGE);
        assert_eq!(response("tim", &secret.digest(CHALLENGE)), RESPONSE);
        let (name, digest) = parse_response(RESPONSE).unwrap();
        assert_eq!(name, b"tim");
        assert!(secret.verify(CHALLENGE, &digest));
        assert!(!secret.verify(b"<1897.697170952@postoffice.reston.mci.net>", &digest));
    }

    #[test]
    fn hmac_md5_of_rfc_2202() {
        #[track_caller]
        fn check(key: &[u8], message: &[u8], expected: u128) {
            let digest = CramMd5Secret::derive(key).unwrap().digest(message);
            assert_eq!(digest, expected.to_be_bytes());
        }
        // RFC 2202 §2, the case whose key is text.
        check(b"Jefe", b"what do ya want for nothing?", 0x750c_783e_6ab0_b503_eaa8_6e31_0a5d_b738);
    }

    #[test]
    fn keys_of_a_block_and_longer() {
        /// HMAC as RFC 2104 §2 writes it, with a key that fits a block.
        fn by_hand(key: &[u8], message: &[u8]) -> [u8; STATE_BYTES] {
            let pad = |pad: u8| {
                let mut block = vec![pad; BLOCK_BYTES];
                block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
                block
            };
            let inner = md5::digest(&[&pad(0x36), message].concat());
            md5::digest(&[&pad(0x5c)[..], &inner].concat())
        }
        let key = [b'k'; BLOCK_BYTES + 1];
        let digest = |key: &[u8]| CramMd5Secret::derive(key).unwrap().digest(b"message");
        assert_eq!(digest(&key[..BLOCK_BYTES - 1]), by_hand(&key[..BLOCK_BYTES - 1], b"message"));
        assert_eq!(digest(&key[..BLOCK_BYTES]), by_hand(&key[..BLOCK_BYTES], b"message"));
        assert_eq!(digest(&key), by_hand(&md5::digest(&key), b"message"));
    }

    #[test]
    fn responses_are_a_name_and_32_digits() {
        assert_eq!(parse_response(b"a b 000102030405060708090a0b0c0d0e0F").unwrap().0, b"a b");
        let cases: [&[u8]; 7] = [
            b"",
            b"tim",
            b"tim b913a602c7eda7a495b4e6e7334d389",
            b"timb913a602c7eda7a495b4e6e7334d38901",
            b"tim b913a602c7eda7a495b4e6e7334d389g",
            b"tim\tb913a602c7eda7a495b4e6e7334d3890",
            b"tim +913a602c7eda7a495b4e6e7334d3890",
        ];
        for bad in cases {
            assert!(parse_response(bad).is_none(), "{}", bad.escape_ascii());
        }
    }

    #[test]
    fn secrets_read_back_and_do_not_print() {
        let secret = CramMd5Secret::derive(b"tanstaaftanstaaf").unwrap();
        let read_back = CramMd5Secret::from_bytes(secret.to_bytes().expose()).unwrap();
        assert_eq!(read_back.digest(CHALLENGE), secret.digest(CHALLENGE));
        assert!(CramMd5Secret::from_bytes(&[0; SECRET_BYTES - 1]).is_none());
        assert_eq!(format!("{secret:?}"), "CramMd5Secret(..)");
    }
}
