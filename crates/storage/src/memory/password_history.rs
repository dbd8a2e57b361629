//! Earlier passwords in memory.

use async_trait::async_trait;
use posthouse_model::{AccountId, UnixMillis};

use super::MemoryStorage;
use crate::directory::Credential;
use crate::error::StorageError;
use crate::password_history::{EarlierPassword, MAX_EARLIER_PASSWORDS, PasswordHistory};

#[async_trait]
impl PasswordHistory for MemoryStorage {
    async fn replace_credential(&self, id: AccountId, credential: Credential, keep: usize) -> Result<(), StorageError> {
        let mut state = self.directory_to_change()?;
        state.directory.account(id)?;
        let replaced = state.directory.credentials.insert(id, credential);
        let earlier = state.earlier_passwords.entry(id).or_default();
        if let Some(Credential { argon2, changed_at, .. }) = replaced {
            earlier.insert(0, EarlierPassword { argon2, changed_at });
        }
        earlier.truncate(keep.min(MAX_EARLIER_PASSWORDS));
        Ok(())
    }

    async fn earlier_passwords(&self, id: AccountId, limit: usize) -> Result<Vec<EarlierPassword>, StorageError> {
        let state = self.state()?;
        Ok(state.earlier_passwords.get(&id).into_iter().flatten().take(limit).cloned().collect())
    }

    async fn password_ages(&self) -> Result<Vec<(AccountId, UnixMillis)>, StorageError> {
        let state = self.state()?;
        Ok(state.directory.credentials.iter().map(|(&id, credential)| (id, credential.changed_at)).collect())
    }
}
