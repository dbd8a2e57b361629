//! [`Imports`].

use async_trait::async_trait;
use posthouse_model::{AccountId, Uid};
use posthouse_storage::imports::{MAX_IMPORT_KEYS, check_import};
use posthouse_storage::{AppendWanted, ImportKey, Imports, StorageError};

use crate::reader::imports;
use crate::store::SqliteStorage;

/// Most keys that one commit forgets.
const STEP_KEYS: usize = 5000;

#[async_trait]
impl Imports for SqliteStorage {
    async fn imported(&self, account: AccountId, keys: &[ImportKey]) -> Result<Vec<bool>, StorageError> {
        if keys.len() > MAX_IMPORT_KEYS {
            return Err(StorageError::Limit { what: "keys at once", limit: MAX_IMPORT_KEYS as u64 });
        }
        let keys = keys.to_vec();
        self.ask(move |reader| imports::imported(&reader.connection, account, &keys)).await
    }

    async fn import(&self, wanted: AppendWanted, keys: Vec<ImportKey>) -> Result<Vec<Option<Uid>>, StorageError> {
        check_import(&wanted, &keys)?;
        let bodies = wanted.messages.iter().map(|message| message.body.clone()).collect();
        self.write(bodies, move |work| work.import(wanted, &keys)).await
    }

    async fn forget_imports(&self, account: AccountId) -> Result<u64, StorageError> {
        let mut forgotten = 0;
        loop {
            let step = self.write(Vec::new(), move |work| work.forget_imports(account, STEP_KEYS)).await?;
            forgotten += step;
            if step == 0 {
                return Ok(forgotten);
            }
        }
    }
}
