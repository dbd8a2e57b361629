//! [`FutureReleases`].

use async_trait::async_trait;
use posthouse_model::AccountId;
use posthouse_storage::{FutureReleases, StorageError};

use crate::reader::future_releases;
use crate::store::SqliteStorage;

#[async_trait]
impl FutureReleases for SqliteStorage {
    async fn awaiting_release(&self, submitter: AccountId, limit: usize) -> Result<usize, StorageError> {
        self.ask(move |reader| future_releases::awaiting(&reader.connection, submitter, limit)).await
    }
}
