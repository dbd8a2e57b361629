//! The keys behind rewritten senders, at rest: one that makes addresses, and those before it, which know theirs again for
//! as long as such an address holds.
//!
//! ```text
//! srs-keys
//! NUMBER CREATED RETIRED KEY      a line for each; milliseconds since 1970, or - ; base64
//! ```

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use posthouse_model::{Secret, UnixMillis};
use posthouse_storage::{Settings, StorageError};
use thiserror::Error;

use super::codec::VALID_FOR;

/// The setting under which the keys are kept.
const SETTING: &str = "srs-key";
/// The first line. What begins otherwise is the one key of a house that never had another.
const HEAD: &str = "srs-keys";
/// Octets of a key.
pub(super) const KEY_BYTES: usize = 32;
/// Most keys that are known again besides the one that makes addresses: each of them costs a hash for each address.
pub const MAX_RETIRED_SRS_KEYS: usize = 8;

/// Why there is no new key.
#[derive(Debug, Error)]
pub enum SrsKeyError {
    /// There are too many.
    #[error(
        "{MAX_RETIRED_SRS_KEYS} former keys are still needed: wait until the oldest is not, or give up reports by them \
         with --forget"
    )]
    TooMany,
    /// The store cannot.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// A key, as far as everybody may know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SrsKey {
    /// Which: the first one of the house has the number 1.
    pub number: u32,
    /// When it was made; `None` where that was not noted.
    pub created_at: Option<UnixMillis>,
    /// Until when its addresses are known again; `None` for the one that makes addresses.
    pub known_until: Option<UnixMillis>,
}

/// A key as it is stored.
pub(super) struct StoredKey {
    pub number: u32,
    pub created_at: Option<UnixMillis>,
    pub retired_at: Option<UnixMillis>,
    pub key: Secret,
}

impl StoredKey {
    /// Until when its addresses are known again.
    pub fn known_until(&self) -> Option<UnixMillis> {
        self.retired_at.map(|at| at + VALID_FOR)
    }

    fn is_needed(&self, now: UnixMillis) -> bool {
        self.known_until().is_none_or(|until| now < until)
    }

    fn line(&self) -> String {
        let time = |at: Option<UnixMillis>| at.map_or_else(|| "-".to_owned(), |at| at.0.to_string());
        let key = STANDARD.encode(self.key.expose());
        format!("{} {} {} {key}\n", self.number, time(self.created_at), time(self.retired_at))
    }

    fn of_line(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split(' ').collect();
        let [number, created, retired, key] = words[..] else { return None };
        let time = |word: &str| match word {
            "-" => Some(None),
            at => Some(Some(UnixMillis(at.parse().ok()?))),
        };
        Some(Self {
            number: number.parse().ok()?,
            created_at: time(created)?,
            retired_at: time(retired)?,
            key: Secret::new(STANDARD.decode(key).ok()?),
        })
    }
}

/// All keys there are: the one that makes addresses first.
pub(super) struct StoredKeys(Vec<StoredKey>);

impl StoredKeys {
    /// Those of the house; where it has none, `fresh` is its first.
    pub async fn load<S: Settings + ?Sized>(store: &S, fresh: Secret, now: UnixMillis) -> Result<Self, StorageError> {
        let first = StoredKey { number: 1, created_at: Some(now), retired_at: None, key: fresh };
        let found = store.setting_or_insert(SETTING, Self(vec![first]).written()).await?;
        Self::read(&found).ok_or_else(|| StorageError::Corrupt("the SRS keys cannot be read".to_owned()))
    }

    pub async fn save<S: Settings + ?Sized>(&self, store: &S) -> Result<(), StorageError> {
        store.put_setting(SETTING, self.written()).await
    }

