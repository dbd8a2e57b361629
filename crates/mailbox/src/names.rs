//! Mailboxes by name: list, create, delete, rename, subscribe.

use std::collections::HashSet;

use posthouse_identity::Permit;
use posthouse_model::{AccountId, MailboxId, MailboxName, Right, SpecialUse};
use posthouse_storage::{MailboxRecord, StorageError};

use crate::places::{Place, outer_name};
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
    /// Whether it can be opened.
    pub selectable: bool,
}

impl Mailboxes {
    /// All mailboxes of the account, those of others that it sees, and subscribed names that have none, by name. Costs
    /// what it returns.
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
                selectable: true,
            })
            .collect();
        self.add_shared(permit, &mut rows, &mut subscribed).await?;
        rows.extend(subscribed.into_iter().map(|name| MailboxRow {
            name,
            id: None,
            special_use: None,
            subscribed: true,
            selectable: false,
        }));
        rows.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(rows)
    }

    /// Adds the mailboxes of others. What they are for is told to their owners only: nobody's drafts are everybody's.
    async fn add_shared(
        &self,
        permit: &Permit,
        rows: &mut Vec<MailboxRow>,
        subscribed: &mut HashSet<MailboxName>,
    ) -> Result<(), MailboxError> {
        let shared = self.access.shared_with(permit).await?;
        if shared.is_empty() {
            return Ok(());
        }
        let own: HashSet<_> = rows.iter().map(|row| row.name.clone()).collect();
        for (mailbox, rights) in shared {
            let Some(name) = outer_name(&mailbox).filter(|name| !own.contains(name)) else { continue };
            rows.push(MailboxRow {
                subscribed: subscribed.remove(&name),
                name,
                id: Some(mailbox.record.id),
                special_use: None,
                selectable: rights.has(Right::Read),
            });
        }
        Ok(())
    }

    /// The figures of a mailbox, as the holder of `permit` sees it.
    ///
    /// # Errors
    /// When there is no such mailbox, or it may not be read.
    pub async fn status(&self, permit: &Permit, name: &MailboxName) -> Result<MailboxRecord, MailboxError> {
        let (mut record, admitted) = self.admitted(permit, name, Right::Read).await?;
        if !admitted.is_own() {
            let figures = self.store.seen_figures(record.id, admitted.user()).await?;
            record.unseen = record.messages.saturating_sub(figures.seen);
            record.highest_modseq = record.highest_modseq.max(figures.highest_modseq);
        }
        Ok(record)
    }

    /// Makes a mailbox, and the levels above it that are missing. Among the mailboxes of another this takes the right
    /// to do so in the nearest one above that is there (RFC 4314 §4), whose access list the new ones get. A special use
    /// belongs to one mailbox at a time, and to one's own.
    ///
    /// # Errors
    /// When there is one already, it may not be made, the account has too many, or another one has that special use.
    pub async fn create(
        &self,
        permit: &Permit,
        name: &MailboxName,
        special_use: Option<SpecialUse>,
    ) -> Result<MailboxId, MailboxError> {
        let place = self.place(permit, name).await?.ok_or(MailboxError::NotPermitted)?;
        self.check_create(permit, &place).await?;
        let Place { owner, name } = place;
        if special_use.is_some() {
            self.check_special_use(permit, owner, &name, special_use).await?;
        }
        for parent in self.missing_above(owner, &name).await?.into_iter().rev() {
            match self.store.create_mailbox(owner, &parent, None).await {
                // Another session made it in between.
                Ok(_) | Err(StorageError::AlreadyExists(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(self.store.create_mailbox(owner, &name, special_use).await?.id)
    }

    async fn check_special_use(
        &self,
        permit: &Permit,
        owner: AccountId,
        name: &MailboxName,
        special_use: Option<SpecialUse>,
    ) -> Result<(), MailboxError> {
        if owner != permit.account() {
            return Err(MailboxError::NotPermitted);
        }
        let others = self.store.mailboxes(owner).await?;
        if others.iter().any(|other| other.name == *name) {
            return Err(MailboxError::AlreadyExists);
        }
        if others.iter().any(|other| other.special_use == special_use) {
            return Err(MailboxError::SpecialUseTaken);
        }
        Ok(())
    }

    /// Whether a mailbox may be made. One that is there already and hidden is no more than forbidden.
    async fn check_create(&self, permit: &Permit, place: &Place) -> Result<(), MailboxError> {
        if place.owner == permit.account() {
            return if place.name.is_inbox() { Err(MailboxError::AlreadyExists) } else { Ok(()) };
        }
        let missing = self.missing_above(place.owner, &place.name).await?;
        let lowest = missing.last().unwrap_or(&place.name);
        let above = match lowest.parent() {
            Some(above) => Some(above),
            None => self.store.shared_area_of(place.owner).await?.map(|_| MailboxName::inbox()),
        };
        let above = match above {
            Some(above) => self.store.mailbox(place.owner, &above).await?,
            None => None,
        };
        let above = self.access.permit(permit, &above.ok_or(MailboxError::NotPermitted)?).await?;
        if !above.rights().has(Right::Create) {
            return Err(MailboxError::NotPermitted);
        }
        match self.store.mailbox(place.owner, &place.name).await? {
            None => Ok(()),
            Some(there) if self.access.permit(permit, &there).await?.rights().has(Right::Lookup) => {
                Err(MailboxError::AlreadyExists)
            }
            Some(_) => Err(MailboxError::NotPermitted),
        }
    }

    /// The levels above a name that are no mailboxes, the nearest first.
    async fn missing_above(&self, owner: AccountId, name: &MailboxName) -> Result<Vec<MailboxName>, MailboxError> {
        let mut missing = Vec::new();
        let mut above = name.parent();
        while let Some(parent) = above {
            if self.store.mailbox(owner, &parent).await?.is_some() {
                break;
            }
            above = parent.parent();
            missing.push(parent);
        }
        Ok(missing)
    }

    /// Deletes a mailbox and what is in it. Mailboxes below it stay (RFC 9051 §6.3.5).
    ///
    /// # Errors
    /// When there is no such mailbox, it may not be deleted, or it is INBOX.
    pub async fn delete(&self, permit: &Permit, name: &MailboxName) -> Result<(), MailboxError> {
        if name.is_inbox() {
            return Err(MailboxError::Inbox);
        }
        let (record, _) = self.admitted(permit, name, Right::DeleteMailbox).await?;
        if record.name.is_inbox() {
            return Err(MailboxError::Inbox);
        }
        Ok(self.store.delete_mailbox(record.account, record.id).await?)
    }

    /// Gives a mailbox and all below it another name. INBOX instead gives its messages to a new mailbox of that name
    /// and stays (RFC 9051 §6.3.6). Among the mailboxes of another this takes the rights to delete the mailbox and to
    /// make the new one (RFC 4314 §4); what lies below goes with it.
    ///
    /// # Errors
    /// When there is no such mailbox, it may not be renamed, the new name is taken, is another owner's, or lies below the
    /// old one.
    pub async fn rename(&self, permit: &Permit, from: &MailboxName, to: &MailboxName) -> Result<(), MailboxError> {
        if from.is_inbox() {
            return self.empty_inbox_into(permit, to).await;
        }
        let (record, _) = self.admitted(permit, from, Right::DeleteMailbox).await?;
        let place = self.place(permit, to).await?.ok_or(MailboxError::NotPermitted)?;
        let owner = record.account;
        if place.owner != owner {
            return Err(MailboxError::AnotherOwner);
        }
        if record.name.is_inbox() {
            return Err(MailboxError::Inbox);
        }
        let (from, to) = (&record.name, &place.name);
        if to.is_below(from) {
            return Err(MailboxError::BelowItself);
        }
        self.check_create(permit, &place).await?;
        if self.store.mailbox(owner, to).await?.is_some() {
            return Err(MailboxError::AlreadyExists);
        }
        let renames: Vec<_> = self
            .store
            .mailboxes(owner)
            .await?
            .into_iter()
            .filter(|record| record.name == *from || record.name.is_below(from))
            .map(|record| record.name.moved(from, to).map(|name| (record.id, name)))
            .collect::<Result<_, _>>()
            .map_err(|_| MailboxError::NameTooLong)?;
        if renames.iter().all(|(_, name)| name != to) {
            return Err(MailboxError::NoSuchMailbox);
        }
        for parent in self.missing_above(owner, to).await?.into_iter().rev() {
            self.store.create_mailbox(owner, &parent, None).await?;
        }
        Ok(self.store.rename_mailboxes(owner, renames).await?)
    }

    async fn empty_inbox_into(&self, permit: &Permit, to: &MailboxName) -> Result<(), MailboxError> {
        let (inbox, _) = self.found(permit, &MailboxName::inbox()).await?;
        let place = self.place(permit, to).await?.ok_or(MailboxError::NotPermitted)?;
        if place.owner != inbox.account {
            return Err(MailboxError::AnotherOwner);
        }
        let target = self.create(permit, to, None).await?;
        let all = posthouse_model::UidSet::all();
        self.store.move_messages(inbox.account, inbox.id, &all, target).await?;
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
        self.store.set_subscribed(permit.account(), name, subscribed).await?;
        self.watchers.lock().names_changed(permit.account());
        Ok(())
    }
}
