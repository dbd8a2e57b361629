//! EXPUNGE.

use posthouse_model::{AccountId, MailboxId, ModSeq, SystemFlag, UidSet};
use posthouse_storage::{MailboxDelta, MessageRecord};
use rusqlite::params;

use super::work::Work;
use crate::fault::Fault;
use crate::reader::mail;

impl Work<'_> {
    /// Removes those of `uids` that are there, and with `only_deleted` those of them that have \Deleted.
    pub(crate) fn expunge(
        &mut self,
        account: AccountId,
        mailbox: MailboxId,
        uids: &UidSet,
        only_deleted: bool,
    ) -> Result<UidSet, Fault> {
        let records = self.going(account, mailbox, uids, only_deleted)?;
        if records.is_empty() {
            return Ok(UidSet::new());
        }
        let modseq = self.next_modseq(account)?;
        self.let_go(account, mailbox, &records)?;
        self.take_out(account, mailbox, modseq, &records)
    }

    /// Removes those of `uids` that are there, which are elsewhere now, so that nothing is kept to be put back.
    pub(super) fn expunge_moved(
        &mut self,
        account: AccountId,
        mailbox: MailboxId,
        uids: &UidSet,
    ) -> Result<UidSet, Fault> {
        let records = self.going(account, mailbox, uids, false)?;
        if records.is_empty() {
            return Ok(UidSet::new());
        }
        let modseq = self.next_modseq(account)?;
        records.iter().try_for_each(|record| self.release(record.body))?;
        self.take_out(account, mailbox, modseq, &records)
    }

    fn going(
        &self,
        account: AccountId,
        mailbox: MailboxId,
        uids: &UidSet,
        only_deleted: bool,
    ) -> Result<Vec<MessageRecord>, Fault> {
        self.expect_mailbox(account, mailbox)?;
        let mut records = Vec::new();
        mail::each_message(self.connection, mailbox, uids, |record| {
            if !only_deleted || record.flags.has(SystemFlag::Deleted) {
                records.push(record);
            }
        })?;
        Ok(records)
    }

    /// Takes messages out of a mailbox, which remembers their UIDs. References to bodies are the caller's.
    pub(super) fn take_out(
        &mut self,
        account: AccountId,
        mailbox: MailboxId,
        modseq: ModSeq,
        records: &[MessageRecord],
    ) -> Result<UidSet, Fault> {
        let mut statement = self.connection.prepare_cached("DELETE FROM message WHERE mailbox = ?1 AND uid = ?2")?;
        for record in records {
            statement.execute(params![mailbox.0 as i64, record.uid.value()])?;
        }
        drop(statement);
        let gone: UidSet = records.iter().map(|record| record.uid).collect();
        let sql = "INSERT INTO vanished (mailbox, modseq, first_uid, last_uid) VALUES (?1, ?2, ?3, ?4)";
        let mut statement = self.connection.prepare_cached(sql)?;
        for range in gone.ranges() {
            statement.execute(params![mailbox.0 as i64, modseq.0 as i64, range.start(), range.end()])?;
        }
        drop(statement);
        self.forget_seen(mailbox, &gone)?;
        let with = |flag| records.iter().filter(|record| record.flags.has(flag)).count() as i64;
        let count = records.len() as i64;
        let size_bytes: u64 = records.iter().map(|record| record.size_bytes).sum();
        let (unseen, deleted) = (count - with(SystemFlag::Seen), with(SystemFlag::Deleted));
        self.note_usage(account, -(size_bytes as i64), -count);
        self.count(mailbox, modseq, [-count, -unseen, -deleted, -(size_bytes as i64)])?;
        self.tell(account, mailbox, modseq, MailboxDelta::Vanished(gone.clone()));
        Ok(gone)
    }
}
