//! [`Recovery`].

use std::sync::atomic::Ordering;

use async_trait::async_trait;
use posthouse_model::{AccountId, UnixMillis};
use posthouse_storage::recovery::MAX_RECOVERY_STEP;
use posthouse_storage::{ExpungedKey, ExpungedMessage, PutBack, Recovery, RemovedAccount, StorageError};

use crate::reader::recovery;
use crate::store::SqliteStorage;

/// Most messages that one commit forgets, or takes out of a deleted mailbox.
const STEP_MESSAGES: usize = 500;

impl SqliteStorage {
    /// Has what an account's deleted mailboxes still hold taken out now, so that it is listed.
    async fn reap_of(&self, account: AccountId) -> Result<(), StorageError> {
        let is_doomed = move |reader: &mut crate::reader::Reader| {
            let sql = "SELECT 1 FROM former_mailbox JOIN doomed ON doomed.mailbox = former_mailbox.id
                       WHERE former_mailbox.account = ?1";
            Ok(reader.connection.prepare_cached(sql)?.exists([account.0 as i64])?)
        };
        if self.ask(is_doomed).await? {
            while self.write(Vec::new(), move |work| work.reap_of(account, STEP_MESSAGES)).await? {}
        }
        Ok(())
    }
}

#[async_trait]
impl Recovery for SqliteStorage {
    fn keep_expunged(&self, keep: bool) {
        self.shared.keep_expunged.store(keep, Ordering::Relaxed);
    }

    async fn expunged(
        &self,
        account: AccountId,
        after: Option<ExpungedKey>,
        limit: usize,
    ) -> Result<Vec<ExpungedMessage>, StorageError> {
        self.reap_of(account).await?;
        let limit = limit.min(MAX_RECOVERY_STEP);
        self.ask(move |reader| recovery::expunged(&reader.connection, account, after, limit)).await
    }

    async fn removed_accounts(&self, folded_address: &str) -> Result<Vec<RemovedAccount>, StorageError> {
        let folded = folded_address.to_owned();
        self.ask(move |reader| recovery::removed_accounts(&reader.connection, &folded)).await
    }

    async fn put_back(
        &self,
        from: AccountId,
        to: AccountId,
        keys: Vec<ExpungedKey>,
    ) -> Result<Vec<PutBack>, StorageError> {
        self.write(Vec::new(), move |work| work.put_back(from, to, &keys)).await
    }

    async fn forget_expunged(&self, before: UnixMillis) -> Result<u64, StorageError> {
        let mut forgotten = 0;
        loop {
            let step = self.write(Vec::new(), move |work| work.forget_expunged(before, STEP_MESSAGES)).await?;
            forgotten += step;
            if step == 0 {
                return Ok(forgotten);
            }
        }
    }

    async fn forget_expunged_of(&self, account: AccountId) -> Result<u64, StorageError> {
        self.reap_of(account).await?;
        let mut forgotten = 0;
        loop {
            let step = self.write(Vec::new(), move |work| work.forget_expunged_of(account, STEP_MESSAGES)).await?;
            forgotten += step;
            if step == 0 {
                return Ok(forgotten);
            }
        }
    }
}
