//! The suite that every backend has to pass.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use posthouse_storage::Storage;
use posthouse_storage::conformance::Harness;
use posthouse_storage_sqlite::{Options, SqliteStorage};
use tempfile::TempDir;

/// Stores in temporary directories, checked when they are opened again and at the end.
#[derive(Default)]
struct Stores {
    open: Mutex<HashMap<usize, (TempDir, Arc<SqliteStorage>)>>,
}

/// The address of a store, by which it is known again.
fn address(storage: &Arc<dyn Storage>) -> usize {
    Arc::as_ptr(storage).cast::<()>().addr()
}

impl Stores {
    fn keep(&self, directory: TempDir) -> Arc<dyn Storage> {
        let store = SqliteStorage::open(directory.path(), Options::default()).unwrap();
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
        self.keep(tempfile::tempdir().unwrap())
    }

    async fn reopen(&self, storage: Arc<dyn Storage>) -> Option<Arc<dyn Storage>> {
        let (directory, store) = self.open.lock().remove(&address(&storage)).unwrap();
        check(&store).await;
        store.close().await;
        Some(self.keep(directory))
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

posthouse_storage::conformance_suite!(Stores::default());
