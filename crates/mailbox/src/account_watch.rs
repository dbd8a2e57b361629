//! Hearing of what happens in many mailboxes at once (NOTIFY).
//!
//! A commit looks up the mailbox that it changed, and its account, and touches those who watch it: it costs nothing for
//! who watches other mailboxes, or none, and nothing for how many mailboxes there are. Watchers are found by mailbox
//! and not by account, so that somebody can watch mailboxes that others share with them.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::Arc;

use parking_lot::Mutex;
use posthouse_identity::Permit;
use posthouse_model::{AccountId, MailboxId};
use posthouse_storage::{MailboxChange, MailboxDelta};
use tokio::sync::Notify;

use crate::Mailboxes;

/// Most mailboxes that are noted as changed for one watcher until it looks.
const MAX_TOUCHED_MAILBOXES: usize = 10_000;

/// What happened in a mailbox since somebody last looked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MailboxNews {
    /// Messages came or went.
    pub messages: bool,
    /// Flags are different.
    pub flags: bool,
}

/// What happened since somebody last looked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountNews {
    /// In mailboxes that are watched.
    pub mailboxes: BTreeMap<MailboxId, MailboxNews>,
    /// Mailboxes of the account were made, renamed or deleted, or names subscribed or no longer.
    pub names: bool,
    /// More than was noted.
    pub overflow: bool,
}

/// One who watches.
#[derive(Debug, Default)]
struct Watcher {
    news: Mutex<AccountNews>,
    told: Notify,
}

impl Watcher {
    fn tell(&self, note: impl FnOnce(&mut AccountNews)) {
        note(&mut self.news.lock());
        self.told.notify_one();
    }
}

/// Who watches what.
#[derive(Debug, Default)]
pub(crate) struct Watchers {
    by_mailbox: HashMap<MailboxId, Vec<Arc<Watcher>>>,
    by_account: HashMap<AccountId, Vec<Arc<Watcher>>>,
}

impl Watchers {
    /// Tells those who watch of what was committed.
    pub fn committed(&self, changes: &[MailboxChange]) {
        for change in changes {
            match &change.delta {
                MailboxDelta::Added(_) | MailboxDelta::Vanished(_) => {
                    self.touch(change.mailbox, |news| news.messages = true);
                }
                MailboxDelta::Flags(_) | MailboxDelta::Seen { .. } => {
                    self.touch(change.mailbox, |news| news.flags = true);
                }
                MailboxDelta::Created | MailboxDelta::Renamed | MailboxDelta::Deleted => {
                    self.names_changed(change.account);
                }
            }
        }
    }

    /// Tells those who watch an account that its names, or its subscriptions, are other than before.
    pub fn names_changed(&self, account: AccountId) {
        for watcher in self.by_account.get(&account).into_iter().flatten() {
            watcher.tell(|news| news.names = true);
        }
    }

    fn touch(&self, mailbox: MailboxId, change: impl Fn(&mut MailboxNews)) {
        for watcher in self.by_mailbox.get(&mailbox).into_iter().flatten() {
            watcher.tell(|news| {
                if news.mailboxes.len() < MAX_TOUCHED_MAILBOXES || news.mailboxes.contains_key(&mailbox) {
                    change(news.mailboxes.entry(mailbox).or_default());
                } else {
                    news.overflow = true;
                }
            });
        }
    }
}

fn add<K: Hash + Eq>(watchers: &mut HashMap<K, Vec<Arc<Watcher>>>, key: K, watcher: &Arc<Watcher>) {
    watchers.entry(key).or_default().push(Arc::clone(watcher));
}

fn remove<K: Hash + Eq>(watchers: &mut HashMap<K, Vec<Arc<Watcher>>>, key: &K, watcher: &Arc<Watcher>) {
    if let Some(of_key) = watchers.get_mut(key) {
        of_key.retain(|one| !Arc::ptr_eq(one, watcher));
        if of_key.is_empty() {
            watchers.remove(key);
        }
    }
}

/// Watches the names of an account, and some mailboxes, for as long as it is there.
#[derive(Debug)]
pub struct AccountWatch {
    watchers: Arc<Mutex<Watchers>>,
    watcher: Arc<Watcher>,
    account: AccountId,
    mailboxes: Vec<MailboxId>,
}

impl AccountWatch {
    /// From now on these mailboxes are watched and no others; what was noted before stays noted. Who names a mailbox
    /// learns no more than that it changed, so it needs no permit beyond the one that listed it.
    pub fn set_mailboxes(&mut self, mut mailboxes: Vec<MailboxId>) {
        mailboxes.sort_unstable();
        mailboxes.dedup();
        let mut watchers = self.watchers.lock();
        for id in self.mailboxes.iter().filter(|id| mailboxes.binary_search(id).is_err()) {
            remove(&mut watchers.by_mailbox, id, &self.watcher);
        }
        for id in mailboxes.iter().filter(|id| self.mailboxes.binary_search(id).is_err()) {
            add(&mut watchers.by_mailbox, *id, &self.watcher);
        }
        drop(watchers);
        self.mailboxes = mailboxes;
    }

    /// Waits until something was noted. May be dropped and called again.
    pub async fn changed(&self) {
        self.watcher.told.notified().await;
    }

    /// What was noted, which is forgotten with that.
    pub fn take(&self) -> AccountNews {
        std::mem::take(&mut *self.watcher.news.lock())
    }
}

impl Drop for AccountWatch {
    fn drop(&mut self) {
        let mut watchers = self.watchers.lock();
        for id in &self.mailboxes {
            remove(&mut watchers.by_mailbox, id, &self.watcher);
        }
        remove(&mut watchers.by_account, &self.account, &self.watcher);
    }
}

impl Mailboxes {
    /// Watches the names of the permit's account, and no mailbox yet.
    pub fn watch_account(&self, permit: &Permit) -> AccountWatch {
        let watcher = Arc::<Watcher>::default();
        let account = permit.account();
        add(&mut self.watchers.lock().by_account, account, &watcher);
        AccountWatch { watchers: Arc::clone(&self.watchers), watcher, account, mailboxes: Vec::new() }
    }
}

#[cfg(test)]
impl Mailboxes {
    /// How many mailboxes and accounts somebody watches.
    pub(crate) fn watched(&self) -> (usize, usize) {
        let watchers = self.watchers.lock();
        (watchers.by_mailbox.len(), watchers.by_account.len())
    }
}
