//! Messages that were brought in from elsewhere, each once.

use async_trait::async_trait;
use posthouse_model::{AccountId, Uid};

use crate::append::AppendWanted;
use crate::error::StorageError;

/// Most messages that are brought in at once.
pub const MAX_IMPORT_MESSAGES: usize = 1000;
/// Most keys that are asked about at once.
pub const MAX_IMPORT_KEYS: usize = 10_000;

/// Names a message where it came from, so that it is known when it comes again: a hash, whose making is up to whoever
/// brings messages in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImportKey(pub [u8; 16]);

/// What was brought in before, at rest.
#[async_trait]
pub trait Imports: Send + Sync + 'static {
    /// Which of these have been brought into an account, in the order asked for; at most [`MAX_IMPORT_KEYS`].
    async fn imported(&self, account: AccountId, keys: &[ImportKey]) -> Result<Vec<bool>, StorageError>;

    /// Stores messages as [`Append::append`](crate::Append::append) does, but leaves out those that have been brought
    /// into the account, and remembers the others: in one transaction, so that a message is there and known, or
    /// neither. `keys` are those of the messages, in their order. Returns the UIDs, `None` for what was left out.
    async fn import(&self, wanted: AppendWanted, keys: Vec<ImportKey>) -> Result<Vec<Option<Uid>>, StorageError>;

    /// Forgets what was brought into an account: it would all come again. Returns how many messages that were.
    async fn forget_imports(&self, account: AccountId) -> Result<u64, StorageError>;
}

/// Whether a call is within the limits.
///
/// # Errors
/// When there are too many messages, or not one key for each.
pub fn check_import(wanted: &AppendWanted, keys: &[ImportKey]) -> Result<(), StorageError> {
    if keys.len() != wanted.messages.len() || keys.len() > MAX_IMPORT_MESSAGES {
        let limit = MAX_IMPORT_MESSAGES as u64;
        return Err(StorageError::Limit { what: "messages with a key each", limit });
    }
    Ok(())
}
