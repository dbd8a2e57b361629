//! Mailboxes and messages at rest.

use std::ops::Range;
use std::path::PathBuf;
use std::{fmt, io};

use async_trait::async_trait;
use bytes::Bytes;
use posthouse_model::flag::FlagChange;
use posthouse_model::{
    AccountId, BlobId, Flags, MailboxId, MailboxName, MessageId, ModSeq, SpecialUse, ThreadId, TrailEvent, Uid, UidSet,
    UidValidity, UnixMillis,
};

use std::sync::Arc;

use crate::error::StorageError;
use crate::observe::CommitObserver;
use crate::queue::QueueSubmission;

/// Most mailboxes of one account.
pub const MAX_MAILBOXES_PER_ACCOUNT: usize = 10_000;
/// Octets from which on a message that comes again is stored once, in whatever transaction it comes. A smaller one may be
/// stored again: to find it would cost more than to keep it.
pub const MIN_SHARED_BODY_BYTES: u64 = 16 * 1024;

/// Names a stored body inside one store, shorter than its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BodyKey(pub u64);

/// A message as bytes, with its hash worked out beforehand so that the store's writer need not.
#[derive(Clone, Debug)]
pub struct Body {
    /// BLAKE3 of all the bytes.
    pub id: BlobId,
    /// Number of bytes.
    pub size_bytes: u64,
    /// The bytes.
    pub content: BodyContent,
}

/// Where the bytes of a message that is being stored are.
#[derive(Clone, Debug)]
pub enum BodyContent {
    /// In memory, in pieces that follow each other.
    Memory(Vec<Bytes>),
    /// In memory up front (trace fields, say), then a file, which the store copies and does not remove.
    File(Vec<Bytes>, PathBuf),
    /// Somewhere else, from where they are read when they are needed.
    Source(Arc<dyn BodySource>),
}

/// Octets of a message that are neither in memory nor in a file as they are.
pub trait BodySource: fmt::Debug + Send + Sync {
    /// Reads them, from the first one. It may be asked for more than once.
    ///
    /// # Errors
    /// When they are out of reach.
    fn open(&self) -> io::Result<Box<dyn io::Read + Send>>;
}

impl Body {
    /// A body from bytes in memory.
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self {
            id: BlobId(*blake3::hash(&bytes).as_bytes()),
            size_bytes: bytes.len() as u64,
            content: BodyContent::Memory(vec![bytes]),
        }
    }
}

/// What was worked out about a message when it came in, stored beside it so that it is never parsed again.
/// The store takes all of it as opaque.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParsedMessage {
    /// `mime`'s compact structure.
    pub structure: Bytes,
    /// IMAP ENVELOPE, as it goes onto the wire.
    pub envelope: Bytes,
    /// IMAP BODY without a section, as it goes onto the wire.
    pub body: Bytes,
    /// IMAP BODYSTRUCTURE, as it goes onto the wire.
    pub bodystructure: Bytes,
    /// The `Date` field in seconds since 1970 of its *local* time (zone disregarded, as IMAP's SENT keys want).
    pub sent_local_seconds: Option<i64>,
    /// The first words of the text, empty where there are none; `None` when they have not been worked out, as in data
    /// of earlier releases.
    pub preview: Option<String>,
    /// The conversation it belongs to; `None` when that has not been worked out.
    pub thread: Option<ThreadId>,
    /// What sorting and threading ask; empty if it was not worked out. [`SortKeys`](crate::SortKeys) reads it, and
    /// [`Mail::parsed`] leaves it out.
    pub sort_keys: Bytes,
}

/// One mailbox that is to show a new message.
#[derive(Clone, Debug)]
pub struct Placement {
    /// Whose.
    pub account: AccountId,
    /// Which.
    pub mailbox: MailboxId,
    /// With these flags.
    pub flags: Flags,
    /// With this INTERNALDATE.
    pub internal_date: UnixMillis,
}

