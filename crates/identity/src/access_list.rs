//! Reading and changing access lists: identifiers as people write them (RFC 4314 §2, §3).
//!
//! An identifier is `anyone`, the address of an account, or `$` and the name of a group; a dash before it makes an
//! entry that takes rights away. An address without a domain is one of the domain of whoever writes it.

use posthouse_model::{Address, GroupName, Rights, RightsChange};
use posthouse_storage::{AccessChange, AccessEntry, Resolution, StorageError, Subject};
use thiserror::Error;

use crate::{AccessControl, MailboxPermit, Permit};

/// Everybody who signs in.
const ANYONE: &str = "anyone";
const GROUP_SIGN: char = '$';
const NEGATIVE_SIGN: char = '-';

/// Why an access list cannot be changed in this way.
#[derive(Debug, Error)]
pub enum AccessListError {
    /// What was written can be no identifier.
    #[error("an identifier is anyone, the address of an account, or $ and the name of a group")]
    BadIdentifier,
    /// There is no such account or group.
    #[error("there is no such account or group")]
    UnknownIdentifier,
    /// The owner may do everything, always.
    #[error("the owner of a mailbox has all rights, always")]
    Owner,
    /// Only what an administrator shares is for anyone.
    #[error("only mailboxes of a shared area can be shared with anyone")]
    Anyone,
    /// The store could not.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// What can be given to somebody (LISTRIGHTS).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrantableRights {
    /// What they have in any case.
    pub required: Rights,
    /// What can be given, each by itself.
    pub optional: Rights,
}

/// An identifier that has been understood.
#[derive(Clone, Copy, Debug)]
struct Identifier {
    subject: Subject,
    negative: bool,
}

impl AccessControl {
    /// The access list of a mailbox: the owner first, then each entry by its identifier.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn access_list(&self, mailbox: &MailboxPermit) -> Result<Vec<(String, Rights)>, StorageError> {
        let mut list = Vec::new();
        if let Some(owner) = self.store.account(mailbox.owner()).await? {
            list.push((owner.address.to_string(), Rights::ALL));
        }
        for entry in self.store.access(mailbox.mailbox()).await? {
            if let Some(identifier) = self.identifier_of(&entry).await? {
                list.push((identifier, entry.rights));
            }
        }
        Ok(list)
    }

    /// Changes what an identifier has in the access list of a mailbox. Whether the user may do so was asked before:
    /// [`Right::Administer`](posthouse_model::Right).
    ///
    /// # Errors
    /// When there is no such account or group, it is the owner, or it is anyone outside of a shared area.
    pub async fn change_access_list(
        &self,
        writer: &Address,
        mailbox: &MailboxPermit,
        identifier: &str,
        change: RightsChange,
        rights: Rights,
    ) -> Result<(), AccessListError> {
        let Identifier { subject, negative } = self.identifier(writer, identifier).await?;
        if subject == Subject::Account(mailbox.owner()) {
            return Err(AccessListError::Owner);
        }
        // A user of one organisation could else put mailboxes before the eyes of every other.
        let gives = !negative && change != RightsChange::Remove && !rights.is_empty();
        if subject == Subject::Anyone && gives && !self.is_in_area(mailbox).await? {
            return Err(AccessListError::Anyone);
        }
        let change =
            AccessChange { owner: mailbox.owner(), mailbox: mailbox.mailbox(), subject, negative, change, rights };
        Ok(self.store.change_access(change).await?)
    }

    /// What can be given to an identifier in a mailbox.
    ///
    /// # Errors
    /// When there is no such account or group.
    pub async fn grantable(
        &self,
        permit: &Permit,
        mailbox: &MailboxPermit,
        identifier: &str,
    ) -> Result<GrantableRights, AccessListError> {
        let Identifier { subject, negative } = self.identifier(permit.address(), identifier).await?;
        if subject == Subject::Account(mailbox.owner()) {
            let required = if negative { Rights::NONE } else { Rights::ALL };
            return Ok(GrantableRights { required, optional: Rights::NONE });
        }
        let none = subject == Subject::Anyone && !negative && !self.is_in_area(mailbox).await?;
        let optional = if none { Rights::NONE } else { Rights::ALL };
        Ok(GrantableRights { required: Rights::NONE, optional })
    }

    async fn is_in_area(&self, mailbox: &MailboxPermit) -> Result<bool, StorageError> {
        Ok(self.store.shared_area_of(mailbox.owner()).await?.is_some())
    }

    /// RFC 4314 §3: an identifier is prepared as names are at a login.
    async fn identifier(&self, writer: &Address, text: &str) -> Result<Identifier, AccessListError> {
        let prepared = posthouse_sasl::prepare_name(text.as_bytes()).map_err(|_| AccessListError::BadIdentifier)?;
        let (name, negative) = match prepared.strip_prefix(NEGATIVE_SIGN) {
            Some(name) => (name, true),
            None => (prepared.as_str(), false),
        };
        let subject = if name == ANYONE {
            Some(Subject::Anyone)
        } else if let Some(group) = name.strip_prefix(GROUP_SIGN) {
            let group = GroupName::parse(group).map_err(|_| AccessListError::BadIdentifier)?;
            self.store.group(&group).await?.map(|group| Subject::Group(group.id))
        } else {
            let full = if name.contains('@') { name.to_owned() } else { format!("{name}@{}", writer.domain) };
            let address = Address::parse(&full).map_err(|_| AccessListError::BadIdentifier)?;
            match self.store.resolve(&address).await? {
                Some(Resolution::Account(account)) => Some(Subject::Account(account.id)),
                Some(Resolution::Alias(_)) | None => None,
            }
        };
        Ok(Identifier { subject: subject.ok_or(AccessListError::UnknownIdentifier)?, negative })
    }

    async fn identifier_of(&self, entry: &AccessEntry) -> Result<Option<String>, StorageError> {
        let name = match entry.subject {
            Subject::Anyone => Some(ANYONE.to_owned()),
            Subject::Account(account) => self.store.account(account).await?.map(|one| one.address.to_string()),
            Subject::Group(group) => {
                self.store.group_by_id(group).await?.map(|one| format!("{GROUP_SIGN}{}", one.name))
            }
        };
        Ok(name.map(|name| if entry.negative { format!("{NEGATIVE_SIGN}{name}") } else { name }))
    }
}
