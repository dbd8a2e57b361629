//! Mailboxes by name: list, create, delete, rename, subscribe.

use std::collections::HashSet;

use posthouse_identity::Permit;
use posthouse_model::{MailboxId, MailboxName, SpecialUse};
use posthouse_storage::{MailboxRecord, StorageError};

use crate::{MailboxError, Mailboxes};

/// A mailbox, or a subscribed name without one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailboxRow {
    /// Its name.
    pub name: MailboxName,
    /// Its number; `None` if only the subscription exists.
    pub id: Option<MailboxId>,
    /// What it is for.
    pub special_use: Option<SpecialUse>,
    /// Whether the name is subscribed.
    pub subscribed: bool,
}

impl Mailboxes {
    /// All mailboxes of the account, and subscribed names that have none, by name.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn list(&self, permit: &Permit) -> Result<Vec<MailboxRow>, MailboxError> {
        let mut subscribed: HashSet<_> = self.store.subscriptions(permit.account()).await?.into_iter().collect();
        let mut rows: Vec<_> = self
            .store
            .mailboxes(permit.account())
            .await?
            .into_iter()
            .map(|record| MailboxRow {
                subscribed: subscribed.remove(&record.name),
                name: record.name,
                id: Some(record.id),
                special_use: record.special_use,
            })
            .collect();
        rows.extend(subscribed.into_iter().map(|name| MailboxRow {
            name,
            id: None,
            special_use: None,
            subscribed: true,
        }));
        rows.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(rows)
    }

    /// The figures of a mailbox.
    ///
    /// # Errors
    /// When there is no such mailbox.
    pub async fn status(&self, permit: &Permit, name: &MailboxName) -> Result<MailboxRecord, MailboxError> {
        self.record(permit, name).await
    }

    /// Makes a mailbox, and the levels above it that are missing. A special use belongs to one mailbox at a time.
    ///
    /// # Errors
    /// When there is one already, the account has too many, or another one has that special use.
    pub async fn create(
        &self,
        permit: &Permit,
        name: &MailboxName,
        special_use: Option<SpecialUse>,
    ) -> Result<MailboxId, MailboxError> {
        if name.is_inbox() {
            return Err(MailboxError::AlreadyExists);
        }
        if special_use.is_some() {
            let others = self.store.mailboxes(permit.account()).await?;
            if others.iter().any(|other| other.name == *name) {
                return Err(MailboxError::AlreadyExists);
            }
            if others.iter().any(|other| other.special_use == special_use) {
                return Err(MailboxError::SpecialUseTaken);
            }
        }
        let mut missing = Vec::new();
        let mut above = name.parent();
        while let Some(parent) = above {
            if self.store.mailbox(permit.account(), &parent).await?.is_some() {
                break;
            }
            above = parent.parent();
            missing.push(parent);
        }
        for parent in missing.into_iter().rev() {
            match self.store.create_mailbox(permit.account(), &parent, None).await {
                // Another session made it in between.
                Ok(_) | Err(StorageError::AlreadyExists(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(self.store.create_mailbox(permit.account(), name, special_use).await?.id)
    }

    /// Deletes a mailbox and what is in it. Mailboxes below it stay (RFC 9051 §6.3.5).
    ///
    /// # Errors
    /// When there is no such mailbox, or it is INBOX.
    pub async fn delete(&self, permit: &Permit, name: &MailboxName) -> Result<(), MailboxError> {
        if name.is_inbox() {
            return Err(MailboxError::Inbox);
        }
        let record = self.record(permit, name).await?;
        Ok(self.store.delete_mailbox(permit.account(), record.id).await?)
    }

    /// Gives a mailbox and all below it another name. INBOX instead gives its messages to a new mailbox of that name
    /// and stays (RFC 9051 §6.3.6).
    ///
    /// # Errors
    /// When there is no such mailbox, the new name is taken, or it lies below the old one.
    pub async fn rename(&self, permit: &Permit, from: &MailboxName, to: &MailboxName) -> Result<(), MailboxError> {
        if to.is_inbox() || self.store.mailbox(permit.account(), to).await?.is_some() {
            return Err(MailboxError::AlreadyExists);
        }
        if from.is_inbox() {
            return self.empty_inbox_into(permit, to).await;
        }
        if to.is_below(from) {
            return Err(MailboxError::BelowItself);
        }
        let renames: Vec<_> = self
            .store
            .mailboxes(permit.account())
            .await?
            .into_iter()
            .filter(|record| record.name == *from || record.name.is_below(from))
            .map(|record| record.name.moved(from, to).map(|name| (record.id, name)))
            .collect::<Result<_, _>>()
            .map_err(|_| MailboxError::NameTooLong)?;
        if renames.iter().all(|(_, name)| name != to) {
            return Err(MailboxError::NoSuchMailbox);
        }
        if let Some(parent) = to.parent()
            && self.store.mailbox(permit.account(), &parent).await?.is_none()
        {
            self.create(permit, &parent, None).await?;
        }
        Ok(self.store.rename_mailboxes(permit.account(), renames).await?)
    }

    async fn empty_inbox_into(&self, permit: &Permit, to: &MailboxName) -> Result<(), MailboxError> {
        let inbox = self.record(permit, &MailboxName::inbox()).await?;
        let target = self.create(permit, to, None).await?;
        let all = posthouse_model::UidSet::all();
        self.store.move_messages(permit.account(), inbox.id, &all, target).await?;
        Ok(())
    }

    /// Adds a name to the subscriptions or takes it away. Whether there is such a mailbox does not matter.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn set_subscribed(
        &self,
        permit: &Permit,
        name: &MailboxName,
        subscribed: bool,
    ) -> Result<(), MailboxError> {
        Ok(self.store.set_subscribed(permit.account(), name, subscribed).await?)
    }

    pub(crate) async fn record(&self, permit: &Permit, name: &MailboxName) -> Result<MailboxRecord, MailboxError> {
        self.store.mailbox(permit.account(), name).await?.ok_or(MailboxError::NoSuchMailbox)
    }
}
