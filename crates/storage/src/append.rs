//! Messages that a client hands in, several in one transaction (APPEND, REPLACE).

use async_trait::async_trait;
use posthouse_model::{AccountId, Flags, MailboxId, ModSeq, Uid, UidValidity, UnixMillis};

use crate::error::StorageError;
use crate::mail::{Body, ParsedMessage};

/// A message that is to be appended.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// The bytes.
    pub body: Body,
    /// What is known about them.
    pub parsed: ParsedMessage,
    /// Its flags.
    pub flags: Flags,
    /// Its INTERNALDATE.
    pub internal_date: UnixMillis,
}

/// What is to be appended, all of it or nothing.
#[derive(Clone, Debug)]
pub struct AppendWanted {
    /// Whose.
    pub account: AccountId,
    /// Where it goes.
    pub mailbox: MailboxId,
    /// The messages, at least one; they get rising UIDs in this order.
    pub messages: Vec<NewMessage>,
    /// A message of the same account that goes in the same transaction (RFC 8508 §3.4). When it is gone already,
    /// nothing is appended: [`StorageError::NotFound`] with [`Named::Message`](crate::Named::Message).
    pub replaces: Option<(MailboxId, Uid)>,
}

/// Where appended messages ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// UIDVALIDITY of the mailbox.
    pub uid_validity: UidValidity,
    /// The UIDs, in the order of the messages.
    pub uids: Vec<Uid>,
    /// The modification sequence that all of them got.
    pub modseq: ModSeq,
}

/// Messages that come from the account itself.
#[async_trait]
pub trait Append: Send + Sync + 'static {
    /// Stores messages in a mailbox, in one transaction and at one modification sequence. Observers hear of all of them
    /// in one [`Added`](crate::MailboxDelta::Added).
    async fn append(&self, wanted: AppendWanted) -> Result<Appended, StorageError>;
}
