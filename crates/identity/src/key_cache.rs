//! What accounts sign in with besides their passwords, remembered until the directory changes.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use posthouse_model::{AccountId, KeyId};
use posthouse_storage::{AccountKeyRing, CommitObserver, KeyUse, MailboxChange, Storage, StorageError};

/// Most accounts of which it is remembered.
const MAX_REMEMBERED: usize = 10_000;
/// Most keys whose last use is remembered.
const MAX_USES: usize = 50_000;
/// How long a use stands for those that follow it, in milliseconds: a sign-in is not to cost a write each time.
const NOTE_EVERY_MS: i64 = 60_000;

#[derive(Default)]
struct Remembered {
    /// Rises with each change, so that an answer from before it is not remembered after it.
    generation: u64,
    rings: HashMap<AccountId, Arc<AccountKeyRing>>,
}

/// Forgets everything when the directory changes, so that what is revoked opens nothing from then on.
struct Forgetting(Arc<RwLock<Remembered>>);

impl CommitObserver for Forgetting {
    fn committed(&self, _: &[MailboxChange]) {}

    fn directory_changed(&self) {
        let mut remembered = self.0.write();
        *remembered = Remembered { generation: remembered.generation + 1, ..Remembered::default() };
    }
}

/// Keys of accounts, by way of what is remembered of them.
pub(crate) struct KeyCache {
    store: Arc<dyn Storage>,
    remembered: Arc<RwLock<Remembered>>,
    uses: Mutex<HashMap<KeyId, KeyUse>>,
}

impl KeyCache {
    /// Remembers nothing yet, and listens to `store` for changes.
    pub fn new(store: Arc<dyn Storage>) -> Self {
        let remembered = Arc::default();
        store.observe(Arc::new(Forgetting(Arc::clone(&remembered))));
        Self { store, remembered, uses: Mutex::default() }
    }

    /// What an account has.
    pub async fn ring(&self, account: AccountId) -> Result<Arc<AccountKeyRing>, StorageError> {
        let generation = {
            let remembered = self.remembered.read();
            if let Some(known) = remembered.rings.get(&account) {
                return Ok(Arc::clone(known));
            }
            remembered.generation
        };
        let found = Arc::new(self.store.account_keys(account).await?);
        let mut remembered = self.remembered.write();
        if remembered.generation == generation {
            if remembered.rings.len() >= MAX_REMEMBERED {
                remembered.rings.clear();
            }
            remembered.rings.insert(account, Arc::clone(&found));
        }
        Ok(found)
    }

    /// Notes that a key was used, unless the same was noted a moment ago. Who signs in does not fail for a note that
    /// cannot be written.
    pub async fn note_use(&self, key: KeyId, used: KeyUse) {
        let is_noted = |last: &KeyUse| {
            last.service == used.service && (0..NOTE_EVERY_MS).contains(&used.at.0.saturating_sub(last.at.0))
        };
        {
            let mut uses = self.uses.lock();
            if uses.get(&key).is_some_and(is_noted) {
                return;
            }
            if uses.len() >= MAX_USES {
                uses.clear();
            }
            uses.insert(key, used);
        }
        if self.store.note_key_use(key, used).await.is_err() {
            self.uses.lock().remove(&key);
        }
    }
}
