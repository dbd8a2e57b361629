//! What administrators do to groups, shared areas and the access lists of any mailbox.

use posthouse_model::{Address, GroupName, MailboxName, Rights, RightsChange, UnixMillis};
use posthouse_storage::{
    AccountRecord, AccountStatus, GroupRecord, Named, NewAccount, Resolution, SharedArea, StorageError,
};
use thiserror::Error;

use crate::access_list::AccessListError;
use crate::{Identity, MailboxPermit};

/// Why a group, a shared area or an access list could not be made or changed.
#[derive(Debug, Error)]
pub enum SharingError {
    /// The name of a shared area has one level, and is not INBOX.
    #[error("a shared area has a name of one level, without '/', other than INBOX")]
    BadAreaName,
    /// The access list cannot be so.
    #[error(transparent)]
    AccessList(#[from] AccessListError),
    /// The store could not.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl Identity {
    /// Makes a group without members.
    ///
    /// # Errors
    /// When there is one of this name.
    pub async fn create_group(&self, name: &GroupName, now: UnixMillis) -> Result<GroupRecord, SharingError> {
        Ok(self.store.create_group(name, now).await?)
    }

    /// Removes a group and the rights that it gave.
    ///
    /// # Errors
    /// When there is none of this name.
    pub async fn delete_group(&self, name: &GroupName) -> Result<(), SharingError> {
        Ok(self.store.delete_group(name).await?)
    }

    /// Takes an account into a group or out of it.
    ///
    /// # Errors
    /// When there is no such group or account.
    pub async fn set_member(&self, group: &GroupName, address: &Address, member: bool) -> Result<(), SharingError> {
        let group = self.group(group).await?;
        let account = self.account_to_share(address).await?;
        Ok(self.store.set_member(group.id, account.id, member).await?)
    }

    /// Who is in a group, by address.
    ///
    /// # Errors
    /// When there is no such group.
    pub async fn members(&self, group: &GroupName) -> Result<Vec<Address>, SharingError> {
        let group = self.group(group).await?;
        Ok(self.store.members(group.id).await?)
    }

    async fn group(&self, name: &GroupName) -> Result<GroupRecord, StorageError> {
        self.store.group(name).await?.ok_or(StorageError::NotFound(Named::Group))
    }

    /// Makes the mailboxes of an account a shared area. An account that is not there is made, with an INBOX and without
    /// a password.
    ///
    /// # Errors
    /// When the name or the account is that of a shared area already, or the address cannot be an account's.
    pub async fn create_shared_area(
        &self,
        name: &MailboxName,
        address: &Address,
        now: UnixMillis,
    ) -> Result<SharedArea, SharingError> {
        if name.parent().is_some() || name.is_inbox() {
            return Err(SharingError::BadAreaName);
        }
        if self.store.shared_area(name).await?.is_some() {
            return Err(StorageError::AlreadyExists(Named::SharedArea).into());
        }
        let account = match self.store.resolve(address).await? {
            Some(Resolution::Account(account)) => account,
            Some(Resolution::Alias(_)) => return Err(StorageError::AlreadyExists(Named::Address).into()),
            None => self.create_area_account(name, address, now).await?,
        };
        let area = SharedArea { name: name.clone(), account: account.id };
        self.store.create_shared_area(area.clone()).await?;
        Ok(area)
    }

    async fn create_area_account(
        &self,
        name: &MailboxName,
        address: &Address,
        now: UnixMillis,
    ) -> Result<AccountRecord, StorageError> {
        let account = NewAccount {
            address: address.clone(),
            display_name: name.to_string(),
            administrator: false,
            credential: None,
            mailboxes: vec![(MailboxName::inbox(), None)],
            created_at: now,
        };
        let record = self.store.create_account(account).await?;
        let record = AccountRecord { status: AccountStatus::LoginDisabled, ..record };
        self.store.update_account(record.clone()).await?;
        Ok(record)
    }

    /// Makes a shared area an account like others.
    ///
    /// # Errors
    /// When there is none of this name.
    pub async fn delete_shared_area(&self, name: &MailboxName) -> Result<(), SharingError> {
        Ok(self.store.delete_shared_area(name).await?)
    }

    /// The access list of a mailbox of any account.
    ///
    /// # Errors
    /// When there is no such account or mailbox.
    pub async fn access_list_of(
        &self,
        owner: &Address,
        mailbox: &MailboxName,
    ) -> Result<Vec<(String, Rights)>, SharingError> {
        let mailbox = self.mailbox_to_share(owner, mailbox).await?;
        Ok(self.access.access_list(&mailbox).await?)
    }

    /// Changes the access list of a mailbox of any account. An identifier without a domain is one of the owner's.
    ///
    /// # Errors
    /// When there is no such account or mailbox, and as [`AccessControl::change_access_list`](crate::AccessControl::change_access_list).
    pub async fn change_access_list_of(
        &self,
        owner: &Address,
        mailbox: &MailboxName,
        identifier: &str,
        change: RightsChange,
        rights: Rights,
    ) -> Result<(), SharingError> {
        let mailbox = self.mailbox_to_share(owner, mailbox).await?;
        Ok(self.access.change_access_list(owner, &mailbox, identifier, change, rights).await?)
    }

    async fn mailbox_to_share(&self, owner: &Address, mailbox: &MailboxName) -> Result<MailboxPermit, StorageError> {
        let account = self.account_to_share(owner).await?;
        let found = self.store.mailbox(account.id, mailbox).await?;
        Ok(MailboxPermit::for_administration(&found.ok_or(StorageError::NotFound(Named::Mailbox))?))
    }

    async fn account_to_share(&self, address: &Address) -> Result<AccountRecord, StorageError> {
        match self.store.resolve(address).await? {
            Some(Resolution::Account(account)) => Ok(account),
            Some(Resolution::Alias(_)) | None => Err(StorageError::NotFound(Named::Account)),
        }
    }
}
