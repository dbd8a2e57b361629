//! Who may do what in whose mailboxes, at rest. What it means is the business of `identity`.

use async_trait::async_trait;
use posthouse_model::{AccountId, Address, GroupId, MailboxId, MailboxName, Rights, RightsChange};

use crate::error::StorageError;
use crate::mail::MailboxRecord;

/// Most entries in the access list of one mailbox.
pub const MAX_ACCESS_ENTRIES: usize = 500;
/// Most mailboxes of others that one account sees in lists.
pub const MAX_MAILBOXES_SHARED_WITH_ONE: usize = 10_000;
/// Most shared areas.
pub const MAX_SHARED_AREAS: usize = 10_000;

/// Whom an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// Everybody who signs in.
    Anyone,
    /// One account.
    Account(AccountId),
    /// Whoever is in a group.
    Group(GroupId),
}

/// An entry of a mailbox's access list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessEntry {
    /// Whom it is about.
    pub subject: Subject,
    /// Whether it takes rights away instead of giving them (RFC 4314 §2).
    pub negative: bool,
    /// Which rights; never none.
    pub rights: Rights,
}

/// A change to one entry of a mailbox's access list.
#[derive(Clone, Copy, Debug)]
pub struct AccessChange {
    /// Whose mailbox.
    pub owner: AccountId,
    /// Which.
    pub mailbox: MailboxId,
    /// Whom the entry is about.
    pub subject: Subject,
    /// Whether it is the entry that takes rights away.
    pub negative: bool,
    /// How it changes.
    pub change: RightsChange,
    /// By which rights. An entry without rights is removed.
    pub rights: Rights,
}

/// A mailbox of somebody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedMailbox {
    /// The mailbox.
    pub record: MailboxRecord,
    /// Whose.
    pub owner: Address,
    /// The name of the shared area, if the owner has one.
    pub area: Option<MailboxName>,
    /// The entries of its access list that are about the one who asked.
    pub entries: Vec<AccessEntry>,
}

/// An account whose mailboxes are everybody's: they stand in the namespace of shared mailboxes under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedArea {
    /// The name; one level.
    pub name: MailboxName,
    /// The account.
    pub account: AccountId,
}

/// Access lists and shared areas. A new mailbox gets the access list of the one above it; one at the top of a shared
/// area gets that of the area's INBOX. The list of a mailbox goes with it, entries about an account or group go with
/// that. Observers hear of changes by [`rights_changed`](crate::CommitObserver::rights_changed).
#[async_trait]
pub trait Access: Send + Sync + 'static {
    /// The access list of a mailbox: everybody, then accounts, then groups, each by number.
    async fn access(&self, mailbox: MailboxId) -> Result<Vec<AccessEntry>, StorageError>;
    /// Changes one entry of an access list.
    async fn change_access(&self, change: AccessChange) -> Result<(), StorageError>;
    /// Mailboxes of others whose access lists give this account something, by itself, by a group or by being anyone;
    /// whether that is taken away again is for the caller to judge. At most [`MAX_MAILBOXES_SHARED_WITH_ONE`]. Costs
    /// what it returns.
    async fn shared_with(&self, account: AccountId) -> Result<Vec<SharedMailbox>, StorageError>;

    /// All shared areas, by name.
    async fn shared_areas(&self) -> Result<Vec<SharedArea>, StorageError>;
    /// The shared area of this name.
    async fn shared_area(&self, name: &MailboxName) -> Result<Option<SharedArea>, StorageError>;
    /// The shared area of this account.
    async fn shared_area_of(&self, account: AccountId) -> Result<Option<SharedArea>, StorageError>;
    /// Makes an account a shared area. Neither the name nor the account may be that of another.
    async fn create_shared_area(&self, area: SharedArea) -> Result<(), StorageError>;
    /// Makes a shared area an account like others; mail and access lists stay.
    async fn delete_shared_area(&self, name: &MailboxName) -> Result<(), StorageError>;
}
