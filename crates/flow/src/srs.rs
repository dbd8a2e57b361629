//! Senders of what aliases lead on, rewritten so that the next host finds us among those who may send for them (SPF), and
//! so that reports come back through us.
//!
//! The queue keeps senders as they came: rewriting is among the last touches, and reports of ours go to the sender
//! straight. Only reports, which have no sender, may go the way back, and only to addresses that we made: so nobody can
//! send to others through us.

mod codec;

use posthouse_model::{Address, Domain, ReversePath, Secret};
use posthouse_storage::{QueuedMessage, StorageError};
use tokio::sync::OnceCell;

use crate::Flow;
use codec::{SrsCodec, is_rewritten};

/// The setting under which the key is kept.
const KEY_SETTING: &str = "srs-key";
/// Octets of the key.
const KEY_BYTES: usize = 32;

/// The key, once it was needed.
#[derive(Default)]
pub(crate) struct SenderRewriting {
    codec: OnceCell<SrsCodec>,
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
        match self.srs().await?.encode(sender, domain, self.environment.now()) {
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
        Ok(self.srs().await?.decode(address, self.environment.now()))
    }

    async fn is_srs_domain(&self, domain: &Domain) -> Result<bool, StorageError> {
        Ok(self.options.forwarding.srs_domain.as_ref() == Some(domain) || self.identity.is_ours(domain).await?)
    }

    async fn srs(&self) -> Result<&SrsCodec, StorageError> {
        let make = || async {
            let numbers: Vec<u8> =
                (0..KEY_BYTES / size_of::<u64>()).flat_map(|_| self.environment.random().to_ne_bytes()).collect();
            let key = self.store.setting_or_insert(KEY_SETTING, Secret::new(numbers)).await?;
            Ok(SrsCodec::new(&key))
        };
        self.sender_rewriting.codec.get_or_try_init(make).await
    }
}
