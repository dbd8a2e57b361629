//! Sort keys in memory.

use async_trait::async_trait;
use bytes::Bytes;

use super::MemoryStorage;
use crate::error::StorageError;
use crate::mail::BodyKey;
use crate::sort_keys::SortKeys;

#[async_trait]
impl SortKeys for MemoryStorage {
    async fn sort_keys(&self, bodies: &[BodyKey]) -> Result<Vec<Option<Bytes>>, StorageError> {
        let state = self.state()?;
        Ok(bodies.iter().map(|&key| state.bodies.sort_keys(key)).collect())
    }
}