/// A message to be stored with all that is to become of it, in one transaction: all of it, or nothing.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The bytes.
    pub body: Body,
    /// What is known about them.
    pub parsed: ParsedMessage,
    /// Mailboxes that show it; may be empty.
    pub placements: Vec<Placement>,
    /// Recipients elsewhere; may be none.
    pub queue: Option<QueueSubmission>,
    /// What the trail is to say. `Delivered` events get the UID added by nobody: write them as they shall read.
    pub trail: Vec<TrailEvent>,
}

/// Where a placement ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Mailbox.
    pub mailbox: MailboxId,
    /// Its UIDVALIDITY.
    pub uid_validity: UidValidity,
    /// UID of the message there.
    pub uid: Uid,
    /// Modification sequence it got.
    pub modseq: ModSeq,
    /// The message.
    pub message: MessageId,
}

/// What a delivery made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// The body, new or shared.
    pub body: BodyKey,
    /// One for each placement, in order.
    pub placed: Vec<Placed>,
}

/// A mailbox with its counters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailboxRecord {
    /// Its number.
    pub id: MailboxId,
    /// Whose.
    pub account: AccountId,
    /// Its name.
    pub name: MailboxName,
    /// What it is for.
    pub special_use: Option<SpecialUse>,
    /// UIDVALIDITY.
    pub uid_validity: UidValidity,
    /// The UID the next message gets at least.
    pub uid_next: Uid,
    /// Highest modification sequence of anything in it.
    pub highest_modseq: ModSeq,
    /// Number of messages.
    pub messages: u32,
    /// Number of messages without \Seen.
    pub unseen: u32,
    /// Number of messages with \Deleted.
    pub deleted: u32,
    /// Octets of all messages together.
    pub size_bytes: u64,
}

/// A message in a mailbox, without its body. Small: an open mailbox keeps one of these for each message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageRecord {
    /// UID in the mailbox.
    pub uid: Uid,
    /// Last change.
    pub modseq: ModSeq,
    /// Flags.
    pub flags: Flags,
    /// Octets.
    pub size_bytes: u64,
    /// INTERNALDATE.
    pub internal_date: UnixMillis,
    /// When it came into this mailbox (SAVEDATE, RFC 8514).
    pub saved_at: UnixMillis,
    /// The message, the same in every mailbox of the account that shows it by COPY.
    pub message: MessageId,
    /// Its body.
    pub body: BodyKey,
}

/// What changed in a mailbox after a modification sequence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Messages that came or changed, by UID.
    pub records: Vec<MessageRecord>,
    /// UIDs that went.
    pub vanished: UidSet,
    /// The mailbox's highest modification sequence.
    pub highest_modseq: ModSeq,
}

/// A change of flags.
#[derive(Clone, Debug)]
pub struct FlagsWanted {
    /// Of these messages; UIDs that are not there are passed over.
    pub uids: UidSet,
    /// In this way.
    pub change: FlagChange,
    /// These flags.
    pub flags: Flags,
    /// Only those that have not changed after this (RFC 7162 §3.1.3).
    pub unchanged_since: Option<ModSeq>,
}

/// What a change of flags did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlagsStored {
    /// Messages whose flags are different now, by UID.
    pub changed: Vec<(Uid, Flags, ModSeq)>,
    /// The modification sequences that those had before, in the same order.
    pub before: Vec<ModSeq>,
    /// Messages left alone because they had changed after `unchanged_since`.
    pub modified: UidSet,
}

/// What COPY or MOVE did (RFC 4315 §3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopiedUids {
    /// UIDVALIDITY of the target.
    pub uid_validity: UidValidity,
    /// Old and new UIDs, rising in both.
    pub pairs: Vec<(Uid, Uid)>,
}

/// A stretch of a body to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodySlice {
    /// Which body.
    pub body: BodyKey,
    /// Which octets of it; what lies beyond its end is left out.
    pub range: Range<u64>,
}

