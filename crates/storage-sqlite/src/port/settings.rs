//! [`Settings`].

use async_trait::async_trait;
use posthouse_model::Secret;
use posthouse_storage::{Settings, StorageError};

use crate::reader::directory;
use crate::store::SqliteStorage;

#[async_trait]
impl Settings for SqliteStorage {
    async fn setting(&self, name: &str) -> Result<Option<Secret>, StorageError> {
        let name = name.to_owned();
        self.ask(move |reader| directory::setting(&reader.connection, reader.files.keys(), &name)).await
    }

    async fn setting_or_insert(&self, name: &str, value: Secret) -> Result<Secret, StorageError> {
        let name = name.to_owned();
        self.write(Vec::new(), move |work| work.setting_or_insert(&name, &value)).await
    }

    async fn put_setting(&self, name: &str, value: Secret) -> Result<(), StorageError> {
        let name = name.to_owned();
        self.write(Vec::new(), move |work| work.put_setting(&name, &value)).await
    }
}
