//! What others than the owner have seen in a mailbox, at rest.
//!
//! The \Seen that is among a message's flags is the owner's. Whoever else reads the mailbox has a \Seen of their own,
//! kept here with modification sequences out of the owner's, so that for each reader \Seen and all other flags together
//! have one rising sequence. A message about which nothing is kept is not seen. All other flags are everybody's.

use async_trait::async_trait;
use posthouse_model::{AccountId, FlagScope, Flags, MailboxId, ModSeq, SystemFlag, Uid, UidSet};

use crate::error::StorageError;
use crate::mail::{CopiedUids, FlagsStored, FlagsWanted};

/// What a reader thinks of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeenRow {
    /// Which message.
    pub uid: Uid,
    /// Whether it is seen.
    pub seen: bool,
    /// Since when.
    pub modseq: ModSeq,
}

/// All that a reader thinks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeenRecord {
    /// Of messages that are there, by UID.
    pub rows: Vec<SeenRow>,
    /// The last change, of messages that are gone, too.
    pub highest_modseq: ModSeq,
}

/// A reader's figures of a mailbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SeenFigures {
    /// Messages that are seen.
    pub seen: u32,
    /// The last change of what is seen.
    pub highest_modseq: ModSeq,
}

/// Messages that are to be copied or moved between mailboxes whose owners may differ.
#[derive(Clone, Debug)]
pub struct Transfer {
    /// Whose \Seen goes along: that of the one who transfers.
    pub by: AccountId,
    /// Where from.
    pub from: (AccountId, MailboxId),
    /// Which; those that are not there are passed over.
    pub uids: UidSet,
    /// Where to.
    pub to: (AccountId, MailboxId),
    /// Flags that go along.
    pub scope: FlagScope,
    /// Whether they are taken out of where they are.
    pub moves: bool,
}

/// What others than the owner have seen. Every method is about one reader, `by`, who is not the mailbox's owner.
#[async_trait]
pub trait SeenBy: Send + Sync + 'static {
    /// All that a reader thinks of a mailbox.
    async fn seen_by(&self, mailbox: MailboxId, by: AccountId) -> Result<SeenRecord, StorageError>;
    /// A reader's figures of a mailbox.
    async fn seen_figures(&self, mailbox: MailboxId, by: AccountId) -> Result<SeenFigures, StorageError>;
    /// Changes flags of a mailbox as a reader sees them, as far as `scope` reaches: \Seen for the reader, the others
    /// for everybody. Flags and modification sequences in the answer, and the one to which `unchanged_since` is held,
    /// are the reader's.
    async fn store_flags_by(
        &self,
        owner: AccountId,
        mailbox: MailboxId,
        by: AccountId,
        wanted: FlagsWanted,
        scope: FlagScope,
    ) -> Result<FlagsStored, StorageError>;
    /// Copies or moves messages, INTERNALDATE and body included; all or none. `by` may own either mailbox, or neither.
    async fn transfer(&self, transfer: Transfer) -> Result<CopiedUids, StorageError>;
}

/// `flags` with \Seen as a reader has it.
#[must_use]
pub fn with_seen(mut flags: Flags, seen: bool) -> Flags {
    if seen {
        flags.insert(SystemFlag::Seen);
    } else {
        flags.remove(SystemFlag::Seen);
    }
    flags
}
