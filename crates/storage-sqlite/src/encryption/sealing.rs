//! Sealing: a root key, a salt, and AES-256-GCM under the key that both make.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use posthouse_storage::BodyKey;
use zeroize::Zeroizing;

/// Octets of a root key.
const KEY_BYTES: usize = 32;
/// Octets of a salt: with 192 random bits two are never equal (2^-64 after 2^64 of them).
pub(crate) const SALT_BYTES: usize = 24;
/// Octets by which a sealed text is longer than the text.
pub(crate) const TAG_BYTES: usize = 16;
/// Octets of a [`Seal`] in the index and in a record.
pub(crate) const SEAL_BYTES: usize = 4 + SALT_BYTES;

/// What a key is derived for. Keys of different purposes have nothing to do with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Derivation {
    /// To seal a body.
    Body,
    /// To seal the values of a row.
    Row,
    /// To wrap a data key.
    Wrapping,
    /// To tell master keys apart.
    Fingerprint,
    /// To hash the contents of bodies, so that equal ones are found and known ones are not.
    ContentId,
    /// What another part of the store asks for, by name.
    Named,
}

impl Derivation {
    fn label(self) -> &'static [u8] {
        match self {
            Self::Body => b"posthouse body key\0",
            Self::Row => b"posthouse row key\0",
            Self::Wrapping => b"posthouse wrapping key\0",
            Self::Fingerprint => b"posthouse fingerprint\0",
            Self::ContentId => b"posthouse content id\0",
            Self::Named => b"posthouse named key\0",
        }
    }
}

/// Random octets of the operating system's.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut octets = [0; N];
    aws_lc_rs::rand::fill(&mut octets).expect("the operating system has random bytes");
    octets
}

/// A key that seals nothing itself: others are derived from it.
#[derive(Clone)]
pub(crate) struct RootKey(Zeroizing<[u8; KEY_BYTES]>);

impl RootKey {
    pub(crate) fn generate() -> Self {
        Self(Zeroizing::new(random()))
    }

    pub(super) fn empty() -> Self {
        Self(Zeroizing::new([0; KEY_BYTES]))
    }

    pub(super) fn of(octets: &[u8]) -> Option<Self> {
        Some(Self(Zeroizing::new(octets.try_into().ok()?)))
    }

    pub(super) fn octets(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    pub(super) fn octets_mut(&mut self) -> &mut [u8; KEY_BYTES] {
        &mut self.0
    }

    /// A key of its own for `derivation` and `salt`: keyed BLAKE3, which is a pseudo-random function.
    pub(super) fn derived(&self, derivation: Derivation, salt: &[u8]) -> Zeroizing<[u8; KEY_BYTES]> {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(derivation.label()).update(salt);
        Zeroizing::new(*hasher.finalize().as_bytes())
    }

    pub(super) fn record_key(&self, derivation: Derivation, salt: &[u8; SALT_BYTES]) -> RecordKey {
        let key = self.derived(derivation, salt);
        let key = UnboundKey::new(&AES_256_GCM, &*key).expect("a derived key has the length of AES-256's");
        RecordKey(LessSafeKey::new(key))
    }
}

/// A key for one record or one row.
pub(crate) struct RecordKey(LessSafeKey);

impl RecordKey {
    /// Seals `text` in place and puts the tag behind it. `number` must not have been used with this key before.
    pub(super) fn seal(&self, number: u64, place: &[u8], text: &mut Vec<u8>) {
        let sealed = self.0.seal_in_place_append_tag(nonce(number), Aad::from(place), text);
        sealed.expect("a chunk is shorter than AES-GCM's limit");
    }

    /// Opens `sealed` in place; `None` when it is not what was sealed under this number and place.
    pub(super) fn open<'a>(&self, number: u64, place: &[u8], sealed: &'a mut [u8]) -> Option<&'a mut [u8]> {
        self.0.open_in_place(nonce(number), Aad::from(place), sealed).ok()
    }
}

fn nonce(number: u64) -> Nonce {
    let mut octets = [0; NONCE_LEN];
    octets[..8].copy_from_slice(&number.to_le_bytes());
    Nonce::assume_unique_for_key(octets)
}

/// Under which key a body's record is sealed, and whose record it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seal {
    /// The data key.
    pub(crate) data_key: u32,
    /// The salt of the record's own key.
    pub(crate) salt: [u8; SALT_BYTES],
    /// The body, which is part of what is authenticated.
    pub(crate) body: BodyKey,
}

impl Seal {
    /// A seal with a salt of its own.
    pub(crate) fn new(data_key: u32, body: BodyKey) -> Self {
        Self { data_key, salt: random(), body }
    }

    /// As it stands in the index and in the record.
    pub(crate) fn encode(&self) -> [u8; SEAL_BYTES] {
        let mut octets = [0; SEAL_BYTES];
        octets[..4].copy_from_slice(&self.data_key.to_le_bytes());
        octets[4..].copy_from_slice(&self.salt);
        octets
    }

    /// The seal of `body`; `None` when the octets are none.
    pub(crate) fn decode(octets: &[u8], body: BodyKey) -> Option<Self> {
        let (data_key, salt) = octets.split_first_chunk()?;
        Some(Self { data_key: u32::from_le_bytes(*data_key), salt: salt.try_into().ok()?, body })
    }
}

