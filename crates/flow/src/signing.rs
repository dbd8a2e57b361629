//! The last touch before mail leaves: DKIM signatures of the author's domain.
//!
//! Each domain has keys of its own, each under a selector, and a key goes through three states: *pending* until its
//! record stands in DNS, *active* while it signs, *retired* for as long as mail that it signed is under way. All active
//! keys of the domain in `From` sign, so that a message can carry a signature of each algorithm; where it has none, those of
//! the domain above it do. Keys lie in the store, in one setting for each domain.

mod parent;
mod stored_keys;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::RwLock;
use posthouse_domain_policy::Resolver;
use posthouse_domain_policy::dkim::DkimAlgorithm::Ed25519Sha256;
use posthouse_domain_policy::dkim::{DkimAlgorithm, DkimKey, DkimKeyError, DkimSigner, sign};
use posthouse_mime::date::DateTime;
use posthouse_mime::edit::HeaderFacts;
use posthouse_model::{Address, Domain, UnixMillis};
use posthouse_storage::{QueuedMessage, StorageError};
use thiserror::Error;
use tokio::sync::Mutex;

pub use stored_keys::KeyState;
use stored_keys::{StoredKey, StoredKeys};

use crate::Flow;

/// Most keys of one domain.
pub const MAX_KEYS_PER_DOMAIN: usize = 16;
/// Longest selector, in octets: a label of DNS.
pub const MAX_SELECTOR_BYTES: usize = 63;
/// A message of at most so many octets is signed at once by Ed25519 alone: that takes less than to hand it to another
/// thread.
const MAX_INLINE_BYTES: usize = 32 * 1024;
/// How long a key that has signed is kept: so long mail may be on its way, in the queues of others (RFC 5321 §4.5.4.1
/// speaks of five days).
pub const RETIRED_KEY_REST: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Domains whose keys are kept ready; with one more, all begin anew.
const MAX_READY_DOMAINS: usize = 10_000;

/// Why a key cannot be made or changed.
#[derive(Debug, Error)]
pub enum SigningKeyError {
    /// The selector is no label of DNS.
    #[error("`{0}` cannot be a selector: letters, digits and hyphens, at most {MAX_SELECTOR_BYTES}")]
    BadSelector(String),
    /// There is such a key.
    #[error("the domain has a key with the selector `{0}`")]
    Taken(String),
    /// There is no such key.
    #[error("the domain has no key with the selector `{0}`")]
    NoSuchKey(String),
    /// There are too many.
    #[error("a domain has at most {MAX_KEYS_PER_DOMAIN} keys: remove one that is retired")]
    TooMany,
    /// A key that signs cannot be removed.
    #[error("the key `{0}` signs: retire it, and remove it when mail that it signed has arrived, in a week or so")]
    Active(String),
    /// What a key signed may still be on its way.
    #[error("mail that the key `{selector}` signed may be on its way until {}: remove it then, or --early", .until.day())]
    TooEarly {
        /// Which.
        selector: String,
        /// When it may go.
        until: KeyRest,
    },
    /// The key itself cannot be used.
    #[error(transparent)]
    Key(#[from] DkimKeyError),
    /// The store cannot.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// When nothing is on its way any more that a key signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyRest(pub UnixMillis);

impl KeyRest {
    /// The day, as ISO 8601 has it.
    fn day(self) -> String {
        let (year, month, day) = DateTime { unix_seconds: self.0.seconds(), offset_minutes: 0 }.local_date();
        format!("{year:04}-{month:02}-{day:02}")
    }
}

/// A key, as far as everybody may know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKey {
    /// Its selector.
    pub selector: String,
    /// How it signs.
    pub algorithm: DkimAlgorithm,
    /// Where it is in its life.
    pub state: KeyState,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When it came to this state.
    pub changed_at: UnixMillis,
    /// The TXT record that verifiers look for.
    pub record: String,
}

impl SigningKey {
    /// The name of the record in DNS (RFC 6376 §3.6.2.1).
    pub fn record_name(&self, domain: &Domain) -> String {
        format!("{}._domainkey.{domain}", self.selector)
    }
}

/// The keys of domains that sent something of late.
#[derive(Default)]
pub(crate) struct Signers {
    ready: RwLock<HashMap<Domain, Arc<Vec<DkimSigner>>>>,
    /// Held while keys change, so that one change does not undo another.
    changing: Mutex<()>,
}

impl Flow {
    /// The keys of a domain, in the order in which they were made.
    pub async fn signing_keys(&self, domain: &Domain) -> Result<Vec<SigningKey>, SigningKeyError> {
        let keys = StoredKeys::load(&*self.store, domain).await?;
        keys.all.iter().map(StoredKey::shown).collect()
    }

