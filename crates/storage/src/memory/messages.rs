//! What happens to messages: each method checks all it needs before it changes anything.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use posthouse_model::{AccountId, MailboxId, ModSeq, SystemFlag, Uid, UidSet, UnixMillis};

use super::State;
use crate::error::StorageError;
use crate::mail::{CopiedUids, Delivered, Delivery, FlagsStored, FlagsWanted, MessageRecord, Placed};
use crate::observe::{MailboxChange, MailboxDelta};

/// The time of SAVEDATE, which no caller brings.
pub(super) fn saved_now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

impl State {
    /// Whether all that a delivery names is there.
    pub(super) fn check_delivery(&self, delivery: &Delivery) -> Result<(), StorageError> {
        for placement in &delivery.placements {
            let shelf = self.mail.shelf(placement.account, placement.mailbox)?;
            shelf.check_room(delivery.placements.len())?;
        }
        Ok(())
    }

    /// Carries out a delivery that has been checked, and notes down for the observers what it changed.
    pub(super) fn deliver(&mut self, delivery: Delivery, octets: Bytes, changes: &mut Vec<MailboxChange>) -> Delivered {
        let size_bytes = octets.len() as u64;
        let queued = delivery.queue.as_ref().map_or(0, |submission| submission.recipients.len());
        let references = (delivery.placements.len() + queued) as u64;
        let body = self.bodies.keep(delivery.body.id, octets, delivery.parsed, references);
        let mut placed = Vec::with_capacity(delivery.placements.len());
        let mut messages = BTreeMap::new();
        for placement in delivery.placements {
            let (account, mailbox) = (placement.account, placement.mailbox);
            let message = *messages.entry(account).or_insert_with(|| self.mail.next_message());
            let modseq = self.mail.next_modseq(account);
            let Ok(shelf) = self.mail.shelf_mut(account, mailbox) else { continue };
            let record = shelf.add(MessageRecord {
                uid: Uid::MIN,
                modseq,
                flags: placement.flags,
                size_bytes,
                internal_date: placement.internal_date,
                saved_at: saved_now(),
                message,
                body,
            });
            let uid_validity = shelf.record.uid_validity;
            placed.push(Placed { mailbox, uid_validity, uid: record.uid, modseq, message });
            changes.push(MailboxChange { account, mailbox, modseq, delta: MailboxDelta::Added(vec![record]) });
        }
        if let Some(submission) = delivery.queue {
            self.queue.submit(submission, body);
        }
        self.trail.record(delivery.trail);
        Delivered { body, placed }
    }

    pub(super) fn store_flags(
        &mut self,
        account: AccountId,
        mailbox: MailboxId,
        wanted: &FlagsWanted,
    ) -> Result<FlagsStored, StorageError> {
        let shelf = self.mail.shelf(account, mailbox)?;
        let mut stored = FlagsStored::default();
        for uid in shelf.present(&wanted.uids) {
            let message = &shelf.messages[&uid];
            if wanted.unchanged_since.is_some_and(|since| message.modseq > since) {
                stored.modified.insert(uid);
                continue;
            }
            let flags = wanted.change.apply(&message.flags, &wanted.flags);
            if flags != message.flags {
                stored.changed.push((uid, flags, ModSeq(0)));
                stored.before.push(message.modseq);
            }
        }
        if stored.changed.is_empty() {
            return Ok(stored);
        }
        let next = self.mail.next_modseq(account);
        let shelf = self.mail.shelf_mut(account, mailbox)?;
        for (uid, flags, modseq) in &mut stored.changed {
            *modseq = next;
            shelf.set_flags(*uid, flags, next);
        }
        let delta = MailboxDelta::Flags(stored.changed.clone());
        self.announce(&[MailboxChange { account, mailbox, modseq: next, delta }]);
        Ok(stored)
    }

    pub(super) fn copy(
        &mut self,
        account: AccountId,
        from: MailboxId,
        uids: &UidSet,
        to: MailboxId,
    ) -> Result<CopiedUids, StorageError> {
        let source = self.mail.shelf(account, from)?;
        self.mail.shelf(account, to)?;
        let growth: Vec<_> =
            source.present(uids).into_iter().map(|uid| (account, source.messages[&uid].size_bytes)).collect();
        self.check_growth(&growth)?;
        let (copied, change) = self.put_copies(account, from, uids, to)?;
        if let Some(change) = change {
            self.announce(&[change]);
        }
        Ok(copied)
    }

    pub(super) fn move_messages(
        &mut self,
        account: AccountId,
        from: MailboxId,
        uids: &UidSet,
        to: MailboxId,
    ) -> Result<CopiedUids, StorageError> {
        let (copied, change) = self.put_copies(account, from, uids, to)?;
        let Some(added) = change else { return Ok(copied) };
        let old = copied.pairs.iter().map(|(old, _)| *old).collect();
        let vanished = self.take_out(account, from, old)?;
        self.announce(&[added, vanished]);
        Ok(copied)
    }

    /// Puts copies into `to`, each a further reference to its body.
    fn put_copies(
        &mut self,
        account: AccountId,
        from: MailboxId,
        uids: &UidSet,
        to: MailboxId,
    ) -> Result<(CopiedUids, Option<MailboxChange>), StorageError> {
        let source = self.mail.shelf(account, from)?;
        let originals: Vec<_> = source.present(uids).into_iter().map(|uid| source.messages[&uid].clone()).collect();
        let target = self.mail.shelf(account, to)?;
        target.check_room(originals.len())?;
        let mut copied = CopiedUids { uid_validity: target.record.uid_validity, pairs: Vec::new() };
        if originals.is_empty() {
            return Ok((copied, None));
        }
        let modseq = self.mail.next_modseq(account);
        let saved_at = saved_now();
        let target = self.mail.shelf_mut(account, to)?;
        let mut added = Vec::with_capacity(originals.len());
        for original in originals {
            let old = original.uid;
            let copy = target.add(MessageRecord { modseq, saved_at, ..original });
            self.bodies.refer(copy.body, 1);
            copied.pairs.push((old, copy.uid));
            added.push(copy);
        }
        Ok((copied, Some(MailboxChange { account, mailbox: to, modseq, delta: MailboxDelta::Added(added) })))
    }

    /// Takes messages that are there out of a mailbox, at a modification sequence of its own.
    pub(super) fn take_out(
        &mut self,
        account: AccountId,
        mailbox: MailboxId,
        uids: UidSet,
    ) -> Result<MailboxChange, StorageError> {
        let modseq = self.mail.next_modseq(account);
        for message in self.mail.shelf_mut(account, mailbox)?.remove(&uids, modseq) {
            self.bodies.release(message.body);
        }
        self.seen.forget(mailbox, &uids);
        Ok(MailboxChange { account, mailbox, modseq, delta: MailboxDelta::Vanished(uids) })
    }

    pub(super) fn expunge(
        &mut self,
        account: AccountId,
        mailbox: MailboxId,
        uids: &UidSet,
        only_deleted: bool,
    ) -> Result<UidSet, StorageError> {
        let shelf = self.mail.shelf(account, mailbox)?;
        let goes = |uid: &Uid| !only_deleted || shelf.messages[uid].flags.has(SystemFlag::Deleted);
        let going: UidSet = shelf.present(uids).into_iter().filter(goes).collect();
        if !going.is_empty() {
            self.remember_expunged(account, mailbox, &going);
            let change = self.take_out(account, mailbox, going.clone())?;
            self.announce(&[change]);
        }
        Ok(going)
    }
}
