//! What others than the owner have seen, in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use posthouse_model::{AccountId, FlagScope, Flags, MailboxId, ModSeq, SystemFlag, Uid, UidSet};

use super::messages::saved_now;
use super::{MemoryStorage, State};
use crate::error::StorageError;
use crate::mail::{CopiedUids, FlagsStored, FlagsWanted, MessageRecord};
use crate::observe::{MailboxChange, MailboxDelta};
use crate::seen_by::{SeenBy, SeenFigures, SeenRecord, SeenRow, Transfer, with_seen};

#[derive(Default)]
pub(super) struct SeenTables {
    readers: BTreeMap<(MailboxId, AccountId), Reader>,
}

#[derive(Default)]
struct Reader {
    rows: BTreeMap<Uid, SeenRow>,
    highest_modseq: ModSeq,
}

impl SeenTables {
    fn row(&self, mailbox: MailboxId, by: AccountId, uid: Uid) -> Option<SeenRow> {
        self.readers.get(&(mailbox, by))?.rows.get(&uid).copied()
    }

    fn put(&mut self, mailbox: MailboxId, by: AccountId, rows: &[SeenRow]) {
        let reader = self.readers.entry((mailbox, by)).or_default();
        for row in rows {
            reader.rows.insert(row.uid, *row);
            reader.highest_modseq = reader.highest_modseq.max(row.modseq);
        }
    }

    /// Messages are gone.
    pub fn forget(&mut self, mailbox: MailboxId, uids: &UidSet) {
        for ((of, _), reader) in &mut self.readers {
            if *of == mailbox {
                reader.rows.retain(|uid, _| !uids.contains(*uid));
            }
        }
    }

    /// The mailbox is gone.
    pub fn forget_mailbox(&mut self, mailbox: MailboxId) {
        self.readers.retain(|(of, _), _| *of != mailbox);
    }

    /// The account is gone.
    pub fn forget_account(&mut self, account: AccountId) {
        self.readers.retain(|(_, by), _| *by != account);
    }
}

impl State {
    /// A message as a reader sees it.
    fn seen_record(
        &self,
        message: &MessageRecord,
        owner: AccountId,
        mailbox: MailboxId,
        by: AccountId,
    ) -> MessageRecord {
        if by == owner {
            return message.clone();
        }
        let row = self.seen.row(mailbox, by, message.uid);
        let flags = with_seen(message.flags.clone(), row.is_some_and(|row| row.seen));
        let modseq = message.modseq.max(row.map_or(ModSeq(0), |row| row.modseq));
        MessageRecord { flags, modseq, ..message.clone() }
    }

    fn store_flags_by(
        &mut self,
        (owner, mailbox): (AccountId, MailboxId),
        by: AccountId,
        wanted: &FlagsWanted,
        scope: FlagScope,
    ) -> Result<FlagsStored, StorageError> {
        let shelf = self.mail.shelf(owner, mailbox)?;
        let mut stored = FlagsStored::default();
        for uid in shelf.present(&wanted.uids) {
            let record = self.seen_record(&shelf.messages[&uid], owner, mailbox, by);
            if wanted.unchanged_since.is_some_and(|since| record.modseq > since) {
                stored.modified.insert(uid);
                continue;
            }
            let flags = scope.apply(wanted.change, &record.flags, &wanted.flags);
            if flags != record.flags {
                stored.changed.push((uid, flags, ModSeq(0)));
                stored.before.push(record.modseq);
            }
        }
        if stored.changed.is_empty() {
            return Ok(stored);
        }
        let modseq = self.mail.next_modseq(owner);
        let (mut shared, mut seen) = (Vec::new(), Vec::new());
        for (uid, flags, at) in &mut stored.changed {
            *at = modseq;
            let is_seen = flags.has(SystemFlag::Seen);
            if self.seen.row(mailbox, by, *uid).is_some_and(|row| row.seen) != is_seen {
                seen.push(SeenRow { uid: *uid, seen: is_seen, modseq });
            }
            let shelf = self.mail.shelf_mut(owner, mailbox)?;
            let old = &shelf.messages[uid].flags;
            let new = with_seen(flags.clone(), old.has(SystemFlag::Seen));
            if new != *old {
                shelf.set_flags(*uid, &new, modseq);
                shared.push((*uid, new, modseq));
            }
        }
        self.seen.put(mailbox, by, &seen);
        self.announce(&changes((owner, mailbox), modseq, shared, by, seen));
        Ok(stored)
    }