    /// Makes a key, which is pending. Without a selector it is called after the day and the algorithm.
    pub async fn add_signing_key(
        &self,
        domain: &Domain,
        selector: Option<&str>,
        algorithm: DkimAlgorithm,
    ) -> Result<SigningKey, SigningKeyError> {
        let _changing = self.signers.changing.lock().await;
        let mut keys = StoredKeys::load(&*self.store, domain).await?;
        let now = self.environment.now();
        let selector = match selector {
            Some(selector) => selector.to_ascii_lowercase(),
            None => keys.free_selector(now, algorithm),
        };
        if !is_selector(&selector) {
            return Err(SigningKeyError::BadSelector(selector));
        }
        if keys.position(&selector).is_some() {
            return Err(SigningKeyError::Taken(selector));
        }
        if keys.all.len() >= MAX_KEYS_PER_DOMAIN {
            return Err(SigningKeyError::TooMany);
        }
        // An RSA key takes a good part of a second to make.
        let made = tokio::task::spawn_blocking(move || DkimKey::generate(algorithm)).await;
        let pkcs8 = made.map_err(|_| DkimKeyError::Generation)??.to_pkcs8()?;
        let key = StoredKey { selector, algorithm, state: KeyState::Pending, created_at: now, changed_at: now, pkcs8 };
        let shown = key.shown()?;
        keys.all.push(key);
        self.keep(domain, &keys).await?;
        Ok(shown)
    }

    /// Brings a key to another state.
    pub async fn change_signing_key(
        &self,
        domain: &Domain,
        selector: &str,
        state: KeyState,
    ) -> Result<SigningKey, SigningKeyError> {
        let _changing = self.signers.changing.lock().await;
        let mut keys = StoredKeys::load(&*self.store, domain).await?;
        let at = keys.position(selector).ok_or_else(|| SigningKeyError::NoSuchKey(selector.to_owned()))?;
        let key = &mut keys.all[at];
        if key.state != state {
            (key.state, key.changed_at) = (state, self.environment.now());
        }
        let shown = key.shown()?;
        self.keep(domain, &keys).await?;
        Ok(shown)
    }

    /// Removes a key that does not sign; one that has signed within [`RETIRED_KEY_REST`] only if `early`.
    pub async fn remove_signing_key(
        &self,
        domain: &Domain,
        selector: &str,
        early: bool,
    ) -> Result<SigningKey, SigningKeyError> {
        let _changing = self.signers.changing.lock().await;
        let mut keys = StoredKeys::load(&*self.store, domain).await?;
        let at = keys.position(selector).ok_or_else(|| SigningKeyError::NoSuchKey(selector.to_owned()))?;
        if keys.all[at].state == KeyState::Active {
            return Err(SigningKeyError::Active(selector.to_owned()));
        }
        let until = keys.all[at].changed_at + RETIRED_KEY_REST;
        if keys.all[at].state == KeyState::Retired && self.environment.now() < until && !early {
            return Err(SigningKeyError::TooEarly { selector: selector.to_owned(), until: KeyRest(until) });
        }
        let shown = keys.all.remove(at).shown()?;
        self.keep(domain, &keys).await?;
        Ok(shown)
    }

