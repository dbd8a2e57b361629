//! Hearing of what happens in many mailboxes at once (NOTIFY).
//!
//! A commit looks up the mailbox that it changed, and its account, and touches those who watch it: it costs nothing for
//! who watches other mailboxes, or none, and nothing for how many mailboxes there are. Watchers are found by mailbox
//! and not by account, so that somebody can watch mailboxes that others share with them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::Arc;

use parking_lot::Mutex;
use posthouse_identity::Permit;
use posthouse_model::{AccountId, EntryName, EntryScope, MailboxId};
use posthouse_storage::{AnnotationChange, AnnotationPlace, ChangeOrigin, Concerned, MailboxChange, MailboxDelta};
use tokio::sync::Notify;

use crate::Mailboxes;

/// Most mailboxes that are noted as changed for one watcher until it looks.
const MAX_TOUCHED_MAILBOXES: usize = 10_000;
/// Most names of annotations that are noted as changed for one watcher until it looks.
const MAX_NOTED_ANNOTATIONS: usize = 4_096;

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
    /// Annotations that others changed, of mailboxes and (`None`) of the server.
    pub annotations: BTreeMap<Option<MailboxId>, BTreeSet<EntryName>>,
    /// Mailboxes of the account, or of others that are watched, were made, renamed or deleted, names subscribed or no
    /// longer, or rights are other than before. It may be said without need.
    pub names: bool,
    /// More than was noted.
    pub overflow: bool,
}

/// What somebody watches, besides the names of an account. Who names a mailbox learns no more than that something
/// changed in it, so it needs no permit beyond the one that listed it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interest {
    /// Mailboxes whose messages matter.
    pub messages: Vec<MailboxId>,
    /// Mailboxes whose annotations matter.
    pub annotations: Vec<MailboxId>,
    /// Mailboxes of others whose names matter.
    pub names: Vec<MailboxId>,
    /// Whether the annotations of the server matter.
    pub server_annotations: bool,
}

/// One who watches.
#[derive(Debug)]
struct Watcher {
    account: AccountId,
    /// By which it knows what it did itself.
    origin: ChangeOrigin,
    news: Mutex<AccountNews>,
    told: Notify,
}

impl Watcher {
    fn tell(&self, note: impl FnOnce(&mut AccountNews)) {
        note(&mut self.news.lock());
        self.told.notify_one();
    }

    /// Notes annotations that others changed: shared ones, and its account's private ones.
    fn note_annotations(&self, place: Option<MailboxId>, change: &AnnotationChange) {
        if change.origin == Some(self.origin) {
            return;
        }
        let is_seen = |name: &&EntryName| name.scope() == EntryScope::Shared || change.by == self.account;
        let mut seen = change.names.iter().filter(is_seen).peekable();
        if seen.peek().is_none() {
            return;
        }
        self.tell(|news| {
            let noted = news.annotations.values().map(BTreeSet::len).sum::<usize>();
            if noted + change.names.len() > MAX_NOTED_ANNOTATIONS {
                news.overflow = true;
            } else {
                news.annotations.entry(place).or_default().extend(seen.cloned());
            }
        });
    }
}

/// Those who watch, by what they watch.
type By<K> = HashMap<K, Vec<Arc<Watcher>>>;

/// Who watches what.
#[derive(Debug, Default)]
pub(crate) struct Watchers {
    messages: By<MailboxId>,
    annotations: By<MailboxId>,
    names: By<MailboxId>,
    server_annotations: By<()>,
    by_account: By<AccountId>,
    last_origin: u64,
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
                    tell_all(&self.names, &change.mailbox, |news| news.names = true);
                }
            }
        }
    }

    /// Tells those who watch an account that its names, or its subscriptions, are other than before.
    pub fn names_changed(&self, account: AccountId) {
        tell_all(&self.by_account, &account, |news| news.names = true);
    }

    /// Tells those who watch of annotations that were committed.
    pub fn annotated(&self, changes: &[AnnotationChange]) {
        for change in changes {
            let (watchers, place) = match change.place {
                AnnotationPlace::Server => (self.server_annotations.get(&()), None),
                AnnotationPlace::Mailbox { id, .. } => (self.annotations.get(&id), Some(id)),
            };
            watchers.into_iter().flatten().for_each(|watcher| watcher.note_annotations(place, change));
        }
    }

    /// Has those whom it concerns look again at what there is to be seen: what a change of rights is to somebody only
    /// that one's list of mailboxes can tell.
    pub fn rights_changed(&self, concerned: &[Concerned]) {
        if concerned.contains(&Concerned::Everybody) {
            return self.by_account.values().flatten().for_each(|watcher| watcher.tell(|news| news.names = true));
        }
        for one in concerned {
            if let Concerned::Account(account) = one {
                self.names_changed(*account);
            }
        }
    }

    fn touch(&self, mailbox: MailboxId, change: impl Fn(&mut MailboxNews)) {
        tell_all(&self.messages, &mailbox, |news| {
            if news.mailboxes.len() < MAX_TOUCHED_MAILBOXES || news.mailboxes.contains_key(&mailbox) {
                change(news.mailboxes.entry(mailbox).or_default());
            } else {
                news.overflow = true;
            }
        });
    }
}

