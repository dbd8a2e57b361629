//! [`Annotations`].

use async_trait::async_trait;
use bytes::Bytes;
use posthouse_model::{AccountId, EntryName};
use posthouse_storage::{Annotation, AnnotationPlace, Annotations, ChangeOrigin, StorageError};

use crate::reader::annotations;
use crate::store::SqliteStorage;

#[async_trait]
impl Annotations for SqliteStorage {
    async fn annotations(&self, reader: AccountId, place: AnnotationPlace) -> Result<Vec<Annotation>, StorageError> {
        self.ask(move |threads| annotations::annotations(&threads.connection, reader, place)).await
    }

    async fn annotate(
        &self,
        writer: AccountId,
        place: AnnotationPlace,
        changes: Vec<(EntryName, Option<Bytes>)>,
        origin: Option<ChangeOrigin>,
    ) -> Result<(), StorageError> {
        self.write(Vec::new(), move |work| work.annotate(writer, place, &changes, origin)).await
    }
}
