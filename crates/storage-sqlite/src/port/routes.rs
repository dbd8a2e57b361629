//! [`Routes`].

use async_trait::async_trait;
use posthouse_model::{Secret, UnixMillis};
use posthouse_storage::StorageError;
use posthouse_storage::routes::{RouteCounts, RouteTurn, Routes, StoredRoute};

use crate::reader::routes;
use crate::store::SqliteStorage;

#[async_trait]
impl Routes for SqliteStorage {
    async fn put_route(&self, route: StoredRoute) -> Result<(), StorageError> {
        self.write(Vec::new(), move |work| work.put_route(&route)).await
    }

    async fn remove_route(&self, name: &str) -> Result<(), StorageError> {
        let name = name.to_owned();
        self.write(Vec::new(), move |work| work.remove_route(&name)).await
    }

    async fn renew_route_token(&self, name: &str, former: &Secret, token: Secret) -> Result<(), StorageError> {
        let (name, former) = (name.to_owned(), former.clone());
        self.write(Vec::new(), move |work| work.renew_route_token(&name, &former, &token)).await
    }

    async fn routes(&self) -> Result<Vec<StoredRoute>, StorageError> {
        self.ask(|reader| routes::routes(&reader.connection, reader.files.keys())).await
    }

    async fn take_route_turn(&self, name: &str, at: UnixMillis) -> Result<RouteTurn, StorageError> {
        let name = name.to_owned();
        self.write(Vec::new(), move |work| work.take_route_turn(&name, at)).await
    }

    async fn route_counts(&self, name: &str, at: UnixMillis) -> Result<RouteCounts, StorageError> {
        let name = name.to_owned();
        self.ask(move |reader| Ok(routes::counts(&reader.connection, &name)?.as_of(at))).await
    }
}