fn tell_all<K: Hash + Eq>(watchers: &By<K>, key: &K, note: impl Fn(&mut AccountNews)) {
    watchers.get(key).into_iter().flatten().for_each(|watcher| watcher.tell(&note));
}

/// Who watched `before` watches `now`; both are in order.
fn replace<K: Copy + Ord + Hash>(watchers: &mut By<K>, watcher: &Arc<Watcher>, before: &[K], now: &[K]) {
    for key in before.iter().filter(|key| now.binary_search(key).is_err()) {
        remove(watchers, key, watcher);
    }
    for key in now.iter().filter(|key| before.binary_search(key).is_err()) {
        add(watchers, *key, watcher);
    }
}

fn add<K: Hash + Eq>(watchers: &mut By<K>, key: K, watcher: &Arc<Watcher>) {
    watchers.entry(key).or_default().push(Arc::clone(watcher));
}

fn remove<K: Hash + Eq>(watchers: &mut By<K>, key: &K, watcher: &Arc<Watcher>) {
    if let Some(of_key) = watchers.get_mut(key) {
        of_key.retain(|one| !Arc::ptr_eq(one, watcher));
        if of_key.is_empty() {
            watchers.remove(key);
        }
    }
}

/// Watches the names of an account, and some more, for as long as it is there.
#[derive(Debug)]
pub struct AccountWatch {
    watchers: Arc<Mutex<Watchers>>,
    watcher: Arc<Watcher>,
    interest: Interest,
}

impl AccountWatch {
    /// From now on this is watched and no more; what was noted before stays noted.
    pub fn set_interest(&mut self, mut interest: Interest) {
        for list in [&mut interest.messages, &mut interest.annotations, &mut interest.names] {
            list.sort_unstable();
            list.dedup();
        }
        let mut watchers = self.watchers.lock();
        let (before, watcher) = (&self.interest, &self.watcher);
        replace(&mut watchers.messages, watcher, &before.messages, &interest.messages);
        replace(&mut watchers.annotations, watcher, &before.annotations, &interest.annotations);
        replace(&mut watchers.names, watcher, &before.names, &interest.names);
        let server = |interest: &Interest| vec![(); usize::from(interest.server_annotations)];
        replace(&mut watchers.server_annotations, watcher, &server(before), &server(&interest));
        drop(watchers);
        self.interest = interest;
    }

    /// By what its own changes are known, and not noted.
    pub(crate) fn origin(&self) -> ChangeOrigin {
        self.watcher.origin
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
        self.set_interest(Interest::default());
        remove(&mut self.watchers.lock().by_account, &self.watcher.account, &self.watcher);
    }
}

impl Mailboxes {
    /// Watches the names of the permit's account, and nothing else yet.
    pub fn watch_account(&self, permit: &Permit) -> AccountWatch {
        let account = permit.account();
        let mut watchers = self.watchers.lock();
        watchers.last_origin += 1;
        let origin = ChangeOrigin(watchers.last_origin);
        let watcher = Arc::new(Watcher { account, origin, news: Mutex::default(), told: Notify::new() });
        add(&mut watchers.by_account, account, &watcher);
        drop(watchers);
        AccountWatch { watchers: Arc::clone(&self.watchers), watcher, interest: Interest::default() }
    }
}

#[cfg(test)]
impl Mailboxes {
    /// How many mailboxes and accounts somebody watches.
    pub(crate) fn watched(&self) -> (usize, usize) {
        let watchers = self.watchers.lock();
        let mailboxes = watchers.messages.len() + watchers.annotations.len() + watchers.names.len();
        (mailboxes + watchers.server_annotations.len(), watchers.by_account.len())
    }
}
