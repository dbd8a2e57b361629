//! [`Deadlines`].

use async_trait::async_trait;
use posthouse_model::UnixMillis;
use posthouse_storage::{Deadlines, Overdue, StorageError};

use crate::store::SqliteStorage;

#[async_trait]
impl Deadlines for SqliteStorage {
    async fn overdue(&self, now: UnixMillis, limit: usize) -> Result<Overdue, StorageError> {
        self.write(Vec::new(), move |work| work.overdue(now, limit)).await
    }
}
