//! Access lists and shared areas.

use posthouse_model::{AccountId, MailboxId, MailboxName, Rights};
use posthouse_storage::access::{MAX_ACCESS_ENTRIES, MAX_SHARED_AREAS};
use posthouse_storage::{AccessChange, Concerned, Named, SharedArea, StorageError, Subject};
use rusqlite::{OptionalExtension, params};

use super::work::Work;
use crate::fault::Fault;
use crate::reader::access::{self, subject_columns};
use crate::reader::{directory, groups};

impl Work<'_> {
    /// Changes one entry of an access list.
    pub(crate) fn change_access(&mut self, change: &AccessChange) -> Result<(), Fault> {
        self.expect_mailbox(change.owner, change.mailbox)?;
        self.expect_subject(change.subject)?;
        let mailbox = change.mailbox.0 as i64;
        let (kind, subject) = subject_columns(change.subject);
        let entry = params![mailbox, kind, subject, change.negative];
        let sql = "SELECT rights FROM access WHERE mailbox = ?1 AND kind = ?2 AND subject = ?3 AND negative = ?4";
        let old: Option<u16> = self.connection.prepare_cached(sql)?.query_row(entry, |row| row.get(0)).optional()?;
        let rights = change.change.apply(Rights::from_bits(old.unwrap_or(0)), change.rights);
        if rights.is_empty() {
            let sql = "DELETE FROM access WHERE mailbox = ?1 AND kind = ?2 AND subject = ?3 AND negative = ?4";
            self.connection.prepare_cached(sql)?.execute(entry)?;
        } else {
            if old.is_none() {
                self.check_room_in_access_list(change.mailbox)?;
            }
            let sql = "INSERT INTO access (mailbox, kind, subject, negative, rights) VALUES (?1, ?2, ?3, ?4, ?5)
                       ON CONFLICT DO UPDATE SET rights = ?5";
            let row = params![mailbox, kind, subject, change.negative, rights.bits()];
            self.connection.prepare_cached(sql)?.execute(row)?;
        }
        self.changes_rights_of(change.subject)
    }

    fn expect_subject(&self, subject: Subject) -> Result<(), Fault> {
        match subject {
            Subject::Account(account) if directory::account(self.connection, account)?.is_none() => {
                Err(StorageError::NotFound(Named::Account).into())
            }
            Subject::Group(group) if groups::group_by_id(self.connection, group)?.is_none() => {
                Err(StorageError::NotFound(Named::Group).into())
            }
            Subject::Anyone | Subject::Account(_) | Subject::Group(_) => Ok(()),
        }
    }

    fn check_room_in_access_list(&self, mailbox: MailboxId) -> Result<(), Fault> {
        let sql = "SELECT count(*) FROM access WHERE mailbox = ?1";
        let count: i64 = self.connection.prepare_cached(sql)?.query_row(params![mailbox.0 as i64], |row| row.get(0))?;
        if count as usize >= MAX_ACCESS_ENTRIES {
            let limit = MAX_ACCESS_ENTRIES as u64;
            return Err(StorageError::Limit { what: "entries of an access list", limit }.into());
        }
        Ok(())
    }

    /// Gives a new mailbox the access list of the one above it.
    pub(super) fn inherit_access(
        &mut self,
        account: AccountId,
        mailbox: MailboxId,
        name: &MailboxName,
    ) -> Result<(), Fault> {
        let Some(heir_of) = access::heir_of(self.connection, account, name)? else { return Ok(()) };
        let sql = "INSERT INTO access (mailbox, kind, subject, negative, rights)
                   SELECT ?1, kind, subject, negative, rights FROM access WHERE mailbox = ?2";
        self.connection.prepare_cached(sql)?.execute(params![mailbox.0 as i64, heir_of.0 as i64])?;
        let list = access::entries(self.connection, mailbox)?;
        list.into_iter().try_for_each(|entry| self.changes_rights_of(entry.subject))
    }

    /// An account or group is no more.
    pub(super) fn forget_subject(&mut self, subject: Subject) -> Result<(), Fault> {
        self.changes_rights_of(subject)?;
        let (kind, number) = subject_columns(subject);
        let sql = "DELETE FROM access WHERE kind = ?1 AND subject = ?2";
        self.connection.prepare_cached(sql)?.execute(params![kind, number])?;
        Ok(())
    }

    /// Makes an account a shared area.
    pub(crate) fn create_shared_area(&mut self, area: &SharedArea) -> Result<(), Fault> {
        self.expect_subject(Subject::Account(area.account))?;
        let taken = access::area(self.connection, &area.name)?.is_some()
            || access::area_of(self.connection, area.account)?.is_some();
        if taken {
            return Err(StorageError::AlreadyExists(Named::SharedArea).into());
        }
        let sql = "SELECT count(*) FROM shared_area";
        let count: i64 = self.connection.prepare_cached(sql)?.query_row((), |row| row.get(0))?;
        if count as usize >= MAX_SHARED_AREAS {
            return Err(StorageError::Limit { what: "shared areas", limit: MAX_SHARED_AREAS as u64 }.into());
        }
        let sql = "INSERT INTO shared_area (name, account) VALUES (?1, ?2)";
        self.connection.prepare_cached(sql)?.execute(params![area.name.as_str(), area.account.0 as i64])?;
        self.changes_rights([Concerned::Everybody]);
        Ok(())
    }

    /// Makes a shared area an account like others.
    pub(crate) fn delete_shared_area(&mut self, name: &MailboxName) -> Result<(), Fault> {
        let sql = "DELETE FROM shared_area WHERE name = ?1";
        if self.connection.prepare_cached(sql)?.execute(params![name.as_str()])? == 0 {
            return Err(StorageError::NotFound(Named::SharedArea).into());
        }
        self.changes_rights([Concerned::Everybody]);
        Ok(())
    }
}