    fn transfer(&mut self, transfer: &Transfer) -> Result<CopiedUids, StorageError> {
        let Transfer { by, from, to, .. } = *transfer;
        let source = self.mail.shelf(from.0, from.1)?;
        let originals: Vec<_> = source
            .present(&transfer.uids)
            .into_iter()
            .map(|uid| self.seen_record(&source.messages[&uid], from.0, from.1, by))
            .collect();
        let target = self.mail.shelf(to.0, to.1)?;
        target.check_room(originals.len())?;
        let mut copied = CopiedUids { uid_validity: target.record.uid_validity, pairs: Vec::new() };
        if originals.is_empty() {
            return Ok(copied);
        }
        // What stays in the account needs no room.
        if from.0 != to.0 || !transfer.moves {
            let growth: Vec<_> = originals.iter().map(|original| (to.0, original.size_bytes)).collect();
            self.check_growth(&growth)?;
        }
        let modseq = self.mail.next_modseq(to.0);
        let saved_at = saved_now();
        let (mut added, mut seen) = (Vec::new(), Vec::new());
        for original in originals {
            let old = original.uid;
            let mut flags = transfer.scope.of(&original.flags);
            let is_seen = by != to.0 && flags.has(SystemFlag::Seen);
            if is_seen {
                flags.remove(SystemFlag::Seen);
            }
            let copy = self.mail.shelf_mut(to.0, to.1)?.add(MessageRecord { modseq, saved_at, flags, ..original });
            self.bodies.refer(copy.body, 1);
            copied.pairs.push((old, copy.uid));
            if is_seen {
                seen.push(SeenRow { uid: copy.uid, seen: true, modseq });
            }
            added.push(copy);
        }
        self.seen.put(to.1, by, &seen);
        let mut all = vec![MailboxChange { account: to.0, mailbox: to.1, modseq, delta: MailboxDelta::Added(added) }];
        all.extend(changes(to, modseq, Vec::new(), by, seen));
        if transfer.moves {
            let old = copied.pairs.iter().map(|(old, _)| *old).collect();
            all.push(self.take_out(from.0, from.1, old)?);
        }
        self.announce(&all);
        Ok(copied)
    }
}

/// What the observers are told of changed flags.
fn changes(
    (account, mailbox): (AccountId, MailboxId),
    modseq: ModSeq,
    shared: Vec<(Uid, Flags, ModSeq)>,
    by: AccountId,
    seen: Vec<SeenRow>,
) -> Vec<MailboxChange> {
    let mut changes = Vec::new();
    if !shared.is_empty() {
        changes.push(MailboxChange { account, mailbox, modseq, delta: MailboxDelta::Flags(shared) });
    }
    if !seen.is_empty() {
        changes.push(MailboxChange { account, mailbox, modseq, delta: MailboxDelta::Seen { by, rows: seen } });
    }
    changes
}

#[async_trait]
impl SeenBy for MemoryStorage {
    async fn seen_by(&self, mailbox: MailboxId, by: AccountId) -> Result<SeenRecord, StorageError> {
        let state = self.state()?;
        let Some(reader) = state.seen.readers.get(&(mailbox, by)) else { return Ok(SeenRecord::default()) };
        Ok(SeenRecord { rows: reader.rows.values().copied().collect(), highest_modseq: reader.highest_modseq })
    }

    async fn seen_figures(&self, mailbox: MailboxId, by: AccountId) -> Result<SeenFigures, StorageError> {
        let state = self.state()?;
        let Some(reader) = state.seen.readers.get(&(mailbox, by)) else { return Ok(SeenFigures::default()) };
        let seen = reader.rows.values().filter(|row| row.seen).count();
        Ok(SeenFigures { seen: u32::try_from(seen).unwrap_or(u32::MAX), highest_modseq: reader.highest_modseq })
    }

    async fn store_flags_by(
        &self,
        owner: AccountId,
        mailbox: MailboxId,
        by: AccountId,
        wanted: FlagsWanted,
        scope: FlagScope,
    ) -> Result<FlagsStored, StorageError> {
        self.state()?.store_flags_by((owner, mailbox), by, &wanted, scope)
    }

    async fn transfer(&self, transfer: Transfer) -> Result<CopiedUids, StorageError> {
        self.state()?.transfer(&transfer)
    }
}
