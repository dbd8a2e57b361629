//! Who is welcome before a message comes: senders and recipients.

use posthouse_identity::RecipientLookup;
use posthouse_model::{AccountId, Address, ReversePath};
use posthouse_storage::StorageError;

use crate::{Door, Flow, WhenFull};

/// What is thought of a sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SenderVerdict {
    /// Welcome.
    Accepted,
    /// It does not belong to the login.
    NotOwned,
    /// It cannot be told now.
    Unavailable,
}

/// What is thought of a recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecipientVerdict {
    /// We take mail for it.
    Accepted,
    /// The domain is ours, but nobody has this address.
    NoSuchMailbox,
    /// The mailbox is switched off.
    MailboxDisabled,
    /// The domain is ours, and only sends.
    DomainSendsOnly,
    /// The mailbox is full.
    MailboxFull {
        /// What the sender is told.
        when_full: WhenFull,
    },
    /// The domain is not ours, and the client may not send elsewhere.
    RelayDenied,
    /// It cannot be told now.
    Unavailable,
}

impl Flow {
    /// Whether mail from `sender` is welcome at this door. Reports from nobody always are (RFC 5321 §6.1).
    pub async fn welcome_sender(&self, door: &Door, sender: &ReversePath) -> SenderVerdict {
        let (Some(permit), Some(address)) = (door.permit(), sender.address()) else { return SenderVerdict::Accepted };
        match self.identity.may_send_as(permit, address).await {
            Ok(true) => SenderVerdict::Accepted,
            Ok(false) => SenderVerdict::NotOwned,
            Err(error) => {
                tracing::error!(%error, "cannot look up a sender");
                SenderVerdict::Unavailable
            }
        }
    }

    /// Whether mail to `recipient` is welcome at this door. Only who signed in may send to domains that are not ours,
    /// so no configuration makes an open relay; reports to senders that were rewritten go back to those. `size_bytes` is
    /// how large the sender says that the message is (RFC 1870 §6.1).
    pub async fn welcome_recipient(
        &self,
        door: &Door,
        sender: &ReversePath,
        recipient: &Address,
        size_bytes: Option<u64>,
    ) -> RecipientVerdict {
        match self.sender_behind(sender, recipient).await {
            Ok(None) => {}
            Ok(Some(_)) => return RecipientVerdict::Accepted,
            Err(error) => {
                tracing::error!(%error, "cannot look up a rewritten sender");
                return RecipientVerdict::Unavailable;
            }
        }
        match self.identity.recipient(recipient).await {
            Ok(RecipientLookup::Account { permit, .. }) => self.welcome_to(permit.account(), size_bytes).await,
            Ok(RecipientLookup::Alias(_)) => RecipientVerdict::Accepted,
            Ok(RecipientLookup::NoSuchAddress) if self.takes_reports_at(recipient) => RecipientVerdict::Accepted,
            Ok(RecipientLookup::NoSuchAddress) => RecipientVerdict::NoSuchMailbox,
            Ok(RecipientLookup::Suspended) => RecipientVerdict::MailboxDisabled,
            Ok(RecipientLookup::DomainSendsOnly) => RecipientVerdict::DomainSendsOnly,
            Ok(RecipientLookup::NotOurs) if door.permit().is_some() => RecipientVerdict::Accepted,
            Ok(RecipientLookup::NotOurs) => RecipientVerdict::RelayDenied,
            Err(error) => {
                tracing::error!(%error, "cannot look up a recipient");
                RecipientVerdict::Unavailable
            }
        }
    }

    /// Whether an account can take a message of the size that the sender says, or any at all where it does not say. What
    /// the message really comes to shows when it has come.
    async fn welcome_to(&self, account: AccountId, size_bytes: Option<u64>) -> RecipientVerdict {
        match self.store.account_quota(account).await {
            Ok(quota) if quota.is_used_up() || !quota.takes(size_bytes.unwrap_or(0)) => {
                RecipientVerdict::MailboxFull { when_full: self.options.when_full }
            }
            Ok(_) => RecipientVerdict::Accepted,
            Err(StorageError::NotFound(_)) => RecipientVerdict::NoSuchMailbox,
            Err(error) => {
                tracing::error!(%error, "cannot look up a quota");
                RecipientVerdict::Unavailable
            }
        }
    }
}
