//! What was expunged and can still be put back.
//!
//! While [`Recovery::keep_expunged`] is on, a message that is expunged, and one whose mailbox or account is removed, is
//! kept with its flags and dates. No mailbox shows it and nothing counts it. It is put back as a new message with a new
//! UID, or forgotten when [`Recovery::forget_expunged`] is asked to.

use async_trait::async_trait;
use posthouse_model::{AccountId, Address, MailboxId, MailboxName, Uid, UnixMillis};

use crate::error::StorageError;
use crate::mail::MessageRecord;

/// Most messages that one call puts back, and most that it lists.
pub const MAX_RECOVERY_STEP: usize = 500;

/// Names a message that was expunged. In the order of these they were.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExpungedKey {
    /// When it was expunged.
    pub expunged_at: UnixMillis,
    /// From which mailbox.
    pub mailbox: MailboxId,
    /// Its UID there, which never comes back.
    pub uid: Uid,
}

/// A message that was expunged and can be put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpungedMessage {
    /// Its name.
    pub key: ExpungedKey,
    /// The mailbox it would go back to: what its mailbox is called now, or was called last.
    pub mailbox_name: MailboxName,
    /// Whether that mailbox is there.
    pub mailbox_exists: bool,
    /// The message as it was; its body can be read as long as it is listed.
    pub record: MessageRecord,
}

/// An account that was removed while what is removed is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemovedAccount {
    /// Its number, which never comes back.
    pub id: AccountId,
    /// The address it had; another account may have it now.
    pub address: Address,
    /// When it was removed.
    pub removed_at: UnixMillis,
}

/// A message that was put back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PutBack {
    /// Which.
    pub key: ExpungedKey,
    /// Into which mailbox.
    pub mailbox: MailboxId,
    /// Under which UID.
    pub uid: Uid,
}

/// What was expunged, at rest.
#[async_trait]
pub trait Recovery: Send + Sync + 'static {
    /// Whether what is expunged from now on is kept. A store that has just been opened does not.
    fn keep_expunged(&self, keep: bool);

    /// What of an account can be put back, oldest first, after `after`; at most `limit` and
    /// [`MAX_RECOVERY_STEP`]. The account may have been removed.
    async fn expunged(
        &self,
        account: AccountId,
        after: Option<ExpungedKey>,
        limit: usize,
    ) -> Result<Vec<ExpungedMessage>, StorageError>;

    /// Accounts that were removed and had this address, oldest first.
    async fn removed_accounts(&self, folded_address: &str) -> Result<Vec<RemovedAccount>, StorageError>;

    /// Puts messages that `from` lost back into the account `to`, which is the same unless `from` was removed; all or
    /// none: with [`StorageError::OverQuota`] none where `to` may not keep them all. Keys of which nothing is kept are
    /// passed over; there may be at most [`MAX_RECOVERY_STEP`].
    ///
    /// Each goes into the mailbox it was in if `to` has it still, else into one of the same name, which is made if need
    /// be, else into INBOX. It has the flags it had, but for \Deleted.
    async fn put_back(
        &self,
        from: AccountId,
        to: AccountId,
        keys: Vec<ExpungedKey>,
    ) -> Result<Vec<PutBack>, StorageError>;

    /// Forgets what was expunged before `before`. Returns how many messages that were.
    async fn forget_expunged(&self, before: UnixMillis) -> Result<u64, StorageError>;

    /// Forgets at once everything that an account lost, or one of this number had when it was removed. Returns how
    /// many messages that were.
    async fn forget_expunged_of(&self, account: AccountId) -> Result<u64, StorageError>;
}
