//! Why something could not be done to a mailbox.

use posthouse_storage::StorageError;
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
    /// The mailbox was deleted while it was open.
    #[error("the mailbox has been deleted")]
    Gone,
    /// The store could not.
    #[error(transparent)]
    Storage(#[from] StorageError),
}
