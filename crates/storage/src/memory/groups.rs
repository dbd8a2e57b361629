//! Groups in memory.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use posthouse_model::{AccountId, Address, GroupId, GroupName, UnixMillis};

use super::MemoryStorage;
use crate::access::Subject;
use crate::error::{Named, StorageError};
use crate::groups::{GroupRecord, Groups, MAX_GROUPS, MAX_GROUPS_OF_ONE};
use crate::observe::Concerned;

#[derive(Default)]
pub(super) struct GroupTables {
    groups: BTreeMap<GroupName, GroupRecord>,
    members: BTreeSet<(AccountId, GroupId)>,
    last_group: u64,
}

impl GroupTables {
    /// Fails when there is no such group.
    pub fn require(&self, id: GroupId) -> Result<(), StorageError> {
        let found = self.groups.values().any(|group| group.id == id);
        if found { Ok(()) } else { Err(StorageError::NotFound(Named::Group)) }
    }

    /// Whether an account is in a group.
    pub fn has(&self, group: GroupId, account: AccountId) -> bool {
        self.members.contains(&(account, group))
    }

    /// Who is in a group.
    pub fn members_of(&self, group: GroupId) -> impl Iterator<Item = AccountId> {
        self.members.iter().filter(move |(_, of)| *of == group).map(|(account, _)| *account)
    }

    /// The account is gone.
    pub fn forget_account(&mut self, account: AccountId) {
        self.members.retain(|(member, _)| *member != account);
    }

    fn of(&self, account: AccountId) -> impl Iterator<Item = GroupId> + '_ {
        let all = (account, GroupId(0))..=(account, GroupId(u64::MAX));
        self.members.range(all).map(|(_, group)| *group)
    }
}

#[async_trait]
impl Groups for MemoryStorage {
    async fn create_group(&self, name: &GroupName, now: UnixMillis) -> Result<GroupRecord, StorageError> {
        let mut state = self.state()?;
        let tables = &mut state.groups;
        if tables.groups.contains_key(name) {
            return Err(StorageError::AlreadyExists(Named::Group));
        }
        if tables.groups.len() >= MAX_GROUPS {
            return Err(StorageError::Limit { what: "groups", limit: MAX_GROUPS as u64 });
        }
        tables.last_group += 1;
        let record = GroupRecord { id: GroupId(tables.last_group), name: name.clone(), created_at: now };
        tables.groups.insert(name.clone(), record.clone());
        Ok(record)
    }

    async fn delete_group(&self, name: &GroupName) -> Result<(), StorageError> {
        let mut state = self.state()?;
        let group = state.groups.groups.remove(name).ok_or(StorageError::NotFound(Named::Group))?.id;
        let concerned = state.concerned(Subject::Group(group));
        state.groups.members.retain(|(_, of)| *of != group);
        state.access.forget_subject(Subject::Group(group));
        state.announce_rights(&concerned);
        Ok(())
    }

    async fn group(&self, name: &GroupName) -> Result<Option<GroupRecord>, StorageError> {
        Ok(self.state()?.groups.groups.get(name).cloned())
    }

    async fn group_by_id(&self, id: GroupId) -> Result<Option<GroupRecord>, StorageError> {
        Ok(self.state()?.groups.groups.values().find(|group| group.id == id).cloned())
    }

    async fn groups(&self) -> Result<Vec<GroupRecord>, StorageError> {
        Ok(self.state()?.groups.groups.values().cloned().collect())
    }

    async fn set_member(&self, group: GroupId, account: AccountId, member: bool) -> Result<(), StorageError> {
        let mut state = self.state()?;
        state.groups.require(group)?;
        state.directory.account(account)?;
        if !member {
            state.groups.members.remove(&(account, group));
        } else if !state.groups.has(group, account) && state.groups.of(account).count() >= MAX_GROUPS_OF_ONE {
            return Err(StorageError::Limit { what: "groups of one account", limit: MAX_GROUPS_OF_ONE as u64 });
        } else {
            state.groups.members.insert((account, group));
        }
        state.announce_rights(&[Concerned::Account(account)]);
        Ok(())
    }

    async fn members(&self, group: GroupId) -> Result<Vec<Address>, StorageError> {
        let state = self.state()?;
        let members = state.groups.members.iter().filter(|(_, of)| *of == group);
        let mut addresses: Vec<_> =
            members.filter_map(|(account, _)| Some(state.directory.account(*account).ok()?.address.clone())).collect();
        addresses.sort_by_key(Address::folded);
        Ok(addresses)
    }

    async fn groups_of(&self, account: AccountId) -> Result<Vec<GroupId>, StorageError> {
        Ok(self.state()?.groups.of(account).collect())
    }
}
