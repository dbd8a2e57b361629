//! [`AccountKeys`].

use async_trait::async_trait;
use posthouse_model::{AccountId, KeyId};
use posthouse_storage::{AccountKey, AccountKeyRing, AccountKeys, KeyUse, NewAccountKey, StorageError};

use crate::reader::account_keys;
use crate::store::SqliteStorage;

#[async_trait]
impl AccountKeys for SqliteStorage {
    async fn add_account_key(&self, key: NewAccountKey) -> Result<AccountKey, StorageError> {
        self.change_directory(move |work| work.add_account_key(key)).await
    }

    async fn remove_account_key(&self, account: AccountId, label: &str) -> Result<KeyId, StorageError> {
        let label = label.to_owned();
        self.change_directory(move |work| work.remove_account_key(account, &label)).await
    }

    async fn account_keys(&self, account: AccountId) -> Result<AccountKeyRing, StorageError> {
        self.ask(move |reader| account_keys::key_ring(&reader.connection, reader.files.keys(), account)).await
    }

    async fn key_owner(&self, key: KeyId) -> Result<Option<(AccountId, String)>, StorageError> {
        self.ask(move |reader| account_keys::owner(&reader.connection, key)).await
    }

    async fn note_key_use(&self, key: KeyId, used: KeyUse) -> Result<(), StorageError> {
        self.write(Vec::new(), move |work| work.note_key_use(key, used)).await
    }

    async fn bar_password(&self, account: AccountId, barred: bool) -> Result<(), StorageError> {
        self.change_directory(move |work| work.bar_password(account, barred)).await
    }
}