/// Mail at rest. A method that changes something returns when the change is durable, and tells the observers
/// before it returns.
#[async_trait]
pub trait Mail: Send + Sync + 'static {
    /// Has `observer` told of each committed change, in commit order, until the store is closed.
    fn observe(&self, observer: Arc<dyn CommitObserver>);

    /// Stores a message and all that is to become of it.
    async fn deliver(&self, delivery: Delivery) -> Result<Delivered, StorageError>;

    /// All mailboxes of an account, by name.
    async fn mailboxes(&self, account: AccountId) -> Result<Vec<MailboxRecord>, StorageError>;
    /// The mailbox of this name.
    async fn mailbox(&self, account: AccountId, name: &MailboxName) -> Result<Option<MailboxRecord>, StorageError>;
    /// The mailbox of this number.
    async fn mailbox_by_id(&self, account: AccountId, id: MailboxId) -> Result<Option<MailboxRecord>, StorageError>;
    /// Makes a mailbox; parents are not made.
    async fn create_mailbox(
        &self,
        account: AccountId,
        name: &MailboxName,
        special_use: Option<SpecialUse>,
    ) -> Result<MailboxRecord, StorageError>;
    /// Gives mailboxes new names, all or none. Subscriptions stay with the old names.
    async fn rename_mailboxes(
        &self,
        account: AccountId,
        renames: Vec<(MailboxId, MailboxName)>,
    ) -> Result<(), StorageError>;
    /// Removes a mailbox and what is in it. Its name may be used again, with another UIDVALIDITY and number.
    async fn delete_mailbox(&self, account: AccountId, id: MailboxId) -> Result<(), StorageError>;
    /// Names the account is subscribed to, whether or not there is such a mailbox (RFC 9051 §6.3.7).
    async fn subscriptions(&self, account: AccountId) -> Result<Vec<MailboxName>, StorageError>;
    /// Subscribes or unsubscribes.
    async fn set_subscribed(
        &self,
        account: AccountId,
        name: &MailboxName,
        subscribed: bool,
    ) -> Result<(), StorageError>;

    /// Everything in a mailbox, by UID, together with the mailbox's record as of the same moment.
    async fn messages(
        &self,
        account: AccountId,
        mailbox: MailboxId,
    ) -> Result<(MailboxRecord, Vec<MessageRecord>), StorageError>;
    /// What changed in a mailbox after `since`. Vanished UIDs are remembered for ever, so the answer is complete.
    async fn changes(&self, account: AccountId, mailbox: MailboxId, since: ModSeq) -> Result<Changes, StorageError>;

    /// Changes flags.
    async fn store_flags(
        &self,
        account: AccountId,
        mailbox: MailboxId,
        wanted: FlagsWanted,
    ) -> Result<FlagsStored, StorageError>;
    /// Copies messages, flags and INTERNALDATE included; all or none. UIDs that are not there are passed over.
    async fn copy(
        &self,
        account: AccountId,
        from: MailboxId,
        uids: &UidSet,
        to: MailboxId,
    ) -> Result<CopiedUids, StorageError>;
    /// Moves messages likewise (RFC 6851).
    async fn move_messages(
        &self,
        account: AccountId,
        from: MailboxId,
        uids: &UidSet,
        to: MailboxId,
    ) -> Result<CopiedUids, StorageError>;
    /// Removes those of `uids` that are there, and with `only_deleted` those of them that have \Deleted.
    /// Returns what went.
    async fn expunge(
        &self,
        account: AccountId,
        mailbox: MailboxId,
        uids: &UidSet,
        only_deleted: bool,
    ) -> Result<UidSet, StorageError>;

    /// What is known about these bodies, in the order asked for.
    async fn parsed(&self, bodies: &[BodyKey]) -> Result<Vec<ParsedMessage>, StorageError>;
    /// Reads stretches of bodies, in the order asked for. Reads no more of a body than asked.
    async fn read(&self, slices: &[BodySlice]) -> Result<Vec<Bytes>, StorageError>;
}
