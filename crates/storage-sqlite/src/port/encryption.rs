//! Encryption at rest, which is a matter of this store and of no port.

use posthouse_model::Secret;
use posthouse_storage::StorageError;
use rusqlite::Connection;

use crate::encryption::{EncryptionStatus, MasterKey, State, hex, master_keys};
use crate::fault::Fault;
use crate::store::SqliteStorage;

impl SqliteStorage {
    /// How encryption stands.
    pub async fn encryption_status(&self) -> Result<EncryptionStatus, StorageError> {
        self.ask(|reader| status(&reader.connection, reader.files.keys().masters().first())).await
    }

    /// Encrypts what comes from now on, and in the background what is there.
    ///
    /// Fails with [`StorageError::Key`] without a master key, and when it is encrypted already.
    pub async fn enable_encryption(&self) -> Result<(), StorageError> {
        let bodies = self.count_bodies().await?;
        self.write(Vec::new(), move |work| work.enable_encryption(bodies)).await
    }

    /// Encrypts what comes from now on under a new data key, and in the background what is there.
    ///
    /// Fails with [`StorageError::Key`] when nothing is encrypted, or the last change is not at its end.
    pub async fn rotate_data_key(&self) -> Result<(), StorageError> {
        let bodies = self.count_bodies().await?;
        self.write(Vec::new(), move |work| work.rotate_data_key(bodies)).await
    }

    /// Keeps what comes from now on as it is, and decrypts in the background what is there.
    ///
    /// Fails with [`StorageError::Key`] when nothing is encrypted.
    pub async fn disable_encryption(&self) -> Result<(), StorageError> {
        let bodies = self.count_bodies().await?;
        self.write(Vec::new(), move |work| work.disable_encryption(bodies)).await
    }

    /// A key for what `name` says, the same for as long as the store is encrypted, whatever other keys change; `None`
    /// while it is not. For what hashes content.
    pub fn derived_key(&self, name: &str) -> Option<Secret> {
        self.files.keys().load().derived(name)
    }

    /// Lets `master` open the store beside the key that it was opened with.
    ///
    /// Fails with [`StorageError::Key`] when nothing is encrypted, or a change is under way already.
    pub async fn add_master_key(&self, master: MasterKey) -> Result<(), StorageError> {
        self.write(Vec::new(), move |work| work.add_master_key(master)).await
    }

    /// Lets only `master` open the store, which has to be the key that was added last.
    pub async fn forget_former_master_keys(&self, master: MasterKey) -> Result<(), StorageError> {
        self.write(Vec::new(), move |work| work.forget_former_master_keys(master)).await
    }

    async fn count_bodies(&self) -> Result<u64, StorageError> {
        self.ask(|reader| {
            let sql = "SELECT count(*) FROM body";
            Ok(reader.connection.query_row(sql, (), |row| row.get::<_, i64>(0))? as u64)
        })
        .await
    }
}

fn status(connection: &Connection, opened_with: Option<&MasterKey>) -> Result<EncryptionStatus, Fault> {
    let state = State::load(connection)?;
    let mut statement = connection.prepare_cached("SELECT id FROM data_key WHERE purpose = 0 ORDER BY id")?;
    let data_keys = statement.query_map((), |row| row.get(0))?.collect::<Result<Vec<u32>, _>>()?;
    Ok(EncryptionStatus {
        step: state.step(data_keys.len()),
        bodies_done: state.bodies_done as u64,
        bodies_total: state.bodies_total as u64,
        bodies_damaged: state.unconverted as u64,
        data_keys,
        master_keys: master_keys(connection)?.iter().map(|one| hex(one)).collect(),
        opened_with: opened_with.map(MasterKey::fingerprint),
    })
}
