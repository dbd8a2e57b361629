//! [`SendingWatch`].

use async_trait::async_trait;
use posthouse_model::{AccountId, UnixMillis};
use posthouse_storage::{HeldMail, SendingFreeze, SendingWatch, StorageError, Watched};

use crate::reader::sending_watch;
use crate::store::SqliteStorage;

#[async_trait]
impl SendingWatch for SqliteStorage {
    async fn watched(&self, account: AccountId, at: UnixMillis) -> Result<Watched, StorageError> {
        self.ask(move |reader| Ok(sending_watch::watched(&reader.connection, account)?.as_of(at))).await
    }

    async fn count_bounces(&self, account: AccountId, bounced: u64, at: UnixMillis) -> Result<Watched, StorageError> {
        self.write(Vec::new(), move |work| work.count_bounces(account, bounced, at)).await
    }

    async fn freeze_sending(&self, freeze: SendingFreeze) -> Result<bool, StorageError> {
        self.write(Vec::new(), move |work| work.freeze_sending(&freeze)).await
    }

    async fn release_sending(&self, account: AccountId, held: HeldMail, at: UnixMillis) -> Result<(), StorageError> {
        self.write(Vec::new(), move |work| work.release_sending(account, held, at)).await
    }

    async fn sending_freezes(&self) -> Result<Vec<SendingFreeze>, StorageError> {
        self.ask(|reader| sending_watch::freezes(&reader.connection)).await
    }
}
