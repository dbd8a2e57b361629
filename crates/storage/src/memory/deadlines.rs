//! Deadlines in memory.

use async_trait::async_trait;
use posthouse_model::UnixMillis;

use super::MemoryStorage;
use crate::deadlines::{Deadlines, Overdue};
use crate::error::StorageError;

#[async_trait]
impl Deadlines for MemoryStorage {
    async fn overdue(&self, now: UnixMillis, limit: usize) -> Result<Overdue, StorageError> {
        Ok(self.state()?.queue.overdue(now, limit))
    }
}
