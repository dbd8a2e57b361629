//! [`Inventory`].

use async_trait::async_trait;
use posthouse_model::UnixMillis;
use posthouse_storage::inventory::check_sightings;
use posthouse_storage::{Inventory, Sighting, SightingFilter, StorageError};

use crate::reader::inventory;
use crate::store::SqliteStorage;

#[async_trait]
impl Inventory for SqliteStorage {
    async fn add_sightings(&self, sightings: Vec<Sighting>) -> Result<(), StorageError> {
        check_sightings(&sightings)?;
        self.write(Vec::new(), move |work| work.add_sightings(&sightings)).await
    }

    async fn sightings(&self, filter: &SightingFilter, limit: usize) -> Result<Vec<Sighting>, StorageError> {
        let filter = filter.clone();
        self.ask(move |reader| inventory::sightings(&reader.connection, &filter, limit)).await
    }

    async fn forget_sightings(&self, before: UnixMillis) -> Result<u64, StorageError> {
        self.write(Vec::new(), move |work| work.forget_sightings(before)).await
    }
}
