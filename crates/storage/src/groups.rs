//! Groups of accounts, at rest.

use async_trait::async_trait;
use posthouse_model::{AccountId, Address, GroupId, GroupName, UnixMillis};

use crate::error::StorageError;

/// Most groups.
pub const MAX_GROUPS: usize = 100_000;
/// Most groups that one account is in.
pub const MAX_GROUPS_OF_ONE: usize = 1000;

/// A group of accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRecord {
    /// Its number.
    pub id: GroupId,
    /// Its name.
    pub name: GroupName,
    /// When it was made.
    pub created_at: UnixMillis,
}

/// Groups. Observers hear of changes by [`rights_changed`](crate::CommitObserver::rights_changed).
#[async_trait]
pub trait Groups: Send + Sync + 'static {
    /// Makes a group without members.
    async fn create_group(&self, name: &GroupName, now: UnixMillis) -> Result<GroupRecord, StorageError>;
    /// Removes a group, and what access lists say about it.
    async fn delete_group(&self, name: &GroupName) -> Result<(), StorageError>;
    /// The group of this name.
    async fn group(&self, name: &GroupName) -> Result<Option<GroupRecord>, StorageError>;
    /// The group of this number.
    async fn group_by_id(&self, id: GroupId) -> Result<Option<GroupRecord>, StorageError>;
    /// All groups, by name.
    async fn groups(&self) -> Result<Vec<GroupRecord>, StorageError>;
    /// Takes an account into a group or out of it.
    async fn set_member(&self, group: GroupId, account: AccountId, member: bool) -> Result<(), StorageError>;
    /// Who is in a group, by address.
    async fn members(&self, group: GroupId) -> Result<Vec<Address>, StorageError>;
    /// The groups that an account is in, by number.
    async fn groups_of(&self, account: AccountId) -> Result<Vec<GroupId>, StorageError>;
}
