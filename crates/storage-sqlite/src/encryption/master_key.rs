//! The key from outside, which wraps all others.

use std::fmt;

use posthouse_model::Secret;
use thiserror::Error;

use super::sealing::{Derivation, RootKey, SALT_BYTES, random};

/// Hexadecimal digits of a master key.
const DIGITS: usize = 64;
/// Octets of a fingerprint: enough to tell the keys of one administrator apart.
const FINGERPRINT_BYTES: usize = 8;

/// Why a text is no master key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum MasterKeyError {
    /// It has another form.
    #[error("a key is {DIGITS} hexadecimal digits: make one with `posthouse encryption generate-key FILE`")]
    Form,
}

/// The key that opens a store. It wraps the keys under which records are sealed, and nothing else.
#[derive(Clone)]
pub struct MasterKey {
    root: RootKey,
}

impl MasterKey {
    /// A new one, by chance.
    pub fn generate() -> Self {
        Self { root: RootKey::generate() }
    }

    /// Reads 64 hexadecimal digits; white space around them is passed over.
    ///
    /// # Errors
    /// When the text is anything else.
    pub fn parse(text: &Secret) -> Result<Self, MasterKeyError> {
        let digits = text.expose().trim_ascii();
        if digits.len() != DIGITS {
            return Err(MasterKeyError::Form);
        }
        let mut root = RootKey::empty();
        for (octet, pair) in root.octets_mut().iter_mut().zip(digits.as_chunks::<2>().0) {
            let value = |digit: u8| char::from(digit).to_digit(16).ok_or(MasterKeyError::Form);
            *octet = (value(pair[0])? << 4 | value(pair[1])?) as u8;
        }
        Ok(Self { root })
    }

    /// The text that [`Self::parse`] reads.
    pub fn to_text(&self) -> Secret {
        let digit = |value: u8| b"0123456789abcdef"[usize::from(value)];
        let digits: Vec<u8> =
            self.root.octets().iter().flat_map(|octet| [digit(octet >> 4), digit(octet & 15)]).collect();
        Secret::new(digits)
    }

    /// What tells this key from others without giving anything of it away: 16 hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        hex(&self.fingerprint_octets())
    }

    pub(super) fn fingerprint_octets(&self) -> [u8; FINGERPRINT_BYTES] {
        let whole = self.root.derived(Derivation::Fingerprint, b"");
        whole.first_chunk().copied().expect("a derived key is longer than a fingerprint")
    }

    /// A data key as it may lie in the store.
    pub(super) fn wrap(&self, id: u32, key: &RootKey) -> Vec<u8> {
        let salt: [u8; SALT_BYTES] = random();
        let mut sealed = key.octets().to_vec();
        self.root.record_key(Derivation::Wrapping, &salt).seal(0, &wrapped_place(id), &mut sealed);
        [&salt[..], &sealed].concat()
    }

    /// The data key in `wrapped`; `None` when it is not what [`Self::wrap`] made for this `id`.
    pub(super) fn unwrap(&self, id: u32, wrapped: &[u8]) -> Option<RootKey> {
        let (salt, sealed) = wrapped.split_first_chunk::<SALT_BYTES>()?;
        let mut octets = zeroize::Zeroizing::new(sealed.to_vec());
        let opened = self.root.record_key(Derivation::Wrapping, salt).open(0, &wrapped_place(id), &mut octets)?;
        RootKey::of(opened)
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(..)")
    }
}

fn wrapped_place(id: u32) -> Vec<u8> {
    [&b"posthouse data key"[..], &id.to_le_bytes()].concat()
}

pub(crate) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_is_written() {
        let key = MasterKey::generate();
        let text = key.to_text();
        let with_newline = Secret::new([text.expose(), b"\n"].concat());
        let again = MasterKey::parse(&with_newline).unwrap();
        assert_eq!(again.fingerprint(), key.fingerprint());
        assert_eq!(again.to_text().expose(), text.expose());
        assert_ne!(MasterKey::generate().fingerprint(), key.fingerprint());
        assert_eq!(format!("{key:?}"), "MasterKey(..)");
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in ["", "abc", &"0".repeat(63), &"0".repeat(65), &"g".repeat(64)] {
            assert_eq!(MasterKey::parse(&Secret::new(text)).unwrap_err(), MasterKeyError::Form, "{text}");
        }
    }

    #[test]
    fn a_wrapped_key_opens_only_to_its_master_and_under_its_number() {
        let (master, key) = (MasterKey::generate(), RootKey::generate());
        let wrapped = master.wrap(3, &key);
        assert_eq!(master.unwrap(3, &wrapped).unwrap().octets(), key.octets());
        assert!(master.unwrap(4, &wrapped).is_none());
        assert!(MasterKey::generate().unwrap(3, &wrapped).is_none());
        for at in 0..wrapped.len() {
            let mut changed = wrapped.clone();
            changed[at] ^= 1;
            assert!(master.unwrap(3, &changed).is_none(), "octet {at}");
            assert!(master.unwrap(3, &wrapped[..at]).is_none(), "cut at {at}");
        }
    }
}