    /// `fresh` makes addresses from now on. The one before is known for as long as its addresses hold, or not at all.
    pub fn rotate(&mut self, fresh: Secret, forget: bool, now: UnixMillis) -> Result<(), SrsKeyError> {
        let number = self.0.iter().map(|key| key.number).max().unwrap_or(0).saturating_add(1);
        for key in &mut self.0 {
            key.retired_at.get_or_insert(now);
        }
        self.0.retain(|key| !forget && key.is_needed(now));
        if self.0.len() > MAX_RETIRED_SRS_KEYS {
            return Err(SrsKeyError::TooMany);
        }
        self.0.insert(0, StoredKey { number, created_at: Some(now), retired_at: None, key: fresh });
        Ok(())
    }

    /// Those that still count.
    pub fn needed(&self, now: UnixMillis) -> impl Iterator<Item = &StoredKey> {
        self.0.iter().filter(move |key| key.is_needed(now))
    }

    fn read(found: &Secret) -> Option<Self> {
        let Some(text) = found.expose_str().and_then(|text| text.strip_prefix(HEAD)?.strip_prefix('\n')) else {
            let key = StoredKey { number: 1, created_at: None, retired_at: None, key: found.clone() };
            return Some(Self(vec![key]));
        };
        let keys: Vec<StoredKey> = text.lines().map(StoredKey::of_line).collect::<Option<_>>()?;
        keys.first().is_some_and(|key| key.retired_at.is_none()).then_some(Self(keys))
    }

    fn written(&self) -> Secret {
        let lines: String = self.0.iter().map(StoredKey::line).collect();
        Secret::new(format!("{HEAD}\n{lines}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

    fn secret(octet: u8) -> Secret {
        Secret::new(vec![octet; KEY_BYTES])
    }

    fn shown(keys: &StoredKeys, now: UnixMillis) -> Vec<(u32, u8, bool)> {
        keys.needed(now).map(|key| (key.number, key.key.expose()[0], key.retired_at.is_some())).collect()
    }

    #[test]
    fn what_was_there_before_is_the_first_key() {
        // Whatever its octets are.
        for octet in [0, b'-', 255] {
            let mut keys = StoredKeys::read(&secret(octet)).unwrap();
            assert_eq!(shown(&keys, NOW), [(1, octet, false)]);
            keys.rotate(secret(7), false, NOW).unwrap();
            let keys = StoredKeys::read(&keys.written()).unwrap();
            assert_eq!(shown(&keys, NOW), [(2, 7, false), (1, octet, true)]);
        }
    }

    #[test]
    fn former_keys_count_for_a_while() {
        let mut keys = StoredKeys::read(&secret(0)).unwrap();
        keys.rotate(secret(1), false, NOW).unwrap();
        let last = UnixMillis((NOW + VALID_FOR).0 - 1);
        assert_eq!(shown(&keys, last).len(), 2);
        assert_eq!(shown(&keys, NOW + VALID_FOR), [(2, 1, false)]);
        keys.rotate(secret(2), false, NOW + VALID_FOR).unwrap();
        assert_eq!(shown(&keys, NOW), [(3, 2, false), (2, 1, true)], "the first is gone");
        keys.rotate(secret(3), true, NOW + VALID_FOR).unwrap();
        assert_eq!(shown(&keys, NOW), [(4, 3, false)]);
    }

    #[test]
    fn there_are_so_many() {
        let mut keys = StoredKeys::read(&secret(0)).unwrap();
        for octet in 1..=MAX_RETIRED_SRS_KEYS {
            keys.rotate(secret(octet as u8), false, NOW).unwrap();
        }
        assert!(matches!(keys.rotate(secret(99), false, NOW), Err(SrsKeyError::TooMany)));
        keys.rotate(secret(99), false, NOW + VALID_FOR).unwrap();
    }

    #[test]
    fn damaged_ones_are_not_believed() {
        for text in
            ["srs-keys\n", "srs-keys\n1 - -", "srs-keys\n1 - 5 AAAA\n", "srs-keys\n1 - - !\n", "srs-keys\nx - - AAAA\n"]
        {
            assert!(StoredKeys::read(&Secret::new(text)).is_none(), "{text}");
        }
    }
}
