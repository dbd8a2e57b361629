//! [`PasswordHistory`].

use async_trait::async_trait;
use posthouse_model::{AccountId, UnixMillis};
use posthouse_storage::{Credential, EarlierPassword, PasswordHistory, StorageError};

use crate::reader::password_history;
use crate::store::SqliteStorage;

#[async_trait]
impl PasswordHistory for SqliteStorage {
    async fn replace_credential(&self, id: AccountId, credential: Credential, keep: usize) -> Result<(), StorageError> {
        self.change_directory(move |work| work.replace_credential(id, &credential, keep)).await
    }

    async fn earlier_passwords(&self, id: AccountId, limit: usize) -> Result<Vec<EarlierPassword>, StorageError> {
        self.ask(move |reader| password_history::earlier(&reader.connection, id, limit)).await
    }

    async fn password_ages(&self) -> Result<Vec<(AccountId, UnixMillis)>, StorageError> {
        self.ask(|reader| password_history::ages(&reader.connection)).await
    }
}
