//! Keeping what is expunged, putting it back, and forgetting it.

use std::sync::atomic::Ordering;

use posthouse_model::{AccountId, MailboxId, MailboxName, SpecialUse, SystemFlag, UnixMillis};
use posthouse_storage::recovery::MAX_RECOVERY_STEP;
use posthouse_storage::{
    BodyKey, ExpungedKey, MailboxDelta, MailboxRecord, MessageRecord, Named, PutBack, StorageError,
};
use rusqlite::{OptionalExtension, params};

use super::work::Work;
use crate::convert;
use crate::fault::Fault;
use crate::reader::{mail, recovery};

/// Most rows of former mailboxes and accounts that are forgotten in one commit.
const FORMER_STEP: i64 = 500;

impl Work<'_> {
    /// Whether what is expunged is kept.
    pub(super) fn keeps_expunged(&self) -> bool {
        self.keep_expunged.load(Ordering::Relaxed)
    }

    /// What becomes of references to the bodies of messages that are being expunged: they are kept, or released.
    pub(super) fn let_go(
        &mut self,
        account: AccountId,
        mailbox: MailboxId,
        records: &[MessageRecord],
    ) -> Result<(), Fault> {
        if self.keeps_expunged() {
            return self.keep(account, mailbox, self.now, records);
        }
        records.iter().try_for_each(|record| self.release(record.body))
    }

    /// Keeps messages, whose references to bodies pass over to what is kept.
    pub(super) fn keep(
        &mut self,
        account: AccountId,
        mailbox: MailboxId,
        expunged_at: UnixMillis,
        records: &[MessageRecord],
    ) -> Result<(), Fault> {
        let sql =
            "INSERT INTO expunged (expunged_at, mailbox, uid, account, flags, keywords, size_bytes, internal_date,
                   saved_at, message, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
        let mut statement = self.connection.prepare_cached(sql)?;
        for record in records {
            statement.execute(params![
                expunged_at.0,
                mailbox.0 as i64,
                record.uid.value(),
                account.0 as i64,
                record.flags.bits(),
                convert::keywords_column(&record.flags),
                record.size_bytes as i64,
                record.internal_date.0,
                record.saved_at.0,
                record.message.0 as i64,
                record.body.0 as i64
            ])?;
        }
        Ok(())
    }

    /// Notes what a mailbox was that is being removed, so that what is in it is kept.
    pub(super) fn note_former_mailbox(&mut self, mailbox: MailboxId) -> Result<(), Fault> {
        if !self.keeps_expunged() {
            return Ok(());
        }
        let sql = "INSERT INTO former_mailbox (id, account, name, special_use, deleted_at)
                   SELECT id, account, name, special_use, ?2 FROM mailbox WHERE id = ?1";
        self.connection.prepare_cached(sql)?.execute(params![mailbox.0 as i64, self.now.0])?;
        Ok(())
    }

    /// Notes the address that an account had that is being removed.
    pub(super) fn note_former_account(&mut self, account: AccountId) -> Result<(), Fault> {
        if !self.keeps_expunged() {
            return Ok(());
        }
        let sql = "INSERT INTO former_account (id, address, folded, removed_at)
                   SELECT id, address, folded, ?2 FROM account WHERE id = ?1";
        self.connection.prepare_cached(sql)?.execute(params![account.0 as i64, self.now.0])?;
        Ok(())
    }

    /// What becomes of messages of a mailbox that is gone: they are kept if that was noted then, else released.
    pub(super) fn let_go_of_doomed(&mut self, mailbox: i64, records: &[MessageRecord]) -> Result<(), Fault> {
        let sql = "SELECT account, deleted_at FROM former_mailbox WHERE id = ?1";
        let noted = self
            .connection
            .prepare_cached(sql)?
            .query_row(params![mailbox], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?)))
            .optional()?;
        match noted {
            Some((account, deleted_at)) => {
                self.keep(AccountId(account as u64), MailboxId(mailbox as u64), UnixMillis(deleted_at), records)
            }
            None => records.iter().try_for_each(|record| self.release(record.body)),
        }
    }

    /// Takes up to `limit` messages out of deleted mailboxes of one account. False when there is nothing left.
    pub(crate) fn reap_of(&mut self, account: AccountId, limit: usize) -> Result<bool, Fault> {
        let sql = "SELECT former_mailbox.id FROM former_mailbox JOIN doomed ON doomed.mailbox = former_mailbox.id
                   WHERE former_mailbox.account = ?1 LIMIT 1";
        let found = self.connection.prepare_cached(sql)?.query_row(params![account.0 as i64], |row| row.get(0));
        let Some(mailbox) = found.optional()? else { return Ok(false) };
        if !self.reap_seen(mailbox, limit)? {
            self.reap_mailbox(mailbox, limit)?;
        }
        Ok(true)
    }

    /// Puts messages that `from` lost back into `to`. What is not kept is passed over.
    pub(crate) fn put_back(
        &mut self,
        from: AccountId,
        to: AccountId,
        keys: &[ExpungedKey],
    ) -> Result<Vec<PutBack>, Fault> {
        if mail::mailbox(self.connection, to, &MailboxName::inbox())?.is_none() {
            return Err(StorageError::NotFound(Named::Account).into());
        }
        if keys.len() > MAX_RECOVERY_STEP {
            let limit = MAX_RECOVERY_STEP as u64;
            return Err(StorageError::Limit { what: "messages put back at once", limit }.into());
        }
        let mut done = Vec::with_capacity(keys.len());
        for key in keys {
            let Some(old) = self.take_kept(from, key)? else { continue };
            let home = self.home(to, key.mailbox)?;
            let modseq = self.next_modseq(to)?;
            let mut flags = old.flags.clone();
            flags.remove(SystemFlag::Deleted);
            let mut records = vec![MessageRecord { modseq, flags, saved_at: self.now, ..old }];
            self.add_messages(to, home, modseq, &mut records)?;
            done.push(PutBack { key: *key, mailbox: home, uid: records[0].uid });
            self.tell(to, home, modseq, MailboxDelta::Added(records));
        }
        Ok(done)
    }

    /// Takes out one that is kept; its reference to the body is the caller's from then on.
    fn take_kept(&self, account: AccountId, key: &ExpungedKey) -> Result<Option<MessageRecord>, Fault> {
        let sql = format!(
            "DELETE FROM expunged WHERE expunged_at = ?1 AND mailbox = ?2 AND uid = ?3 AND account = ?4
             RETURNING {}",
            recovery::RECORD_COLUMNS
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let given = params![key.expunged_at.0, key.mailbox.0 as i64, key.uid.value(), account.0 as i64];
        let mut rows = statement.query_and_then(given, convert::message_record)?;
        rows.next().transpose()
    }

    /// The mailbox that a message goes back to; made if need be.
    fn home(&mut self, to: AccountId, was_in: MailboxId) -> Result<MailboxId, Fault> {
        if let Some(there) = mail::mailbox_by_id(self.connection, to, was_in)? {
            return Ok(there.id);
        }
        let Some((name, special_use)) = self.former_mailbox(was_in)? else { return self.inbox(to) };
        if let Some(there) = mail::mailbox(self.connection, to, &name)? {
            return Ok(there.id);
        }
        let special_use = match special_use {
            Some(wanted) if self.has_use(to, wanted)? => None,
            special_use => special_use,
        };
        match self.create_mailbox(to, &name, special_use) {
            Ok(MailboxRecord { id, .. }) => Ok(id),
            Err(Fault(StorageError::Limit { .. })) => self.inbox(to),
            Err(fault) => Err(fault),
        }
    }

    fn former_mailbox(&self, id: MailboxId) -> Result<Option<(MailboxName, Option<SpecialUse>)>, Fault> {
        let sql = "SELECT name, special_use FROM former_mailbox WHERE id = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![id.0 as i64])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let name = convert::mailbox_name(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?;
        Ok(Some((name, convert::special_use(row.get_ref(1)?.as_str_or_null().map_err(rusqlite::Error::from)?)?)))
    }

    fn has_use(&self, account: AccountId, special_use: SpecialUse) -> Result<bool, Fault> {
        let sql = "SELECT 1 FROM mailbox WHERE account = ?1 AND special_use = ?2";
        let given = params![account.0 as i64, convert::special_use_column(Some(special_use))];
        Ok(self.connection.prepare_cached(sql)?.exists(given)?)
    }

    fn inbox(&self, account: AccountId) -> Result<MailboxId, Fault> {
        let inbox = mail::mailbox(self.connection, account, &MailboxName::inbox())?;
        Ok(inbox.ok_or(StorageError::NotFound(Named::Mailbox))?.id)
    }

    /// Forgets up to `limit` messages that were expunged before `before`. Returns how many.
    pub(crate) fn forget_expunged(&mut self, before: UnixMillis, limit: usize) -> Result<u64, Fault> {
        let sql = "DELETE FROM expunged WHERE (expunged_at, mailbox, uid) IN (SELECT expunged_at, mailbox, uid
                   FROM expunged WHERE expunged_at < ?1 ORDER BY expunged_at, mailbox, uid LIMIT ?2) RETURNING body";
        let count = self.release_returned(sql, params![before.0, limit as i64])?;
        if count == 0 {
            // Their messages have gone before them, but for those that are still to be taken out.
            let sql = "DELETE FROM former_mailbox WHERE id IN (SELECT id FROM former_mailbox WHERE deleted_at < ?1
                       AND id NOT IN (SELECT mailbox FROM doomed) LIMIT ?2)";
            self.connection.prepare_cached(sql)?.execute(params![before.0, FORMER_STEP])?;
            let sql = "DELETE FROM former_account WHERE id IN
                       (SELECT id FROM former_account WHERE removed_at < ?1 LIMIT ?2)";
            self.connection.prepare_cached(sql)?.execute(params![before.0, FORMER_STEP])?;
        }
        Ok(count)
    }

    /// Forgets up to `limit` messages that an account lost. Returns how many.
    pub(crate) fn forget_expunged_of(&mut self, account: AccountId, limit: usize) -> Result<u64, Fault> {
        let sql = "DELETE FROM expunged WHERE (expunged_at, mailbox, uid) IN (SELECT expunged_at, mailbox, uid
                   FROM expunged WHERE account = ?1 LIMIT ?2) RETURNING body";
        let count = self.release_returned(sql, params![account.0 as i64, limit as i64])?;
        if count == 0 {
            let sql = "DELETE FROM former_account WHERE id = ?1";
            self.connection.prepare_cached(sql)?.execute(params![account.0 as i64])?;
        }
        Ok(count)
    }

    /// Runs a statement that returns bodies, and releases each. Returns how many.
    fn release_returned(&mut self, sql: &str, given: &[&dyn rusqlite::ToSql]) -> Result<u64, Fault> {
        let bodies: Vec<i64> =
            self.connection.prepare_cached(sql)?.query_map(given, |row| row.get(0))?.collect::<Result<_, _>>()?;
        for &body in &bodies {
            self.release(BodyKey(body as u64))?;
        }
        Ok(bodies.len() as u64)
    }
}
