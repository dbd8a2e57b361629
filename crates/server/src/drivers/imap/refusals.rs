//! From what a mailbox cannot do to what a client is told.

use posthouse_identity::AccessListError;
use posthouse_imap::Refusal;
use posthouse_mailbox::MailboxError;
use posthouse_storage::{Named, StorageError};

/// Why something could not be done; faults of ours are logged.
pub(super) fn refusal(error: &MailboxError, listener: &str) -> Refusal {
    match error {
        MailboxError::NoSuchMailbox | MailboxError::Gone => Refusal::NonExistent,
        MailboxError::AlreadyExists => Refusal::AlreadyExists,
        MailboxError::SpecialUseTaken => Refusal::UseAttr,
        MailboxError::Inbox
        | MailboxError::BelowItself
        | MailboxError::NameTooLong
        | MailboxError::AnotherOwner
        | MailboxError::AccessList(AccessListError::Owner) => Refusal::Cannot,
        MailboxError::UnknownEntry => Refusal::UnknownEntry,
        MailboxError::NotPermitted | MailboxError::AccessList(AccessListError::Anyone) => Refusal::NoPermission,
        MailboxError::AccessList(AccessListError::BadIdentifier) => Refusal::BadIdentifier,
        MailboxError::AccessList(AccessListError::UnknownIdentifier) => Refusal::UnknownIdentifier,
        MailboxError::TooManyAnnotations => Refusal::TooManyAnnotations,
        MailboxError::ReadOnly => Refusal::ReadOnly,
        MailboxError::TooMuch => Refusal::Limit,
        MailboxError::Storage(error) | MailboxError::AccessList(AccessListError::Storage(error)) => {
            storage_refusal(error, listener)
        }
    }
}

/// Likewise, of a mailbox that something was to be put into: that it can be made is worth telling (RFC 9051 §6.3.12).
pub(super) fn target_refusal(error: &MailboxError, listener: &str) -> Refusal {
    match refusal(error, listener) {
        Refusal::NonExistent => Refusal::TryCreate,
        other => other,
    }
}

fn storage_refusal(error: &StorageError, listener: &str) -> Refusal {
    match error {
        StorageError::NotFound(Named::Mailbox | Named::Account) => return Refusal::NonExistent,
        StorageError::NotFound(Named::Message | Named::Body) => return Refusal::ExpungeIssued,
        StorageError::AlreadyExists(_) => return Refusal::AlreadyExists,
        StorageError::InUse(..) => return Refusal::InUse,
        StorageError::OverQuota { .. } => return Refusal::OverQuota,
        StorageError::Limit { .. } => return Refusal::Limit,
        _ => {}
    }
    tracing::error!(listener, %error, "the store cannot do what a session asks");
    match error {
        StorageError::Full => Refusal::OverQuota,
        StorageError::Corrupt(_) => Refusal::Corruption,
        StorageError::Unavailable(_) | StorageError::Closed | StorageError::Locked(_) => Refusal::Unavailable,
        _ => Refusal::ServerBug,
    }
}