    /// Forgets all keys of a domain that is no longer ours.
    pub async fn forget_signing_keys(&self, domain: &Domain) -> Result<(), SigningKeyError> {
        let _changing = self.signers.changing.lock().await;
        self.keep(domain, &StoredKeys::default()).await
    }

    async fn keep(&self, domain: &Domain, keys: &StoredKeys) -> Result<(), SigningKeyError> {
        keys.save(&*self.store, domain).await?;
        self.signers.ready.write().remove(domain);
        Ok(())
    }

    /// The message as it leaves: with the signatures of its author's domain, or with the seal of whose alias leads it on.
    pub(crate) async fn last_touches(
        &self,
        message: &QueuedMessage,
        content: Vec<Bytes>,
        resolver: &dyn Resolver,
    ) -> Result<Vec<Bytes>, StorageError> {
        match &message.forwarded_by {
            _ if message.may_sign => self.signed(content).await,
            Some(domain) => self.sealed(domain, content, resolver).await,
            None => Ok(content),
        }
    }

    /// The message with the signatures of its author's domain in front, if that has keys which sign.
    async fn signed(&self, mut content: Vec<Bytes>) -> Result<Vec<Bytes>, StorageError> {
        let Some(domain) = content.first().and_then(|first| author_domain(first)) else { return Ok(content) };
        let signers = self.signers_for(&domain).await?;
        if signers.is_empty() {
            return Ok(content);
        }
        let now = self.environment.now();
        let octets: usize = content.iter().map(Bytes::len).sum();
        let is_quick = octets <= MAX_INLINE_BYTES && signers.iter().all(|one| one.key.algorithm() == Ed25519Sha256);
        let make = move || {
            let signers: Vec<&DkimSigner> = signers.iter().collect();
            let fields = sign(&signers, &content, now);
            (fields, content)
        };
        let (fields, unsigned) = if is_quick { make() } else { aside(make).await? };
        content = unsigned;
        let unusable = |error| StorageError::Corrupt(format!("a DKIM key of {domain} cannot be used: {error}"));
        content.insert(0, fields.map_err(unusable)?.into());
        Ok(content)
    }

    /// The keys of a domain that sign.
    pub(crate) async fn signers_of(&self, domain: &Domain) -> Result<Arc<Vec<DkimSigner>>, StorageError> {
        if let Some(ready) = self.signers.ready.read().get(domain) {
            return Ok(Arc::clone(ready));
        }
        // Under the lock, so that what is made ready is not older than the last change.
        let _changing = self.signers.changing.lock().await;
        let keys = StoredKeys::load(&*self.store, domain).await?;
        let active = keys.all.iter().filter(|key| key.state == KeyState::Active);
        let signer = |key: &StoredKey| {
            let unusable = |error| StorageError::Corrupt(format!("the DKIM key {} of {domain}: {error}", key.selector));
            let key_pair = key.open().map_err(unusable)?;
            Ok(DkimSigner { domain: domain.clone(), selector: key.selector.clone(), key: key_pair })
        };
        let signers = Arc::new(active.map(signer).collect::<Result<Vec<_>, StorageError>>()?);
        let mut ready = self.signers.ready.write();
        if ready.len() >= MAX_READY_DOMAINS {
            ready.clear();
        }
        ready.insert(domain.clone(), Arc::clone(&signers));
        Ok(signers)
    }
}

/// Does what takes long where it holds up nobody else.
pub(crate) async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, StorageError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| StorageError::Closed)
}

/// The domain of the first author of a message that begins like this.
fn author_domain(beginning: &[u8]) -> Option<Domain> {
    let facts = HeaderFacts::read(beginning);
    let author = Address::parse(facts.from_addresses.first()?).ok()?;
    Some(author.domain).filter(|domain| domain.as_ip().is_none())
}

fn is_selector(text: &str) -> bool {
    let inner = |octet: u8| octet.is_ascii_lowercase() || octet.is_ascii_digit() || octet == b'-';
    !text.is_empty()
        && text.len() <= MAX_SELECTOR_BYTES
        && text.bytes().all(inner)
        && !text.starts_with('-')
        && !text.ends_with('-')
}
