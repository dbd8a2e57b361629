//! Senders of what aliases lead on, rewritten so that the next host finds us among those who may send for them (SPF), and
//! so that reports come back through us.
//!
//! The queue keeps senders as they came: rewriting is among the last touches, and reports of ours go to the sender
//! straight. Only reports, which have no sender, may go the way back, and only to addresses that we made: so nobody can
//! send to others through us.
//!
//! The key changes now and then; addresses that former ones made are known for as long as they hold.

mod codec;
mod keys;

use std::sync::Arc;

use parking_lot::RwLock;
use posthouse_model::{Address, Domain, ReversePath, Secret, UnixMillis};
use posthouse_storage::{QueuedMessage, StorageError};
use tokio::sync::Mutex;

use crate::Flow;
use codec::{SrsCodec, is_rewritten};
use keys::{KEY_BYTES, StoredKey, StoredKeys};
pub use keys::{MAX_RETIRED_SRS_KEYS, SrsKey, SrsKeyError};

/// A key that is ready, and until when its addresses are known.
struct ReadyKey {
    codec: SrsCodec,
    known_until: Option<UnixMillis>,
}

/// The keys, once they were needed; the one that makes addresses first.
#[derive(Default)]
pub(crate) struct SenderRewriting {
    ready: RwLock<Option<Arc<Vec<ReadyKey>>>>,
    /// Held while keys change, so that one change does not undo another.
    changing: Mutex<()>,
}

impl Flow {
    /// The reverse path with which a message leaves.
    pub(crate) async fn reverse_path(&self, message: &QueuedMessage) -> Result<ReversePath, StorageError> {
        let as_it_came = message.sender.clone();
        let Some(alias_domain) = &message.forwarded_by else { return Ok(as_it_came) };
        let ReversePath::Address(sender) = &message.sender else { return Ok(as_it_came) };
        // Who may send for our own domains, we know already.
        if !self.options.forwarding.rewrites_senders || self.identity.is_ours(&sender.domain).await? {
            return Ok(as_it_came);
        }
        let domain = self.options.forwarding.srs_domain.as_ref().unwrap_or(alias_domain);
        let keys = self.srs_ready().await?;
        let Some(newest) = keys.first() else { return Ok(as_it_came) };
        match newest.codec.encode(sender, domain, self.environment.now()) {
            Ok(rewritten) => Ok(ReversePath::Address(rewritten)),
            Err(error) => {
                tracing::info!(%error, journey = %message.journey, "a sender stays as it is");
                Ok(as_it_came)
            }
        }
    }

    /// Who is meant by an address that stands for a sender, if it is one of ours and who writes to it is nobody.
    pub(crate) async fn sender_behind(
        &self,
        from: &ReversePath,
        address: &Address,
    ) -> Result<Option<Address>, StorageError> {
        let may_be = is_rewritten(address) && self.options.forwarding.rewrites_senders && *from == ReversePath::Null;
        if !may_be || !self.is_srs_domain(&address.domain).await? {
            return Ok(None);
        }
        let now = self.environment.now();
        let keys = self.srs_ready().await?;
        let mut known = keys.iter().filter(|key| key.known_until.is_none_or(|until| now < until));
        Ok(known.find_map(|key| key.codec.decode(address, now)))
    }

    /// The keys behind rewritten senders, the one that makes them first.
    ///
    /// # Errors
    /// When the store cannot.
    pub async fn srs_keys(&self) -> Result<Vec<SrsKey>, SrsKeyError> {
        let now = self.environment.now();
        let keys = StoredKeys::load(&*self.store, self.fresh_srs_key(), now).await?;
        Ok(shown(&keys, now))
    }

    /// A new key makes rewritten senders from now on. Addresses of the ones before are known for as long as they hold, or
    /// if `forget` no more. Gives the keys as they are then.
    ///
    /// # Errors
    /// When there are too many, or the store cannot.
    pub async fn rotate_srs_key(&self, forget: bool) -> Result<Vec<SrsKey>, SrsKeyError> {
        let _changing = self.sender_rewriting.changing.lock().await;
        let now = self.environment.now();
        let mut keys = StoredKeys::load(&*self.store, self.fresh_srs_key(), now).await?;
        keys.rotate(self.fresh_srs_key(), forget, now)?;
        keys.save(&*self.store).await?;
        *self.sender_rewriting.ready.write() = None;
        Ok(shown(&keys, now))
    }

    async fn is_srs_domain(&self, domain: &Domain) -> Result<bool, StorageError> {
        Ok(self.options.forwarding.srs_domain.as_ref() == Some(domain) || self.identity.is_ours(domain).await?)
    }

    async fn srs_ready(&self) -> Result<Arc<Vec<ReadyKey>>, StorageError> {
        if let Some(ready) = &*self.sender_rewriting.ready.read() {
            return Ok(Arc::clone(ready));
        }
        // Under the lock, so that what is made ready is not older than the last change.
        let _changing = self.sender_rewriting.changing.lock().await;
        let now = self.environment.now();
        let keys = StoredKeys::load(&*self.store, self.fresh_srs_key(), now).await?;
        let ready = |key: &StoredKey| ReadyKey { codec: SrsCodec::new(&key.key), known_until: key.known_until() };
        let ready = Arc::new(keys.needed(now).map(ready).collect::<Vec<_>>());
        *self.sender_rewriting.ready.write() = Some(Arc::clone(&ready));
        Ok(ready)
    }

    fn fresh_srs_key(&self) -> Secret {
        let numbers = (0..KEY_BYTES / size_of::<u64>()).flat_map(|_| self.environment.random().to_ne_bytes());
        Secret::new(numbers.collect::<Vec<u8>>())
    }
}

fn shown(keys: &StoredKeys, now: UnixMillis) -> Vec<SrsKey> {
    let shown =
        |key: &StoredKey| SrsKey { number: key.number, created_at: key.created_at, known_until: key.known_until() };
    keys.needed(now).map(shown).collect()
}
