//! Messages that clients hand in.

use async_trait::async_trait;
use posthouse_storage::{Append, AppendWanted, Appended, StorageError};

use crate::store::SqliteStorage;

#[async_trait]
impl Append for SqliteStorage {
    async fn append(&self, wanted: AppendWanted) -> Result<Appended, StorageError> {
        let bodies = wanted.messages.iter().map(|message| message.body.clone()).collect();
        self.write(bodies, move |work| work.append(&wanted)).await
    }
}
