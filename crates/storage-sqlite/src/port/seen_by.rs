//! [`SeenBy`].

use async_trait::async_trait;
use posthouse_model::{AccountId, FlagScope, MailboxId};
use posthouse_storage::{
    CopiedUids, FlagsStored, FlagsWanted, SeenBy, SeenFigures, SeenRecord, StorageError, Transfer,
};

use crate::reader::seen_by;
use crate::store::SqliteStorage;

#[async_trait]
impl SeenBy for SqliteStorage {
    async fn seen_by(&self, mailbox: MailboxId, by: AccountId) -> Result<SeenRecord, StorageError> {
        self.ask(move |reader| seen_by::record(&reader.connection, mailbox, by)).await
    }

    async fn seen_figures(&self, mailbox: MailboxId, by: AccountId) -> Result<SeenFigures, StorageError> {
        self.ask(move |reader| seen_by::figures(&reader.connection, mailbox, by)).await
    }

    async fn store_flags_by(
        &self,
        owner: AccountId,
        mailbox: MailboxId,
        by: AccountId,
        wanted: FlagsWanted,
        scope: FlagScope,
    ) -> Result<FlagsStored, StorageError> {
        self.write(Vec::new(), move |work| work.store_flags_by((owner, mailbox), by, &wanted, scope)).await
    }

    async fn transfer(&self, transfer: Transfer) -> Result<CopiedUids, StorageError> {
        self.write(Vec::new(), move |work| work.transfer(&transfer)).await
    }
}