/// Seals the values of one row.
///
/// ```text
/// sealed value = salt(24) number(1) AES-256-GCM(value)     the salt is the row's, the number the value's
/// ```
pub(crate) struct RowSealer {
    table: &'static str,
    row: BodyKey,
    salt: [u8; SALT_BYTES],
    key: RecordKey,
    next: u8,
}

impl RowSealer {
    pub(crate) fn new(root: &RootKey, table: &'static str, row: BodyKey) -> Self {
        let salt = random();
        Self { table, row, salt, key: root.record_key(Derivation::Row, &salt), next: 0 }
    }

    /// Seals the value of a column. A row has at most 255 of them.
    pub(crate) fn seal(&mut self, column: &str, value: &[u8]) -> Vec<u8> {
        let number = self.next;
        self.next = number.checked_add(1).expect("a row has fewer columns than numbers");
        let mut sealed = Vec::with_capacity(SALT_BYTES + 1 + value.len() + TAG_BYTES);
        sealed.extend_from_slice(value);
        self.key.seal(number.into(), &value_place(self.table, column, self.row), &mut sealed);
        let mut whole = Vec::with_capacity(SALT_BYTES + 1 + sealed.len());
        whole.extend_from_slice(&self.salt);
        whole.push(number);
        whole.append(&mut sealed);
        whole
    }
}

/// Opens values of one row.
pub(crate) struct RowOpener<'a> {
    root: &'a RootKey,
    table: &'static str,
    row: BodyKey,
    /// The key of the value before: those of a row mostly share it.
    last: Option<([u8; SALT_BYTES], RecordKey)>,
}

impl<'a> RowOpener<'a> {
    pub(crate) fn new(root: &'a RootKey, table: &'static str, row: BodyKey) -> Self {
        Self { root, table, row, last: None }
    }

    /// The value of a column; `None` when it is not what was sealed there.
    pub(crate) fn open(&mut self, column: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (salt, rest) = sealed.split_first_chunk::<SALT_BYTES>()?;
        let (&number, rest) = rest.split_first()?;
        let key = match &self.last {
            Some((last, key)) if last == salt => key,
            _ => &self.last.insert((*salt, self.root.record_key(Derivation::Row, salt))).1,
        };
        let mut value = rest.to_vec();
        let length = key.open(number.into(), &value_place(self.table, column, self.row), &mut value)?.len();
        value.truncate(length);
        Some(value)
    }
}

fn value_place(table: &str, column: &str, row: BodyKey) -> Vec<u8> {
    [b"posthouse value\0", table.as_bytes(), b"\0", column.as_bytes(), b"\0", &row.0.to_le_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_values_of_a_row_come_back(values in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 1..6)) {
            let root = RootKey::generate();
            let mut sealer = RowSealer::new(&root, "parsed", BodyKey(7));
            let sealed: Vec<_> = values.iter().map(|value| sealer.seal("body", value)).collect();
            let mut opener = RowOpener::new(&root, "parsed", BodyKey(7));
            for (value, sealed) in values.iter().zip(&sealed) {
                let opened = opener.open("body", sealed);
                prop_assert_eq!(opened.as_ref(), Some(value));
            }
        }

        #[test]
        fn a_changed_value_is_not_opened(value in prop::collection::vec(any::<u8>(), 0..50), at: prop::sample::Index, change in 1u8..) {
            let root = RootKey::generate();
            let mut sealed = RowSealer::new(&root, "parsed", BodyKey(7)).seal("body", &value);
            let at = at.index(sealed.len());
            sealed[at] ^= change;
            prop_assert_eq!(RowOpener::new(&root, "parsed", BodyKey(7)).open("body", &sealed), None);
        }

        #[test]
        fn what_was_never_sealed_is_not_opened(octets in prop::collection::vec(any::<u8>(), 0..80)) {
            let root = RootKey::generate();
            prop_assert_eq!(RowOpener::new(&root, "parsed", BodyKey(7)).open("body", &octets), None);
        }
    }

    #[test]
    fn a_value_is_at_home_in_one_place() {
        let root = RootKey::generate();
        let sealed = RowSealer::new(&root, "parsed", BodyKey(7)).seal("body", b"x");
        let open = |root: &RootKey, table, row, column| RowOpener::new(root, table, BodyKey(row)).open(column, &sealed);
        assert_eq!(open(&root, "parsed", 7, "body"), Some(b"x".to_vec()));
        assert_eq!(open(&root, "parsed", 8, "body"), None);
        assert_eq!(open(&root, "parsed", 7, "envelope"), None);
        assert_eq!(open(&root, "preview", 7, "body"), None);
        assert_eq!(open(&RootKey::generate(), "parsed", 7, "body"), None);
    }

    #[test]
    fn equal_values_do_not_look_equal() {
        let root = RootKey::generate();
        let mut sealer = RowSealer::new(&root, "parsed", BodyKey(7));
        let (first, second) = (sealer.seal("body", b"text"), sealer.seal("body", b"text"));
        assert_ne!(first[SALT_BYTES + 1..], second[SALT_BYTES + 1..]);
        let other = RowSealer::new(&root, "parsed", BodyKey(7)).seal("body", b"text");
        assert_ne!(first[..SALT_BYTES], other[..SALT_BYTES]);
        assert_ne!(first[SALT_BYTES + 1..], other[SALT_BYTES + 1..]);
    }
}
