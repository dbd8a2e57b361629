//! Which of one's own mailboxes has which name, remembered until one of them is called otherwise or goes.
//!
//! Whoever appends one message after the other names the mailbox each time. Without this, each would wait for a thread
//! that reads the index, twice.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;
use posthouse_model::{AccountId, MailboxId, MailboxName};
use posthouse_storage::{CommitObserver, MailboxChange, MailboxDelta, Storage, StorageError};

use crate::Permit;
use crate::access::{AccessControl, MailboxPermit};

/// Most names that are remembered, of all accounts together; at the next one all are forgotten. About 100 octets each.
const MAX_REMEMBERED_NAMES: usize = 100_000;

/// The names that are known.
#[derive(Default)]
pub(crate) struct OwnMailboxes {
    /// Rises with each change, so that an answer from before it is not remembered after it.
    generation: u64,
    names: HashMap<AccountId, HashMap<MailboxName, MailboxId>>,
    count: usize,
}

impl OwnMailboxes {
    /// Knows nothing yet, and listens to `store` for changes.
    pub fn following(store: &Arc<dyn Storage>) -> Arc<RwLock<Self>> {
        let own = Arc::default();
        store.observe(Arc::new(Forgetting(Arc::clone(&own))));
        own
    }

    fn find(&self, account: AccountId, name: &MailboxName) -> Option<MailboxId> {
        self.names.get(&account)?.get(name).copied()
    }

    fn remember(&mut self, account: AccountId, name: &MailboxName, mailbox: MailboxId) {
        if self.count >= MAX_REMEMBERED_NAMES {
            self.names.clear();
            self.count = 0;
        }
        let known = self.names.entry(account).or_default().insert(name.clone(), mailbox);
        self.count += usize::from(known.is_none());
    }

    fn forget(&mut self, account: AccountId) {
        self.generation += 1;
        self.count -= self.names.remove(&account).map_or(0, |names| names.len());
    }
}

/// Forgets the names of an account when one of its mailboxes is called otherwise or goes, and all when the directory
/// changes.
struct Forgetting(Arc<RwLock<OwnMailboxes>>);

impl CommitObserver for Forgetting {
    fn committed(&self, changes: &[MailboxChange]) {
        for change in changes {
            if matches!(change.delta, MailboxDelta::Renamed | MailboxDelta::Deleted) {
                self.0.write().forget(change.account);
            }
        }
    }

    fn directory_changed(&self) {
        let mut own = self.0.write();
        *own = OwnMailboxes { generation: own.generation + 1, ..OwnMailboxes::default() };
    }
}

impl AccessControl {
    /// What the holder of `permit` may do with the own mailbox called `name`; `None` if there is none.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn own(&self, permit: &Permit, name: &MailboxName) -> Result<Option<MailboxPermit>, StorageError> {
        let account = permit.account();
        let generation = {
            let own = self.own_mailboxes.read();
            if let Some(mailbox) = own.find(account, name) {
                return Ok(Some(MailboxPermit::of_owner(account, mailbox)));
            }
            own.generation
        };
        let Some(record) = self.store.mailbox(account, name).await? else { return Ok(None) };
        let mut own = self.own_mailboxes.write();
        if own.generation == generation {
            own.remember(account, name, record.id);
        }
        Ok(Some(MailboxPermit::of_owner(account, record.id)))
    }
}
