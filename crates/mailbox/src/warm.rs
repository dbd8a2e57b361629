//! Mailboxes that are in memory: those somebody has open, and some that were open lately.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Weak};

use posthouse_model::MailboxId;

use crate::followed::Followed;

/// Most mailboxes kept in memory though nobody has them open.
const MAX_WARM_MAILBOXES: usize = 1024;
/// Most messages in mailboxes that nobody has open; about 90 bytes each.
const MAX_WARM_MESSAGES: usize = 2_000_000;
/// After so many openings, mailboxes that are gone from memory are swept out of the index.
const SWEEP_EVERY: usize = 1024;

/// The mailboxes in memory, by number.
#[derive(Debug, Default)]
pub(crate) struct Warm {
    all: HashMap<MailboxId, Weak<Followed>>,
    lately: VecDeque<Arc<Followed>>,
    openings: usize,
}

impl Warm {
    /// The mailbox, if it is in memory.
    pub fn find(&self, id: MailboxId) -> Option<Arc<Followed>> {
        self.all.get(&id).and_then(Weak::upgrade)
    }

    /// Takes in a mailbox.
    pub fn insert(&mut self, mailbox: &Arc<Followed>) {
        self.openings += 1;
        if self.openings.is_multiple_of(SWEEP_EVERY) {
            self.all.retain(|_, weak| weak.strong_count() > 0);
        }
        self.all.insert(mailbox.mailbox, Arc::downgrade(mailbox));
    }

    /// Forgets a mailbox.
    pub fn remove(&mut self, id: MailboxId) {
        self.all.remove(&id);
        self.lately.retain(|one| one.mailbox != id);
    }

    /// Keeps `mailbox` in memory for a while, at the cost of those used longest ago.
    pub fn touch(&mut self, mailbox: &Arc<Followed>) {
        self.lately.retain(|one| one.mailbox != mailbox.mailbox);
        self.lately.push_back(Arc::clone(mailbox));
        while self.lately.len() > MAX_WARM_MAILBOXES || self.messages() > MAX_WARM_MESSAGES {
            if self.lately.pop_front().is_none() {
                break;
            }
        }
    }

    fn messages(&self) -> usize {
        if self.lately.len() < 2 { 0 } else { self.lately.iter().map(|one| one.read().records.len()).sum() }
    }
}
