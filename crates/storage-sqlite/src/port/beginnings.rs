//! [`Beginnings`].

use async_trait::async_trait;
use posthouse_storage::{Beginning, Beginnings, BodyKey, Extent, Header, HeaderEnd, StorageError};

use crate::reader::{beginnings, headers};
use crate::store::SqliteStorage;

#[async_trait]
impl Beginnings for SqliteStorage {
    async fn beginnings(&self, bodies: &[BodyKey], extent: Extent) -> Result<Vec<Option<Beginning>>, StorageError> {
        let bodies = bodies.to_vec();
        self.ask(move |reader| beginnings::beginnings(reader, &bodies, extent)).await
    }

    async fn headers(&self, bodies: &[BodyKey], end: HeaderEnd) -> Result<Vec<Header>, StorageError> {
        let bodies = bodies.to_vec();
        self.ask(move |reader| headers::headers(reader, &bodies, end)).await
    }

    async fn sent(&self, bodies: &[BodyKey]) -> Result<Vec<Option<i64>>, StorageError> {
        let bodies = bodies.to_vec();
        self.ask(move |reader| beginnings::sent(&reader.connection, &bodies)).await
    }
}
