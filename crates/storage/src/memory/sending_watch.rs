//! Watching senders in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use posthouse_model::{AccountId, UnixMillis};

use super::MemoryStorage;
use crate::error::{Named, StorageError};
use crate::sending_watch::{FreezeCause, HeldMail, SendingFreeze, SendingWatch, Watched};

#[derive(Default)]
pub(super) struct WatchTables {
    watched: BTreeMap<AccountId, Watched>,
    freezes: BTreeMap<AccountId, SendingFreeze>,
}

impl WatchTables {
    /// Why an account may not send, if it may not.
    pub fn cause(&self, account: AccountId) -> Option<FreezeCause> {
        self.freezes.get(&account).map(|freeze| freeze.cause)
    }

    pub fn change(&mut self, account: AccountId, change: impl FnOnce(Watched) -> Watched) -> Watched {
        let watched = self.watched.entry(account).or_default();
        *watched = change(*watched);
        *watched
    }

    pub fn forget_account(&mut self, account: AccountId) {
        self.watched.remove(&account);
        self.freezes.remove(&account);
    }
}

#[async_trait]
impl SendingWatch for MemoryStorage {
    async fn watched(&self, account: AccountId, at: UnixMillis) -> Result<Watched, StorageError> {
        Ok(self.state()?.watch.watched.get(&account).copied().unwrap_or_default().as_of(at))
    }

    async fn count_bounces(&self, account: AccountId, bounced: u64, at: UnixMillis) -> Result<Watched, StorageError> {
        let mut state = self.state()?;
        state.directory.account(account)?;
        Ok(state.watch.change(account, |watched| watched.as_of(at).plus_bounced(bounced)))
    }

    async fn freeze_sending(&self, freeze: SendingFreeze) -> Result<bool, StorageError> {
        let mut state = self.state()?;
        let account = freeze.account;
        state.directory.account(account)?;
        if state.watch.cause(account).is_some() {
            return Ok(false);
        }
        state.watch.freezes.insert(account, freeze);
        Ok(true)
    }

    async fn release_sending(&self, account: AccountId, held: HeldMail, at: UnixMillis) -> Result<(), StorageError> {
        let mut state = self.state()?;
        state.watch.freezes.remove(&account).ok_or(StorageError::NotFound(Named::Rule))?;
        state.watch.change(account, |watched| watched.released(held, at));
        Ok(())
    }

    async fn sending_freezes(&self) -> Result<Vec<SendingFreeze>, StorageError> {
        Ok(self.state()?.watch.freezes.values().cloned().collect())
    }
}
