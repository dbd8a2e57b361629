//! STORE.

use posthouse_model::{AccountId, FlagScope, Flags, MailboxId, ModSeq, SystemFlag};
use posthouse_storage::{FlagsStored, FlagsWanted, MailboxDelta, MessageRecord, Named, StorageError};
use rusqlite::params;

use super::work::Work;
use crate::convert;
use crate::fault::Fault;
use crate::reader::mail;

impl Work<'_> {
    /// Changes flags. Messages that have the flags already keep their modification sequence.
    pub(crate) fn store_flags(
        &mut self,
        account: AccountId,
        mailbox: MailboxId,
        wanted: &FlagsWanted,
    ) -> Result<FlagsStored, Fault> {
        self.store_flags_within(account, mailbox, wanted, FlagScope::ALL, None)
    }

    /// Likewise, as far as `scope` reaches, and at the modification sequence that is given.
    pub(super) fn store_flags_within(
        &mut self,
        account: AccountId,
        mailbox: MailboxId,
        wanted: &FlagsWanted,
        scope: FlagScope,
        modseq: Option<ModSeq>,
    ) -> Result<FlagsStored, Fault> {
        self.expect_mailbox(account, mailbox)?;
        let mut stored = FlagsStored::default();
        let mut different: Vec<(MessageRecord, Flags)> = Vec::new();
        mail::each_message(self.connection, mailbox, &wanted.uids, |record| {
            if wanted.unchanged_since.is_some_and(|since| record.modseq > since) {
                stored.modified.insert(record.uid);
                return;
            }
            let flags = scope.apply(wanted.change, &record.flags, &wanted.flags);
            if flags != record.flags {
                different.push((record, flags));
            }
        })?;
        if different.is_empty() {
            return Ok(stored);
        }
        let modseq = match modseq {
            Some(modseq) => modseq,
            None => self.next_modseq(account)?,
        };
        let sql = "UPDATE message SET modseq = ?3, flags = ?4, keywords = ?5 WHERE mailbox = ?1 AND uid = ?2";
        let (mut unseen, mut deleted) = (0i64, 0i64);
        let mut statement = self.connection.prepare_cached(sql)?;
        for (record, flags) in different {
            unseen -= change_of(SystemFlag::Seen, &record.flags, &flags);
            deleted += change_of(SystemFlag::Deleted, &record.flags, &flags);
            statement.execute(params![
                mailbox.0 as i64,
                record.uid.value(),
                modseq.0 as i64,
                flags.bits(),
                convert::keywords_column(&flags)
            ])?;
            stored.changed.push((record.uid, flags, modseq));
            stored.before.push(record.modseq);
        }
        drop(statement);
        self.count(mailbox, modseq, [0, unseen, deleted, 0])?;
        self.tell(account, mailbox, modseq, MailboxDelta::Flags(stored.changed.clone()));
        Ok(stored)
    }

    /// Adds to a mailbox's counters: messages, unseen, deleted, octets.
    pub(super) fn count(
        &mut self,
        mailbox: MailboxId,
        modseq: ModSeq,
        [messages, unseen, deleted, octets]: [i64; 4],
    ) -> Result<(), Fault> {
        let sql = "UPDATE mailbox SET highest_modseq = ?2, messages = messages + ?3, unseen = unseen + ?4,
                   deleted = deleted + ?5, size_bytes = size_bytes + ?6 WHERE id = ?1";
        self.connection.prepare_cached(sql)?.execute(params![
            mailbox.0 as i64,
            modseq.0 as i64,
            messages,
            unseen,
            deleted,
            octets
        ])?;
        Ok(())
    }

    /// Fails unless the account has this mailbox.
    pub(super) fn expect_mailbox(&self, account: AccountId, mailbox: MailboxId) -> Result<(), Fault> {
        let sql = "SELECT 1 FROM mailbox WHERE id = ?1 AND account = ?2";
        if !self.connection.prepare_cached(sql)?.exists(params![mailbox.0 as i64, account.0 as i64])? {
            return Err(StorageError::NotFound(Named::Mailbox).into());
        }
        Ok(())
    }
}

/// 1 when `flag` is set in the new flags only, -1 when it was set in the old only, else 0.
fn change_of(flag: SystemFlag, old: &Flags, new: &Flags) -> i64 {
    i64::from(new.has(flag)) - i64::from(old.has(flag))
}
