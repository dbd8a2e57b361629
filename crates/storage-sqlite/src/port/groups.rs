//! [`Groups`].

use async_trait::async_trait;
use posthouse_model::{AccountId, Address, GroupId, GroupName, UnixMillis};
use posthouse_storage::{GroupRecord, Groups, StorageError};

use crate::reader::groups;
use crate::store::SqliteStorage;

#[async_trait]
impl Groups for SqliteStorage {
    async fn create_group(&self, name: &GroupName, now: UnixMillis) -> Result<GroupRecord, StorageError> {
        let name = name.clone();
        self.write(Vec::new(), move |work| work.create_group(&name, now)).await
    }

    async fn delete_group(&self, name: &GroupName) -> Result<(), StorageError> {
        let name = name.clone();
        self.write(Vec::new(), move |work| work.delete_group(&name)).await
    }

    async fn group(&self, name: &GroupName) -> Result<Option<GroupRecord>, StorageError> {
        let name = name.clone();
        self.ask(move |reader| groups::group(&reader.connection, &name)).await
    }

    async fn group_by_id(&self, id: GroupId) -> Result<Option<GroupRecord>, StorageError> {
        self.ask(move |reader| groups::group_by_id(&reader.connection, id)).await
    }

    async fn groups(&self) -> Result<Vec<GroupRecord>, StorageError> {
        self.ask(|reader| groups::groups(&reader.connection)).await
    }

    async fn set_member(&self, group: GroupId, account: AccountId, member: bool) -> Result<(), StorageError> {
        self.write(Vec::new(), move |work| work.set_member(group, account, member)).await
    }

    async fn members(&self, group: GroupId) -> Result<Vec<Address>, StorageError> {
        self.ask(move |reader| groups::members(&reader.connection, group)).await
    }

    async fn groups_of(&self, account: AccountId) -> Result<Vec<GroupId>, StorageError> {
        self.ask(move |reader| groups::groups_of(&reader.connection, account)).await
    }
}
