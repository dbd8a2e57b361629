//! STORE by others than the owner, and what becomes of their \Seen.

use posthouse_model::{AccountId, FlagScope, Flags, MailboxId, ModSeq, SystemFlag, UidSet};
use posthouse_storage::seen_by::with_seen;
use posthouse_storage::{FlagsStored, FlagsWanted, MailboxDelta, MessageRecord, SeenRow};
use rusqlite::params;

use super::work::Work;
use crate::fault::Fault;
use crate::reader::{mail, seen_by};

impl Work<'_> {
    /// Messages as a reader sees them.
    pub(super) fn records_seen_by(
        &self,
        (owner, mailbox): (AccountId, MailboxId),
        by: AccountId,
        uids: &UidSet,
    ) -> Result<Vec<MessageRecord>, Fault> {
        let mut records = Vec::new();
        mail::each_message(self.connection, mailbox, uids, |record| records.push(record))?;
        if by != owner {
            let rows = seen_by::rows(self.connection, mailbox, by, uids)?;
            for record in &mut records {
                let row = seen_by::row_of(&rows, record.uid);
                record.flags = with_seen(std::mem::take(&mut record.flags), row.is_some_and(|row| row.seen));
                record.modseq = record.modseq.max(row.map_or(ModSeq(0), |row| row.modseq));
            }
        }
        Ok(records)
    }

    /// Changes flags as a reader sees them, as far as `scope` reaches.
    pub(crate) fn store_flags_by(
        &mut self,
        (owner, mailbox): (AccountId, MailboxId),
        by: AccountId,
        wanted: &FlagsWanted,
        scope: FlagScope,
    ) -> Result<FlagsStored, Fault> {
        self.expect_mailbox(owner, mailbox)?;
        let mut stored = FlagsStored::default();
        let mut different: Vec<(MessageRecord, Flags)> = Vec::new();
        for record in self.records_seen_by((owner, mailbox), by, &wanted.uids)? {
            if wanted.unchanged_since.is_some_and(|since| record.modseq > since) {
                stored.modified.insert(record.uid);
                continue;
            }
            let flags = scope.apply(wanted.change, &record.flags, &wanted.flags);
            if flags != record.flags {
                different.push((record, flags));
            }
        }
        if different.is_empty() {
            return Ok(stored);
        }
        let modseq = self.next_modseq(owner)?;
        let (mut shared, mut seen) = (UidSet::new(), Vec::new());
        for (record, flags) in different {
            let is_seen = flags.has(SystemFlag::Seen);
            if record.flags.has(SystemFlag::Seen) != is_seen {
                seen.push(SeenRow { uid: record.uid, seen: is_seen, modseq });
            }
            stored.before.push(record.modseq);
            if with_seen(record.flags, is_seen) != flags {
                shared.insert(record.uid);
            }
            stored.changed.push((record.uid, flags, modseq));
        }
        if !shared.is_empty() {
            // The owner's own \Seen is none of the reader's business.
            let scope = FlagScope { seen: false, ..scope };
            let wanted = FlagsWanted { uids: shared, unchanged_since: None, ..wanted.clone() };
            self.store_flags_within(owner, mailbox, &wanted, scope, Some(modseq))?;
        }
        self.put_seen((owner, mailbox), by, &seen)?;
        Ok(stored)
    }

    /// Notes what a reader thinks of messages now, all of them otherwise than before.
    pub(super) fn put_seen(
        &mut self,
        (owner, mailbox): (AccountId, MailboxId),
        by: AccountId,
        rows: &[SeenRow],
    ) -> Result<(), Fault> {
        let Some(modseq) = rows.iter().map(|row| row.modseq).max() else { return Ok(()) };
        let sql = "INSERT INTO seen_by (mailbox, account, uid, seen, modseq) VALUES (?1, ?2, ?3, ?4, ?5)
                   ON CONFLICT DO UPDATE SET seen = ?4, modseq = ?5";
        let mut statement = self.connection.prepare_cached(sql)?;
        for row in rows {
            let columns = params![mailbox.0 as i64, by.0 as i64, row.uid.value(), row.seen, row.modseq.0 as i64];
            statement.execute(columns)?;
        }
        drop(statement);
        let more: i64 = rows.iter().map(|row| if row.seen { 1 } else { -1 }).sum();
        let sql = "INSERT INTO reader (mailbox, account, seen, highest_modseq) VALUES (?1, ?2, ?3, ?4)
                   ON CONFLICT DO UPDATE SET seen = seen + ?3, highest_modseq = ?4";
        let columns = params![mailbox.0 as i64, by.0 as i64, more, modseq.0 as i64];
        self.connection.prepare_cached(sql)?.execute(columns)?;
        self.tell(owner, mailbox, modseq, MailboxDelta::Seen { by, rows: rows.to_vec() });
        Ok(())
    }

    /// Messages are gone, and with them what readers thought of them. In a mailbox that only its owner reads this asks
    /// once whether anybody does.
    pub(super) fn forget_seen(&mut self, mailbox: MailboxId, uids: &UidSet) -> Result<(), Fault> {
        let readers: Vec<i64> = self
            .connection
            .prepare_cached("SELECT account FROM reader WHERE mailbox = ?1")?
            .query_map(params![mailbox.0 as i64], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let sql = "DELETE FROM seen_by WHERE mailbox = ?1 AND account = ?2 AND uid BETWEEN ?3 AND ?4 RETURNING seen";
        for reader in readers {
            let mut seen = 0;
            let mut statement = self.connection.prepare_cached(sql)?;
            for range in uids.ranges() {
                let mut rows = statement.query(params![mailbox.0 as i64, reader, range.start(), range.end()])?;
                while let Some(row) = rows.next()? {
                    seen += row.get::<_, i64>(0)?;
                }
            }
            let sql = "UPDATE reader SET seen = seen - ?3 WHERE mailbox = ?1 AND account = ?2";
            self.connection.prepare_cached(sql)?.execute(params![mailbox.0 as i64, reader, seen])?;
        }
        Ok(())
    }

    /// An account is no more, and what it thought of the mailboxes of others goes.
    pub(super) fn forget_reader(&mut self, account: AccountId) -> Result<(), Fault> {
        let sql =
            "DELETE FROM seen_by WHERE account = ?1 AND mailbox IN (SELECT mailbox FROM reader WHERE account = ?1)";
        self.connection.prepare_cached(sql)?.execute(params![account.0 as i64])?;
        self.connection.prepare_cached("DELETE FROM reader WHERE account = ?1")?.execute(params![account.0 as i64])?;
        Ok(())
    }

    /// Takes up to `limit` rows about a deleted mailbox out. False when none is left.
    pub(super) fn reap_seen(&mut self, mailbox: i64, limit: usize) -> Result<bool, Fault> {
        let sql = "DELETE FROM seen_by WHERE mailbox = ?1 AND (account, uid) IN
                   (SELECT account, uid FROM seen_by WHERE mailbox = ?1 LIMIT ?2)";
        if self.connection.prepare_cached(sql)?.execute(params![mailbox, limit as i64])? > 0 {
            return Ok(true);
        }
        self.connection.prepare_cached("DELETE FROM reader WHERE mailbox = ?1")?.execute(params![mailbox])?;
        Ok(false)
    }
}
