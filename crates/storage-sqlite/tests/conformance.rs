//! The suite that every backend has to pass, once as it is and once with encryption at rest.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use posthouse_storage::Storage;
use posthouse_storage::conformance::Harness;
use posthouse_storage_sqlite::{MasterKey, Options, SqliteStorage};
use tempfile::TempDir;

/// Stores in temporary directories, checked when they are opened again and at the end.
#[derive(Default)]
struct Stores {
    open: Mutex<HashMap<usize, (TempDir, Arc<SqliteStorage>)>>,
    master_key: Option<MasterKey>,
}

/// The address of a store, by which it is known again.
fn address(storage: &Arc<dyn Storage>) -> usize {
    Arc::as_ptr(storage).cast::<()>().addr()
}

impl Stores {
    fn encrypted() -> Self {
        Self { open: Mutex::default(), master_key: Some(MasterKey::generate()) }
    }

    fn keep(&self, directory: TempDir) -> Arc<dyn Storage> {
        let options = Options { master_key: self.master_key.clone(), ..Options::default() };
        let store = SqliteStorage::open(directory.path(), options).unwrap();
        let storage: Arc<dyn Storage> = Arc::clone(&store) as _;
        self.open.lock().insert(address(&storage), (directory, store));
        storage
    }
}

async fn check(store: &SqliteStorage) {
    let verification = store.verify().await.unwrap();
    assert_eq!(verification.problems, Vec::<String>::new());
}

#[async_trait]
impl Harness for Stores {
    async fn fresh(&self) -> Arc<dyn Storage> {
        let storage = self.keep(tempfile::tempdir().unwrap());
        if self.master_key.is_some() {
            let store = Arc::clone(&self.open.lock()[&address(&storage)].1);
            store.enable_encryption().await.unwrap();
        }
        storage
    }

    async fn reopen(&self, storage: Arc<dyn Storage>) -> Option<Arc<dyn Storage>> {
        let (directory, store) = self.open.lock().remove(&address(&storage)).unwrap();
        check(&store).await;
        store.close().await;
        Some(self.keep(directory))
    }

    fn keeps_terms(&self) -> bool {
        self.master_key.is_none()
    }
}

impl Drop for Stores {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for (_, store) in self.open.lock().values() {
            runtime.block_on(check(store));
        }
    }
}

mod as_it_is {
    posthouse_storage::conformance_suite!(super::Stores::default());
}

mod encrypted {
    posthouse_storage::conformance_suite!(super::Stores::encrypted());
}
