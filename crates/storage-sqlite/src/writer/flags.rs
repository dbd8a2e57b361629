//! STORE.

use posthouse_model::{AccountId, FlagScope, Flags, MailboxId, ModSeq, SystemFlag, Uid};
use posthouse_storage::{FlagsStored, FlagsWanted, MailboxDelta, Named, StorageError};
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
        let mut different: Vec<(Uid, Flags)> = Vec::new();
        let (mut unseen, mut deleted) = (0i64, 0i64);
        mail::each_flags(self.connection, mailbox, &wanted.uids, |uid, modseq, old| {
            if wanted.unchanged_since.is_some_and(|since| modseq > since) {
                stored.modified.insert(uid);
                return;
            }
            let flags = scope.apply(wanted.change, &old, &wanted.flags);
            if flags != old {
                unseen -= change_of(SystemFlag::Seen, &old, &flags);
                deleted += change_of(SystemFlag::Deleted, &old, &flags);
                different.push((uid, flags));
                stored.before.push(modseq);
            }
        })?;
        if different.is_empty() {
            return Ok(stored);
        }
        let modseq = match modseq {
            Some(modseq) => modseq,
            None => self.next_modseq(account)?,
        };
        // Messages that follow one another and come to have the same flags are changed at once.
        let sql = "UPDATE message SET modseq = ?4, flags = ?5, keywords = ?6
                   WHERE mailbox = ?1 AND uid BETWEEN ?2 AND ?3";
        let mut statement = self.connection.prepare_cached(sql)?;
        let follows =
            |(uid, flags): &(Uid, Flags), (next, more): &(Uid, Flags)| next.value() == uid.value() + 1 && flags == more;
        for alike in different.chunk_by(follows) {
            let ((first, flags), (last, _)) = (&alike[0], &alike[alike.len() - 1]);
            statement.execute(params![
                mailbox.0 as i64,
                first.value(),
                last.value(),
                modseq.0 as i64,
                flags.bits(),
                convert::keywords_column(flags)
            ])?;
        }
        drop(statement);
        stored.changed = different.into_iter().map(|(uid, flags)| (uid, flags, modseq)).collect();
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
