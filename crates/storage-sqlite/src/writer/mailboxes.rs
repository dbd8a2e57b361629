//! Making, naming and removing mailboxes, and subscriptions.

use posthouse_model::{AccountId, MailboxId, MailboxName, SpecialUse, UidValidity};
use posthouse_storage::mail::MAX_MAILBOXES_PER_ACCOUNT;
use posthouse_storage::{MailboxDelta, MailboxRecord, MessageRecord, Named, StorageError};
use rusqlite::{OptionalExtension, params};

use super::work::Work;
use crate::convert::{self, MESSAGE_COLUMNS};
use crate::fault::Fault;
use crate::reader::mail;

impl Work<'_> {
    pub(crate) fn create_mailbox(
        &mut self,
        account: AccountId,
        name: &MailboxName,
        special_use: Option<SpecialUse>,
    ) -> Result<MailboxRecord, Fault> {
        if mail::mailbox(self.connection, account, name)?.is_some() {
            return Err(StorageError::AlreadyExists(Named::Mailbox).into());
        }
        let modseq = self.next_modseq(account)?;
        let sql = "SELECT count(*) FROM mailbox WHERE account = ?1";
        let count: i64 = self.connection.prepare_cached(sql)?.query_row(params![account.0 as i64], |row| row.get(0))?;
        if count as usize >= MAX_MAILBOXES_PER_ACCOUNT {
            let limit = MAX_MAILBOXES_PER_ACCOUNT as u64;
            return Err(StorageError::Limit { what: "mailboxes of one account", limit }.into());
        }
        let id = MailboxId(self.numbers.mailbox() as u64);
        let uid_validity = self.numbers.uid_validity(self.now);
        let sql = "INSERT INTO mailbox (id, account, name, special_use, uid_validity, uid_next, highest_modseq,
                   messages, unseen, deleted, size_bytes) VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, 0, 0, 0, 0)";
        self.connection.prepare_cached(sql)?.execute(params![
            id.0 as i64,
            account.0 as i64,
            name.as_str(),
            convert::special_use_column(special_use),
            uid_validity,
            modseq.0 as i64
        ])?;
        self.inherit_access(account, id, name)?;
        self.tell(account, id, modseq, MailboxDelta::Created);
        let record = mail::mailbox_by_id(self.connection, account, id)?;
        Ok(record.ok_or(StorageError::NotFound(Named::Mailbox))?)
    }

    pub(crate) fn rename_mailboxes(
        &mut self,
        account: AccountId,
        renames: &[(MailboxId, MailboxName)],
    ) -> Result<(), Fault> {
        if renames.is_empty() {
            return Ok(());
        }
        let modseq = self.next_modseq(account)?;
        // First everything that moves gives up its name, so that names can be swapped. No name has a NUL.
        let sql = "UPDATE mailbox SET name = char(0) || id WHERE id = ?1 AND account = ?2";
        for (id, _) in renames {
            if self.connection.prepare_cached(sql)?.execute(params![id.0 as i64, account.0 as i64])? == 0 {
                return Err(StorageError::NotFound(Named::Mailbox).into());
            }
        }
        for (id, name) in renames {
            if mail::mailbox(self.connection, account, name)?.is_some_and(|other| other.id != *id) {
                return Err(StorageError::AlreadyExists(Named::Mailbox).into());
            }
            let sql = "UPDATE mailbox SET name = ?2 WHERE id = ?1";
            self.connection.prepare_cached(sql)?.execute(params![id.0 as i64, name.as_str()])?;
            self.tell(account, *id, modseq, MailboxDelta::Renamed);
        }
        Ok(())
    }

    /// The mailbox is gone at once; its messages are taken out bit by bit ([`Self::reap`]).
    pub(crate) fn delete_mailbox(&mut self, account: AccountId, id: MailboxId) -> Result<(), Fault> {
        self.expect_mailbox(account, id)?;
        self.note_former_mailbox(id)?;
        let sql = "DELETE FROM mailbox WHERE id = ?1 AND account = ?2 RETURNING size_bytes, messages";
        let (size_bytes, messages): (i64, i64) = self
            .connection
            .prepare_cached(sql)?
            .query_row(params![id.0 as i64, account.0 as i64], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?
            .ok_or(StorageError::NotFound(Named::Mailbox))?;
        self.note_usage(account, -size_bytes, -messages);
        self.connection.prepare_cached("INSERT INTO doomed (mailbox) VALUES (?1)")?.execute(params![id.0 as i64])?;
        self.forget_annotations_on(id)?;
        self.forget_mark(id)?;
        let modseq = self.next_modseq(account)?;
        self.tell(account, id, modseq, MailboxDelta::Deleted);
        Ok(())
    }

    /// Takes up to `limit` messages out of deleted mailboxes. False when there is nothing left to take out.
    pub(crate) fn reap(&mut self, limit: usize) -> Result<bool, Fault> {
        let first = self.connection.prepare_cached("SELECT mailbox FROM doomed LIMIT 1")?;
        let Some(mailbox) = { first }.query_row((), |row| row.get::<_, i64>(0)).optional()? else {
            return Ok(false);
        };
        if self.reap_seen(mailbox, limit)? {
            return Ok(true);
        }
        self.reap_mailbox(mailbox, limit)?;
        Ok(true)
    }

    /// Takes up to `limit` messages out of a deleted mailbox, which is forgotten when there are none.
    pub(super) fn reap_mailbox(&mut self, mailbox: i64, limit: usize) -> Result<(), Fault> {
        let sql = format!(
            "DELETE FROM message WHERE mailbox = ?1 AND uid IN
             (SELECT uid FROM message WHERE mailbox = ?1 ORDER BY uid LIMIT ?2) RETURNING {MESSAGE_COLUMNS}"
        );
        let records: Vec<MessageRecord> = self
            .connection
            .prepare_cached(&sql)?
            .query_and_then(params![mailbox, limit as i64], convert::message_record)?
            .collect::<Result<_, _>>()?;
        if records.is_empty() {
            self.connection.prepare_cached("DELETE FROM vanished WHERE mailbox = ?1")?.execute(params![mailbox])?;
            self.connection.prepare_cached("DELETE FROM doomed WHERE mailbox = ?1")?.execute(params![mailbox])?;
        }
        self.let_go_of_doomed(mailbox, &records)
    }

    pub(crate) fn set_subscribed(
        &mut self,
        account: AccountId,
        name: &MailboxName,
        subscribed: bool,
    ) -> Result<(), Fault> {
        let sql = "SELECT 1 FROM account WHERE id = ?1";
        if !self.connection.prepare_cached(sql)?.exists(params![account.0 as i64])? {
            return Err(StorageError::NotFound(Named::Account).into());
        }
        let sql = if subscribed {
            "INSERT INTO subscription (account, name) VALUES (?1, ?2) ON CONFLICT DO NOTHING"
        } else {
            "DELETE FROM subscription WHERE account = ?1 AND name = ?2"
        };
        self.connection.prepare_cached(sql)?.execute(params![account.0 as i64, name.as_str()])?;
        Ok(())
    }

    pub(super) fn uid_validity_of(&self, account: AccountId, mailbox: MailboxId) -> Result<UidValidity, Fault> {
        let record = mail::mailbox_by_id(self.connection, account, mailbox)?;
        Ok(record.ok_or(StorageError::NotFound(Named::Mailbox))?.uid_validity)
    }
}
