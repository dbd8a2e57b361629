//! What searches and the indexer share.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use posthouse_model::AccountId;
use posthouse_storage::{CommitObserver, MailboxChange, MailboxDelta};
use tokio::sync::{Notify, Semaphore};

/// Large messages whose text is read at once, by all searches and the indexer together.
const LARGE_READS_AT_ONCE: usize = 2;

/// What searches and the indexer share: memory for large messages, and the news of what there is to index.
#[derive(Debug)]
pub(crate) struct SearchRoom {
    large_reads: Semaphore,
    /// Whether somebody wants the news.
    has_listener: AtomicBool,
    news: Mutex<BTreeMap<AccountId, News>>,
    arrived: Notify,
}

/// What happened in an account since the indexer last looked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct News {
    /// Messages that came.
    pub(super) added: usize,
    /// Messages that went.
    pub(super) gone: usize,
    /// Whether a search found messages that are not indexed.
    pub(super) is_wished_for: bool,
    /// Whether the administrator waits for it.
    pub(super) is_urgent: bool,
}

impl Default for SearchRoom {
    fn default() -> Self {
        Self {
            large_reads: Semaphore::new(LARGE_READS_AT_ONCE),
            has_listener: AtomicBool::new(false),
            news: Mutex::default(),
            arrived: Notify::new(),
        }
    }
}

impl SearchRoom {
    pub(super) fn large_reads(&self) -> &Semaphore {
        &self.large_reads
    }

    /// From now on news are kept.
    pub(super) fn listen(&self) {
        self.has_listener.store(true, Ordering::Relaxed);
    }

    /// Has the account indexed soon: somebody searches it.
    pub(super) fn wish(&self, account: AccountId) {
        self.note(account, |news| news.is_wished_for = true);
    }

    /// Likewise, but not before what is returned goes: who searches is not to wait for the processor, the disk and the
    /// memory that the indexer takes.
    pub(super) fn wish_afterwards(&self, account: AccountId) -> LateWish<'_> {
        LateWish { room: self, account }
    }

    /// Has the account indexed at once.
    pub(super) fn urge(&self, account: AccountId) {
        self.note(account, |news| news.is_urgent = true);
    }

    fn note(&self, account: AccountId, change: impl FnOnce(&mut News)) {
        if self.has_listener.load(Ordering::Relaxed) {
            change(self.news.lock().entry(account).or_default());
            self.arrived.notify_one();
        }
    }

    /// Takes out what there is about the first account for which it is worth while, urgent ones first.
    pub(super) fn take(&self, is_worth: impl Fn(&News) -> bool) -> Option<(AccountId, News)> {
        let mut all = self.news.lock();
        let urgent = all.iter().find(|(_, news)| news.is_urgent);
        let account = *urgent.or_else(|| all.iter().find(|(_, news)| is_worth(news)))?.0;
        all.remove_entry(&account)
    }

    /// Waits until there are news.
    pub(super) async fn arrived(&self) {
        self.arrived.notified().await;
    }
}

/// A wish that is made when this goes.
#[must_use]
pub(super) struct LateWish<'r> {
    room: &'r SearchRoom,
    account: AccountId,
}

impl Drop for LateWish<'_> {
    fn drop(&mut self) {
        self.room.wish(self.account);
    }
}

impl CommitObserver for SearchRoom {
    fn committed(&self, changes: &[MailboxChange]) {
        for change in changes {
            match &change.delta {
                MailboxDelta::Added(records) => self.note(change.account, |news| news.added += records.len()),
                MailboxDelta::Vanished(uids) => self.note(change.account, |news| news.gone += uids.len() as usize),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A search that is broken off is over, too.
    #[test]
    fn a_late_wish_is_made_when_the_search_is_over() {
        let room = SearchRoom::default();
        room.listen();
        let wish = room.wish_afterwards(AccountId(7));
        assert_eq!(room.take(|_| true), None);
        drop(wish);
        let news = News { is_wished_for: true, ..News::default() };
        assert_eq!(room.take(|news| news.is_wished_for), Some((AccountId(7), news)));
    }
}
