//! Settings in memory.

use async_trait::async_trait;
use posthouse_model::Secret;

use super::MemoryStorage;
use crate::error::StorageError;
use crate::settings::{MAX_SETTING_BYTES, Settings};

#[async_trait]
impl Settings for MemoryStorage {
    async fn setting(&self, name: &str) -> Result<Option<Secret>, StorageError> {
        Ok(self.state()?.settings.get(name).cloned())
    }

    async fn setting_or_insert(&self, name: &str, value: Secret) -> Result<Secret, StorageError> {
        check(&value)?;
        Ok(self.state()?.settings.entry(name.to_owned()).or_insert(value).clone())
    }

    async fn put_setting(&self, name: &str, value: Secret) -> Result<(), StorageError> {
        check(&value)?;
        self.state()?.settings.insert(name.to_owned(), value);
        Ok(())
    }
}

fn check(value: &Secret) -> Result<(), StorageError> {
    if value.len() > MAX_SETTING_BYTES {
        return Err(StorageError::Limit { what: "bytes in a setting", limit: MAX_SETTING_BYTES as u64 });
    }
    Ok(())
}
