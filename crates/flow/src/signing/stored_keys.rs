//! The keys of a domain at rest: a line for each.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use posthouse_domain_policy::dkim::{DkimAlgorithm, DkimKey, DkimKeyError};
use posthouse_mime::date::DateTime;
use posthouse_model::{Domain, Secret, UnixMillis};
use posthouse_storage::{Settings, StorageError};

use super::{SigningKey, SigningKeyError};

/// Where a key is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// Made, and not known to stand in DNS.
    Pending,
    /// It signs.
    Active,
    /// It signs no more; mail that it signed may still be verified.
    Retired,
}

impl KeyState {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Retired => "retired",
        }
    }
}

const STATES: [KeyState; 3] = [KeyState::Pending, KeyState::Active, KeyState::Retired];
const ALGORITHMS: [DkimAlgorithm; 2] = [DkimAlgorithm::RsaSha256, DkimAlgorithm::Ed25519Sha256];

/// A key with its private half.
pub(super) struct StoredKey {
    pub(super) selector: String,
    pub(super) algorithm: DkimAlgorithm,
    pub(super) state: KeyState,
    pub(super) created_at: UnixMillis,
    pub(super) changed_at: UnixMillis,
    pub(super) pkcs8: Secret,
}

impl StoredKey {
    pub(super) fn open(&self) -> Result<DkimKey, DkimKeyError> {
        DkimKey::from_pkcs8(self.algorithm, &self.pkcs8)
    }

    pub(super) fn shown(&self) -> Result<SigningKey, SigningKeyError> {
        Ok(SigningKey {
            selector: self.selector.clone(),
            algorithm: self.algorithm,
            state: self.state,
            created_at: self.created_at,
            changed_at: self.changed_at,
            record: self.open()?.record()?,
        })
    }

    fn line(&self) -> String {
        let (created, changed) = (self.created_at.0, self.changed_at.0);
        let pkcs8 = STANDARD.encode(self.pkcs8.expose());
        format!("{} {} {} {created} {changed} {pkcs8}\n", self.selector, self.algorithm.name(), self.state.name())
    }

    fn of_line(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split(' ').collect();
        let [selector, algorithm, state, created, changed, pkcs8] = words[..] else { return None };
        Some(Self {
            selector: selector.to_owned(),
            algorithm: ALGORITHMS.into_iter().find(|one| one.name() == algorithm)?,
            state: STATES.into_iter().find(|one| one.name() == state)?,
            created_at: UnixMillis(created.parse().ok()?),
            changed_at: UnixMillis(changed.parse().ok()?),
            pkcs8: Secret::new(STANDARD.decode(pkcs8).ok()?),
        })
    }
}

/// All keys of a domain.
#[derive(Default)]
pub(super) struct StoredKeys {
    pub(super) all: Vec<StoredKey>,
}

impl StoredKeys {
    pub(super) async fn load<S: Settings + ?Sized>(store: &S, domain: &Domain) -> Result<Self, StorageError> {
        let Some(text) = store.setting(&name(domain)).await? else { return Ok(Self::default()) };
        let damaged = || StorageError::Corrupt(format!("the DKIM keys of {domain} cannot be read"));
        let text = text.expose_str().ok_or_else(damaged)?;
        let all = text.lines().map(StoredKey::of_line).collect::<Option<_>>().ok_or_else(damaged)?;
        Ok(Self { all })
    }

    pub(super) async fn save<S: Settings + ?Sized>(&self, store: &S, domain: &Domain) -> Result<(), StorageError> {
        let text: String = self.all.iter().map(StoredKey::line).collect();
        store.put_setting(&name(domain), Secret::new(text)).await
    }

    pub(super) fn position(&self, selector: &str) -> Option<usize> {
        self.all.iter().position(|key| key.selector.eq_ignore_ascii_case(selector))
    }

    /// A selector of the day and the algorithm that no key has.
    pub(super) fn free_selector(&self, now: UnixMillis, algorithm: DkimAlgorithm) -> String {
        let (year, month, day) = DateTime { unix_seconds: now.seconds(), offset_minutes: 0 }.local_date();
        let letter = &algorithm.key_type()[..1];
        let stem = format!("{year:04}{month:02}{day:02}{letter}");
        let others = (2..).map(|number| format!("{stem}{number}"));
        let mut free = std::iter::once(stem.clone()).chain(others).filter(|one| self.position(one).is_none());
        free.next().unwrap_or(stem)
    }
}

fn name(domain: &Domain) -> String {
    format!("dkim-keys {domain}")
}
