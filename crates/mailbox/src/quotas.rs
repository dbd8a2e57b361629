//! How much an account may keep, as its owner and administrators see and set it.

use posthouse_identity::Permit;
use posthouse_model::{AccountId, Address, MailboxName};
use posthouse_storage::mail::MAX_MAILBOXES_PER_ACCOUNT;
use posthouse_storage::{AccountQuota, AccountQuotaSettings, Resolution};

use crate::fetch::{BatchBound, Rows};
use crate::{MailboxError, Mailboxes};

/// Messages that are walked through at once.
const AT_ONCE: BatchBound = BatchBound { messages: 2000, size_bytes: u64::MAX };

/// The quota of an account, by the account's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotaRow {
    /// Whose.
    pub address: Address,
    /// Mail that it may keep and does.
    pub quota: AccountQuota,
    /// Mailboxes that there are.
    pub mailboxes: u64,
    /// Mailboxes that there may be.
    pub max_mailboxes: u64,
}

impl Mailboxes {
    /// The quota that counts for a mailbox, which need not exist.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn quota_of_mailbox(&self, permit: &Permit, name: &MailboxName) -> Result<QuotaRow, MailboxError> {
        let owner = match self.status(permit, name).await {
            Ok(record) => record.account,
            Err(MailboxError::NoSuchMailbox) => permit.account(),
            Err(error) => return Err(error),
        };
        let address = match owner == permit.account() {
            true => permit.address().clone(),
            false => self.store.account(owner).await?.ok_or(MailboxError::NoSuchMailbox)?.address,
        };
        self.quota_row(owner, address).await
    }

    /// The quota of an account: one's own, or as an administrator anybody's.
    ///
    /// # Errors
    /// When it is not for the holder of `permit`, or there is no such account.
    pub async fn quota(&self, permit: &Permit, address: &Address) -> Result<QuotaRow, MailboxError> {
        if address.folded() == permit.address().folded() {
            return self.quota_row(permit.account(), permit.address().clone()).await;
        }
        let account = self.account_as_administrator(permit, address).await?;
        self.quota_row(account, address.clone()).await
    }

    /// Sets the quota of an account.
    ///
    /// # Errors
    /// When the holder of `permit` is no administrator, or there is no such account.
    pub async fn set_quota(
        &self,
        permit: &Permit,
        address: &Address,
        settings: AccountQuotaSettings,
    ) -> Result<QuotaRow, MailboxError> {
        let account = self.account_as_administrator(permit, address).await?;
        self.store.set_account_quota(account, settings).await?;
        self.quota_row(account, address.clone()).await
    }

    /// Octets of the messages that have \Deleted (RFC 9208 §4.1.4). Costs nothing where there are none.
    ///
    /// # Errors
    /// When there is no such mailbox, or the store cannot be read.
    pub async fn deleted_bytes(&self, permit: &Permit, name: &MailboxName) -> Result<u64, MailboxError> {
        if self.status(permit, name).await?.deleted == 0 {
            return Ok(0);
        }
        let mailbox = self.open(permit, name, true).await?;
        let mut rows = Rows::new(posthouse_model::UidSet::all(), None);
        let mut octets = 0;
        loop {
            let batch = mailbox.next_rows(&mut rows, AT_ONCE);
            if batch.is_empty() {
                return Ok(octets);
            }
            let deleted = batch.iter().filter(|record| record.flags.has(posthouse_model::SystemFlag::Deleted));
            octets += deleted.map(|record| record.size_bytes).sum::<u64>();
        }
    }

    async fn account_as_administrator(&self, permit: &Permit, address: &Address) -> Result<AccountId, MailboxError> {
        if !permit.is_administrator() {
            return Err(MailboxError::NotPermitted);
        }
        match self.store.resolve(address).await? {
            Some(Resolution::Account(account)) => Ok(account.id),
            _ => Err(MailboxError::NoSuchMailbox),
        }
    }

    async fn quota_row(&self, account: AccountId, address: Address) -> Result<QuotaRow, MailboxError> {
        let quota = self.store.account_quota(account).await?;
        let mailboxes = self.store.mailboxes(account).await?.len() as u64;
        Ok(QuotaRow { address, quota, mailboxes, max_mailboxes: MAX_MAILBOXES_PER_ACCOUNT as u64 })
    }
}
