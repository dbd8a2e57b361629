//! How the rooms above learn what was committed.

use posthouse_model::{AccountId, Domain, EntryName, Flags, MailboxId, ModSeq, Uid, UidSet, UnixMillis};

use crate::annotations::{AnnotationPlace, ChangeOrigin};
use crate::mail::MessageRecord;
use crate::seen_by::SeenRow;

/// A committed change to one mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailboxChange {
    /// Whose.
    pub account: AccountId,
    /// Which.
    pub mailbox: MailboxId,
    /// The modification sequence of the change.
    pub modseq: ModSeq,
    /// What.
    pub delta: MailboxDelta,
}

/// What a change did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MailboxDelta {
    /// Messages came in.
    Added(Vec<MessageRecord>),
    /// Flags are different now.
    Flags(Vec<(Uid, Flags, ModSeq)>),
    /// Somebody who is not the owner has, or has no longer, seen messages.
    Seen {
        /// Who.
        by: AccountId,
        /// Which messages, and whether they are seen now.
        rows: Vec<SeenRow>,
    },
    /// Messages went.
    Vanished(UidSet),
    /// The mailbox was made.
    Created,
    /// The mailbox has another name.
    Renamed,
    /// The mailbox is gone.
    Deleted,
}

/// What a commit means to whoever takes mail out of the queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueNews {
    /// Destinations for which there is something ready that was not, or that was leased. One may be named twice.
    pub ready: Vec<Domain>,
    /// When the time of the first comes of those that now wait for it.
    pub next_due: Option<UnixMillis>,
    /// The first of the deadlines of those that are not leased any more, or have just come.
    pub next_deadline: Option<UnixMillis>,
}

impl QueueNews {
    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.ready.is_empty() && self.next_due.is_none() && self.next_deadline.is_none()
    }

    /// Something waits until `due_at`.
    pub fn waits(&mut self, due_at: UnixMillis) {
        self.next_due = Some(self.next_due.map_or(due_at, |known| known.min(due_at)));
    }

    /// Something has this deadline, if it has one.
    pub fn has_deadline(&mut self, deadline: Option<UnixMillis>) {
        self.next_deadline = self.next_deadline.into_iter().chain(deadline).min();
    }
}

/// Annotations that were set or taken away by one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnotationChange {
    /// Where.
    pub place: AnnotationPlace,
    /// By whom; private ones are this account's.
    pub by: AccountId,
    /// What the caller gave, to know its own change again.
    pub origin: Option<ChangeOrigin>,
    /// Which. Some may be what they were before.
    pub names: Vec<EntryName>,
}

/// Whom a change of rights concerns: who may see other mailboxes than before, or do other things with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Concerned {
    /// Anybody, perhaps.
    Everybody,
    /// An account.
    Account(AccountId),
}

/// Somebody who wants to know. Called on the store's writer thread, after the commit and before its caller is
/// answered, in commit order; so it must be quick and must not call the store.
pub trait CommitObserver: Send + Sync {
    /// These changes are durable now.
    fn committed(&self, changes: &[MailboxChange]);

    /// Entries of the queue can be claimed now, or wait for their time. Not called when there is nothing to tell.
    fn queue_changed(&self, _: &QueueNews) {}

    /// These annotations are durable now. What goes with a mailbox or an account is not told.
    fn annotated(&self, _: &[AnnotationChange]) {}

    /// Domains, accounts, credentials or aliases are other than before. Unlike the rest it may be said without need.
    fn directory_changed(&self) {}

    /// These accounts have just come to use so much of their quota that somebody should know.
    fn nearly_full(&self, _: &[AccountId]) {}

    /// Access lists, groups or shared areas are other than before, for those who are named; one may be named twice, and
    /// without need.
    fn rights_changed(&self, _: &[Concerned]) {}
}
