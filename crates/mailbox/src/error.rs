//! Why something could not be done to a mailbox.

use posthouse_identity::{AccessListError, AccessRefusal};
use posthouse_storage::{Named, StorageError};
use thiserror::Error;

/// Why something could not be done to a mailbox.
#[derive(Debug, Error)]
pub enum MailboxError {
    /// There is no mailbox of this name.
    #[error("there is no such mailbox")]
    NoSuchMailbox,
    /// There is a mailbox of this name already.
    #[error("there is such a mailbox already")]
    AlreadyExists,
    /// Another mailbox has that special use.
    #[error("another mailbox has that special use")]
    SpecialUseTaken,
    /// INBOX cannot be deleted, made or given another name's place.
    #[error("this cannot be done with INBOX")]
    Inbox,
    /// A mailbox cannot be moved below itself.
    #[error("a mailbox cannot be moved below itself")]
    BelowItself,
    /// The mailbox is open for reading only.
    #[error("the mailbox is open for reading only")]
    ReadOnly,
    /// The new name of the mailbox, or of one below it, is too long or too deep.
    #[error("a name would become too long or too deep")]
    NameTooLong,
    /// The account may not do this, and nothing is given away by saying so.
    #[error("the account may not do this")]
    NotPermitted,
    /// A mailbox stays with its owner.
    #[error("a mailbox cannot be given to another owner")]
    AnotherOwner,
    /// The access list cannot be changed in this way.
    #[error(transparent)]
    AccessList(AccessListError),
    /// The mailbox was deleted while it was open, or may not be read any more.
    #[error("the mailbox is no longer there")]
    Gone,
    /// There is more to compare than there is memory for at once.
    #[error("there is too much to compare")]
    TooMuch,
    /// There may be no such annotation.
    #[error("there may be no annotation of this name")]
    UnknownEntry,
    /// There would be too many annotations, or too much of them.
    #[error("there are too many annotations")]
    TooManyAnnotations,
    /// The store could not.
    #[error(transparent)]
    Storage(StorageError),
}

/// What the store says of names is said in this room's words: others may have made or deleted a mailbox since it was
/// looked up.
impl From<StorageError> for MailboxError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::NotFound(Named::Mailbox) => Self::NoSuchMailbox,
            StorageError::AlreadyExists(Named::Mailbox) => Self::AlreadyExists,
            error => Self::Storage(error),
        }
    }
}

impl From<AccessRefusal> for MailboxError {
    fn from(refusal: AccessRefusal) -> Self {
        match refusal {
            AccessRefusal::Hidden => Self::NoSuchMailbox,
            AccessRefusal::NotPermitted => Self::NotPermitted,
            AccessRefusal::Storage(error) => error.into(),
        }
    }
}

impl From<AccessListError> for MailboxError {
    fn from(error: AccessListError) -> Self {
        match error {
            AccessListError::Storage(error) => error.into(),
            error => Self::AccessList(error),
        }
    }
}

impl MailboxError {
    /// What an error means to one who has the mailbox open that the call was about.
    pub(crate) fn of_open_mailbox(error: StorageError) -> Self {
        match error {
            StorageError::NotFound(Named::Mailbox) => Self::Gone,
            error => error.into(),
        }
    }
}
