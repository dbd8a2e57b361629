//! [`Access`].

use async_trait::async_trait;
use posthouse_model::{AccountId, MailboxId, MailboxName};
use posthouse_storage::{Access, AccessChange, AccessEntry, SharedArea, SharedMailbox, StorageError};

use crate::reader::access;
use crate::store::SqliteStorage;

#[async_trait]
impl Access for SqliteStorage {
    async fn access(&self, mailbox: MailboxId) -> Result<Vec<AccessEntry>, StorageError> {
        self.ask(move |reader| access::entries(&reader.connection, mailbox)).await
    }

    async fn change_access(&self, change: AccessChange) -> Result<(), StorageError> {
        self.write(Vec::new(), move |work| work.change_access(&change)).await
    }

    async fn shared_with(&self, account: AccountId) -> Result<Vec<SharedMailbox>, StorageError> {
        self.ask(move |reader| access::shared_with(&reader.connection, account)).await
    }

    async fn shared_areas(&self) -> Result<Vec<SharedArea>, StorageError> {
        self.ask(|reader| access::areas(&reader.connection)).await
    }

    async fn shared_area(&self, name: &MailboxName) -> Result<Option<SharedArea>, StorageError> {
        let name = name.clone();
        self.ask(move |reader| access::area(&reader.connection, &name)).await
    }

    async fn shared_area_of(&self, account: AccountId) -> Result<Option<SharedArea>, StorageError> {
        self.ask(move |reader| access::area_of(&reader.connection, account)).await
    }

    async fn create_shared_area(&self, area: SharedArea) -> Result<(), StorageError> {
        self.write(Vec::new(), move |work| work.create_shared_area(&area)).await
    }

    async fn delete_shared_area(&self, name: &MailboxName) -> Result<(), StorageError> {
        let name = name.clone();
        self.write(Vec::new(), move |work| work.delete_shared_area(&name)).await
    }
}
