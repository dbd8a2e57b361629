//! What the directory says, remembered until it changes.
//!
//! A busy server asks for the same few domains and addresses thousands of times a second. The store tells of each change
//! of the directory, and then everything is forgotten.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use parking_lot::RwLock;
use posthouse_model::{Address, Domain};
use posthouse_storage::{CommitObserver, DomainRecord, MailboxChange, Resolution, Storage, StorageError};
use tokio::sync::watch;

/// Most domains, and most addresses, that are remembered, known and unknown ones together.
const MAX_REMEMBERED: usize = 50_000;

#[derive(Default)]
struct Remembered {
    /// Rises with each change, so that an answer from before it is not remembered after it.
    generation: u64,
    domains: HashMap<Domain, Option<DomainRecord>>,
    addresses: HashMap<String, Option<Resolution>>,
}

/// The directory, by way of what is remembered of it.
pub(crate) struct DirectoryCache {
    store: Arc<dyn Storage>,
    remembered: Arc<RwLock<Remembered>>,
    changes: Arc<watch::Sender<u64>>,
}

/// Forgets everything when the directory changes, and then tells how often it has.
struct Forgetting(Arc<RwLock<Remembered>>, Arc<watch::Sender<u64>>);

impl CommitObserver for Forgetting {
    fn committed(&self, _: &[MailboxChange]) {}

    fn directory_changed(&self) {
        let mut remembered = self.0.write();
        *remembered = Remembered { generation: remembered.generation + 1, ..Remembered::default() };
        let generation = remembered.generation;
        drop(remembered);
        self.1.send_replace(generation);
    }
}

impl DirectoryCache {
    /// Remembers nothing yet, and listens to `store` for changes.
    pub fn new(store: Arc<dyn Storage>) -> Self {
        let remembered = Arc::default();
        let changes = Arc::new(watch::Sender::new(0));
        store.observe(Arc::new(Forgetting(Arc::clone(&remembered), Arc::clone(&changes))));
        Self { store, remembered, changes }
    }

    /// How often the directory has changed: told after what was remembered is forgotten.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// The domain of this name.
    pub async fn domain(&self, name: &Domain) -> Result<Option<DomainRecord>, StorageError> {
        let generation = {
            let remembered = self.remembered.read();
            if let Some(known) = remembered.domains.get(name) {
                return Ok(known.clone());
            }
            remembered.generation
        };
        let found = self.store.domain(name).await?;
        let mut remembered = self.remembered.write();
        if remembered.generation == generation {
            remember(&mut remembered.domains, name.clone(), found.clone());
        }
        Ok(found)
    }

    /// What exactly this address stands for.
    pub async fn resolve(&self, address: &Address) -> Result<Option<Resolution>, StorageError> {
        let folded = address.folded();
        let generation = {
            let remembered = self.remembered.read();
            if let Some(known) = remembered.addresses.get(&folded) {
                return Ok(known.clone());
            }
            remembered.generation
        };
        let found = self.store.resolve(address).await?;
        let mut remembered = self.remembered.write();
        if remembered.generation == generation {
            remember(&mut remembered.addresses, folded, found.clone());
        }
        Ok(found)
    }
}

fn remember<K: Eq + Hash, V>(map: &mut HashMap<K, V>, key: K, value: V) {
    if map.len() >= MAX_REMEMBERED {
        map.clear();
    }
    map.insert(key, value);
}

#[cfg(test)]
mod tests {
    use posthouse_model::UnixMillis;
    use posthouse_storage::{AliasRecord, Directory, MemoryStorage, NewDomain};

    use super::*;

    fn alias(targets: &[&str]) -> AliasRecord {
        let targets = targets.iter().map(|target| Address::parse(target).unwrap()).collect();
        AliasRecord { address: Address::parse("all@example.org").unwrap(), targets, created_at: UnixMillis(0) }
    }

    #[tokio::test]
    async fn what_changes_is_seen_at_once() {
        let store = MemoryStorage::new();
        let cache = DirectoryCache::new(Arc::<MemoryStorage>::clone(&store));
        let name = Domain::parse("example.org").unwrap();
        assert_eq!(cache.domain(&name).await.unwrap(), None);
        let domain =
            NewDomain { name: name.clone(), catch_all: None, subaddress_separator: None, created_at: UnixMillis(0) };
        let record = store.create_domain(domain).await.unwrap();
        assert_eq!(cache.domain(&name).await.unwrap(), Some(record));
        for targets in [&["a@x.example"][..], &["b@x.example", "c@x.example"]] {
            store.put_alias(alias(targets)).await.unwrap();
            let found = cache.resolve(&Address::parse("ALL@Example.org").unwrap()).await.unwrap();
            let Some(Resolution::Alias(found)) = found else { panic!("{found:?}") };
            assert_eq!(found.targets, alias(targets).targets);
        }
    }

    #[tokio::test]
    async fn what_is_remembered_is_not_asked_for_again() {
        let store = MemoryStorage::new();
        let cache = DirectoryCache::new(Arc::<MemoryStorage>::clone(&store));
        let name = Domain::parse("example.org").unwrap();
        cache.domain(&name).await.unwrap();
        store.set_broken(true);
        assert_eq!(cache.domain(&name).await.unwrap(), None);
        assert!(cache.domain(&Domain::parse("other.example").unwrap()).await.is_err());
    }
}
