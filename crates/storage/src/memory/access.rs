//! Access lists and shared areas in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use posthouse_model::{AccountId, MailboxId, MailboxName};

use super::{MemoryStorage, State};
use crate::access::{
    Access, AccessChange, AccessEntry, MAX_ACCESS_ENTRIES, MAX_MAILBOXES_SHARED_WITH_ONE, MAX_SHARED_AREAS, SharedArea,
    SharedMailbox, Subject,
};
use crate::error::{Named, StorageError};
use crate::mail::MailboxRecord;
use crate::observe::Concerned;

#[derive(Default)]
pub(super) struct AccessTables {
    lists: BTreeMap<MailboxId, Vec<AccessEntry>>,
    areas: BTreeMap<MailboxName, AccountId>,
}

impl AccessTables {
    fn area_of(&self, account: AccountId) -> Option<SharedArea> {
        let found = self.areas.iter().find(|(_, owner)| **owner == account);
        found.map(|(name, _)| SharedArea { name: name.clone(), account })
    }

    /// The mailbox is gone.
    pub fn forget_mailbox(&mut self, mailbox: MailboxId) {
        self.lists.remove(&mailbox);
    }

    /// The account or group is gone.
    pub fn forget_subject(&mut self, subject: Subject) {
        self.lists.values_mut().for_each(|list| list.retain(|entry| entry.subject != subject));
        if let Subject::Account(account) = subject {
            self.areas.retain(|_, owner| *owner != account);
        }
    }
}

impl State {
    /// Gives a new mailbox the access list of the one above it.
    pub(super) fn inherit_access(&mut self, record: &MailboxRecord) {
        let in_area = self.access.area_of(record.account).is_some();
        let top = (in_area && !record.name.is_inbox()).then(MailboxName::inbox);
        let Some(above) = record.name.parent().or(top) else { return };
        let list = self.mail.find(record.account, &above).and_then(|above| self.access.lists.get(&above.id)).cloned();
        if let Some(list) = list.filter(|list| !list.is_empty()) {
            let concerned: Vec<_> = list.iter().flat_map(|entry| self.concerned(entry.subject)).collect();
            self.access.lists.insert(record.id, list);
            self.announce_rights(&concerned);
        }
    }

    fn change_access(&mut self, change: AccessChange) -> Result<(), StorageError> {
        self.mail.shelf(change.owner, change.mailbox)?;
        match change.subject {
            Subject::Anyone => {}
            Subject::Account(account) => drop(self.directory.account(account)?),
            Subject::Group(group) => self.groups.require(group)?,
        }
        let list = self.access.lists.entry(change.mailbox).or_default();
        let at = list.iter().position(|entry| (entry.subject, entry.negative) == (change.subject, change.negative));
        let old = at.map(|at| list[at].rights).unwrap_or_default();
        let rights = change.change.apply(old, change.rights);
        match at {
            Some(at) if rights.is_empty() => drop(list.remove(at)),
            Some(at) => list[at].rights = rights,
            None if rights.is_empty() => {}
            None if list.len() >= MAX_ACCESS_ENTRIES => {
                let limit = MAX_ACCESS_ENTRIES as u64;
                return Err(StorageError::Limit { what: "entries of an access list", limit });
            }
            None => {
                list.push(AccessEntry { subject: change.subject, negative: change.negative, rights });
                list.sort_by_key(|entry| (entry.subject, entry.negative));
            }
        }
        self.announce_rights(&self.concerned(change.subject));
        Ok(())
    }

    fn shared_with(&self, account: AccountId) -> Vec<SharedMailbox> {
        let is_about = |entry: &AccessEntry| match entry.subject {
            Subject::Anyone => true,
            Subject::Account(one) => one == account,
            Subject::Group(group) => self.groups.has(group, account),
        };
        let mut shared = Vec::new();
        for (&mailbox, list) in &self.access.lists {
            let entries: Vec<_> = list.iter().copied().filter(is_about).collect();
            let Some(record) = self.mail.record(mailbox).filter(|record| record.account != account) else { continue };
            let Ok(owner) = self.directory.account(record.account) else { continue };
            if entries.iter().all(|entry| entry.negative) || shared.len() >= MAX_MAILBOXES_SHARED_WITH_ONE {
                continue;
            }
            let area = self.access.area_of(record.account).map(|area| area.name);
            shared.push(SharedMailbox { record: record.clone(), owner: owner.address.clone(), area, entries });
        }
        shared
    }
}

#[async_trait]
impl Access for MemoryStorage {
    async fn access(&self, mailbox: MailboxId) -> Result<Vec<AccessEntry>, StorageError> {
        Ok(self.state()?.access.lists.get(&mailbox).cloned().unwrap_or_default())
    }

    async fn change_access(&self, change: AccessChange) -> Result<(), StorageError> {
        self.state()?.change_access(change)
    }

    async fn shared_with(&self, account: AccountId) -> Result<Vec<SharedMailbox>, StorageError> {
        Ok(self.state()?.shared_with(account))
    }

    async fn shared_areas(&self) -> Result<Vec<SharedArea>, StorageError> {
        let state = self.state()?;
        let areas = state.access.areas.iter();
        Ok(areas.map(|(name, &account)| SharedArea { name: name.clone(), account }).collect())
    }

    async fn shared_area(&self, name: &MailboxName) -> Result<Option<SharedArea>, StorageError> {
        let state = self.state()?;
        Ok(state.access.areas.get(name).map(|&account| SharedArea { name: name.clone(), account }))
    }

    async fn shared_area_of(&self, account: AccountId) -> Result<Option<SharedArea>, StorageError> {
        Ok(self.state()?.access.area_of(account))
    }

    async fn create_shared_area(&self, area: SharedArea) -> Result<(), StorageError> {
        let mut state = self.state()?;
        state.directory.account(area.account)?;
        let tables = &mut state.access;
        if tables.areas.contains_key(&area.name) || tables.area_of(area.account).is_some() {
            return Err(StorageError::AlreadyExists(Named::SharedArea));
        }
        if tables.areas.len() >= MAX_SHARED_AREAS {
            return Err(StorageError::Limit { what: "shared areas", limit: MAX_SHARED_AREAS as u64 });
        }
        tables.areas.insert(area.name, area.account);
        state.announce_rights(&[Concerned::Everybody]);
        Ok(())
    }

    async fn delete_shared_area(&self, name: &MailboxName) -> Result<(), StorageError> {
        let mut state = self.state()?;
        state.access.areas.remove(name).ok_or(StorageError::NotFound(Named::SharedArea))?;
        state.announce_rights(&[Concerned::Everybody]);
        Ok(())
    }
}
