//! The store without a disk passes the suite that every backend has to pass.

use std::sync::Arc;

use posthouse_storage::conformance::Harness;
use posthouse_storage::{MemoryStorage, Storage};

struct InMemory;

#[async_trait::async_trait]
impl Harness for InMemory {
    async fn fresh(&self) -> Arc<dyn Storage> {
        MemoryStorage::new()
    }

    /// What it holds is gone with it.
    async fn reopen(&self, _storage: Arc<dyn Storage>) -> Option<Arc<dyn Storage>> {
        None
    }
}

posthouse_storage::conformance_suite!(InMemory);
