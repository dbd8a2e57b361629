//! The index of words in messages.
//!
//! The index is only a filter: what a message says is asked of the message itself. For each account the store keeps,
//! for each term, the bodies that have it; it takes terms for plain numbers. What they mean, how text is cut into
//! them and which of them a query needs is the business of the room above, which gives that meaning a version.
//!
//! A body is in an account's index once, however many mailboxes show it, so that copying and moving change nothing
//! here. Nothing is indexed when a message comes in: a mark for each mailbox says how far the index is, and what
//! lies beyond it is added later, batch by batch. A body whose last reference goes may stay in the index until
//! [`SearchIndex::compact_index`] takes it out; nobody can ask about it any more.

use async_trait::async_trait;
use posthouse_model::{AccountId, MailboxId, Uid};

use crate::error::StorageError;
use crate::mail::BodyKey;

/// Most queries that [`SearchIndex::match_terms`] answers at once.
pub const MAX_TERM_QUERIES: usize = 64;
/// Bits of a term, the lowest ones, that are its kind.
pub const TERM_KIND_BITS: u32 = 3;

/// Something that a message has. The lowest [`TERM_KIND_BITS`] are its kind; a [`TermRange`] chooses among kinds.
pub type Term = u64;

/// What is to be known about one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexDocument {
    /// Its body.
    pub body: BodyKey,
    /// What it has, rising, each once.
    pub terms: Vec<Term>,
    /// Whether that is all it has. Of a message that has too much, a part is indexed, or nothing.
    pub is_complete: bool,
}

/// Messages that are added to an account's index, and how far that brings the index in one mailbox.
#[derive(Clone, Debug)]
pub struct IndexBatch {
    /// The mailbox.
    pub mailbox: MailboxId,
    /// All messages up to this one are in the index then.
    pub through: Uid,
    /// What is added. Bodies that are in the index already, or are gone, are passed over.
    pub documents: Vec<IndexDocument>,
}

/// What an account's index lacks first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unindexed {
    /// The mailbox.
    pub mailbox: MailboxId,
    /// The next messages there, by UID.
    pub messages: Vec<UnindexedMessage>,
    /// How far they reach. Further than the last of them where nothing more is there.
    pub through: Uid,
}

/// A message beyond the mark of its mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnindexedMessage {
    /// Its UID.
    pub uid: Uid,
    /// Its body.
    pub body: BodyKey,
    /// Octets of it.
    pub size_bytes: u64,
    /// Whether the body is in the index, because it came from another mailbox.
    pub is_indexed: bool,
}

/// Any term from the first to the last that is of one of the kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TermRange {
    /// The first.
    pub first: Term,
    /// The last.
    pub last: Term,
    /// The kinds: bit n stands for kind n.
    pub kinds: u8,
}

impl TermRange {
    /// Whether `term` is one of these.
    #[must_use]
    pub fn has(&self, term: Term) -> bool {
        let kind = term & ((1 << TERM_KIND_BITS) - 1);
        (self.first..=self.last).contains(&term) && self.kinds >> kind & 1 == 1
    }
}

/// What a body has to have: of each range some term.
pub type TermQuery = Vec<TermRange>;

/// What the index knows about a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TermMatch {
    /// Nothing.
    Unindexed,
    /// Not enough: what it has may not all be in the index.
    Incomplete,
    /// Which queries it meets: bit n stands for query n.
    Meets(u64),
}

/// How far an index is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IndexState {
    /// Messages in mailboxes.
    pub messages: u64,
    /// Of them, those beyond the marks.
    pub waiting: u64,
    /// Bodies in the index.
    pub documents: u64,
    /// Pieces that the index is made of.
    pub segments: u64,
    /// Octets of the index.
    pub size_bytes: u64,
}

/// The index of words at rest. One caller at a time may change the index of an account.
///
/// `version` is that of the terms' meaning: an index of another version counts as none.
#[async_trait]
pub trait SearchIndex: Send + Sync + 'static {
    /// Accounts above `after`, rising, whose mailboxes have messages beyond their marks.
    async fn accounts_to_index(
        &self,
        version: u32,
        after: Option<AccountId>,
        limit: usize,
    ) -> Result<Vec<AccountId>, StorageError>;

    /// What an account's index lacks first, at most `limit` messages; `None` when it lacks nothing.
    async fn next_unindexed(
        &self,
        account: AccountId,
        version: u32,
        limit: usize,
    ) -> Result<Option<Unindexed>, StorageError>;

    /// Adds to an account's index, and moves the mark, in one transaction.
    async fn add_to_index(&self, account: AccountId, version: u32, batch: IndexBatch) -> Result<(), StorageError>;

    /// What the index says about each of `bodies`, in their order. Of `queries` only the first
    /// [`MAX_TERM_QUERIES`] are answered.
    async fn match_terms(
        &self,
        account: AccountId,
        version: u32,
        bodies: Vec<BodyKey>,
        queries: Vec<TermQuery>,
    ) -> Result<Vec<TermMatch>, StorageError>;

    /// Does one step of what keeps an account's index small and fast; with `purge` it also takes out bodies that are
    /// gone where they are many. Returns whether there may be more to do.
    async fn compact_index(&self, account: AccountId, version: u32, purge: bool) -> Result<bool, StorageError>;

    /// Forgets an account's index, marks included.
    async fn reset_index(&self, account: AccountId) -> Result<(), StorageError>;

    /// How far the index of one account, or of all, is.
    async fn index_state(&self, account: Option<AccountId>, version: u32) -> Result<IndexState, StorageError>;
}
