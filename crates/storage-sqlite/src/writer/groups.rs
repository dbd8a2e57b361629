//! Groups and their members.

use posthouse_model::{AccountId, GroupId, GroupName, UnixMillis};
use posthouse_storage::groups::{MAX_GROUPS, MAX_GROUPS_OF_ONE};
use posthouse_storage::{Concerned, GroupRecord, Named, StorageError, Subject};
use rusqlite::params;

use super::work::Work;
use crate::fault::Fault;
use crate::reader::{directory, groups};

impl Work<'_> {
    /// Makes a group.
    pub(crate) fn create_group(&mut self, name: &GroupName, now: UnixMillis) -> Result<GroupRecord, Fault> {
        if groups::group(self.connection, name)?.is_some() {
            return Err(StorageError::AlreadyExists(Named::Group).into());
        }
        let sql = "SELECT count(*) FROM user_group";
        let count: i64 = self.connection.prepare_cached(sql)?.query_row((), |row| row.get(0))?;
        if count as usize >= MAX_GROUPS {
            return Err(StorageError::Limit { what: "groups", limit: MAX_GROUPS as u64 }.into());
        }
        let sql = "INSERT INTO user_group (name, created_at) VALUES (?1, ?2) RETURNING id";
        let id: i64 =
            self.connection.prepare_cached(sql)?.query_row(params![name.as_str(), now.0], |row| row.get(0))?;
        Ok(GroupRecord { id: GroupId(id as u64), name: name.clone(), created_at: now })
    }

    /// Removes a group, and what access lists say about it. Its members go with it.
    pub(crate) fn delete_group(&mut self, name: &GroupName) -> Result<(), Fault> {
        let group = groups::group(self.connection, name)?.ok_or(StorageError::NotFound(Named::Group))?;
        // Its members go with it, and are told of by then.
        self.forget_subject(Subject::Group(group.id))?;
        self.connection.prepare_cached("DELETE FROM user_group WHERE id = ?1")?.execute(params![group.id.0 as i64])?;
        Ok(())
    }

    /// Takes an account into a group or out of it.
    pub(crate) fn set_member(&mut self, group: GroupId, account: AccountId, member: bool) -> Result<(), Fault> {
        groups::group_by_id(self.connection, group)?.ok_or(StorageError::NotFound(Named::Group))?;
        directory::account(self.connection, account)?.ok_or(StorageError::NotFound(Named::Account))?;
        let of_account = groups::groups_of(self.connection, account)?;
        if member && !of_account.contains(&group) && of_account.len() >= MAX_GROUPS_OF_ONE {
            let limit = MAX_GROUPS_OF_ONE as u64;
            return Err(StorageError::Limit { what: "groups of one account", limit }.into());
        }
        let sql = if member {
            "INSERT INTO group_member (account, grp) VALUES (?1, ?2) ON CONFLICT DO NOTHING"
        } else {
            "DELETE FROM group_member WHERE account = ?1 AND grp = ?2"
        };
        self.connection.prepare_cached(sql)?.execute(params![account.0 as i64, group.0 as i64])?;
        self.changes_rights([Concerned::Account(account)]);
        Ok(())
    }
}
