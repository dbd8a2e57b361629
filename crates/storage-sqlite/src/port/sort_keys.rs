//! [`SortKeys`].

use async_trait::async_trait;
use bytes::Bytes;
use posthouse_storage::{BodyKey, SortKeys, StorageError};

use crate::reader::sort_keys;
use crate::store::SqliteStorage;

#[async_trait]
impl SortKeys for SqliteStorage {
    async fn sort_keys(&self, bodies: &[BodyKey]) -> Result<Vec<Option<Bytes>>, StorageError> {
        let bodies = bodies.to_vec();
        self.ask(move |reader| sort_keys::sort_keys(&reader.connection, reader.files.keys(), &bodies)).await
    }
}
