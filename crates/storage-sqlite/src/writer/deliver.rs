//! A message comes in.

use posthouse_model::{AccountId, MessageId, ModSeq, SystemFlag};
use posthouse_storage::{
    BodyKey, Delivered, Delivery, MailboxDelta, MessageRecord, Named, Placed, Placement, StorageError,
};
use rusqlite::{OptionalExtension, params};

use super::work::Work;
use crate::convert;
use crate::fault::Fault;

/// What the placements of one delivery in one account share.
struct Share {
    account: AccountId,
    message: MessageId,
    modseq: ModSeq,
}

impl Work<'_> {
    /// Stores a message, and all that is to become of it.
    pub(crate) fn deliver(&mut self, delivery: &Delivery) -> Result<Delivered, Fault> {
        let queue = delivery.queue.as_ref().filter(|queue| !queue.recipients.is_empty());
        let references = delivery.placements.len() as i64 + i64::from(queue.is_some());
        let body = self.refer_to(&delivery.body, &delivery.parsed, references)?;
        let mut shares: Vec<Share> = Vec::new();
        let mut placed = Vec::with_capacity(delivery.placements.len());
        for placement in &delivery.placements {
            let account = placement.account;
            let known = shares.iter().position(|share| share.account == account);
            let at = match known {
                Some(at) => at,
                None => {
                    let message = MessageId(self.numbers.message() as u64);
                    shares.push(Share { account, message, modseq: self.next_modseq(account)? });
                    shares.len() - 1
                }
            };
            placed.push(self.place(placement, &shares[at], body, delivery.body.size_bytes)?);
        }
        if let Some(queue) = queue {
            self.enqueue(queue, body)?;
        }
        self.write_trail(&delivery.trail)?;
        Ok(Delivered { body, placed })
    }

    fn place(&mut self, placement: &Placement, share: &Share, body: BodyKey, size_bytes: u64) -> Result<Placed, Fault> {
        let record = MessageRecord {
            // Replaced by the mailbox's next one.
            uid: posthouse_model::Uid::MIN,
            modseq: share.modseq,
            flags: placement.flags.clone(),
            size_bytes,
            internal_date: placement.internal_date,
            saved_at: self.now,
            message: share.message,
            body,
        };
        let mut records = vec![record];
        let mailbox = placement.mailbox;
        let uid_validity = self.add_messages(share.account, mailbox, share.modseq, &mut records)?;
        let (uid, modseq) = (records[0].uid, share.modseq);
        self.tell(share.account, mailbox, modseq, MailboxDelta::Added(records));
        Ok(Placed { mailbox, uid_validity, uid, modseq, message: share.message })
    }

    /// Puts messages into a mailbox, in order, and gives each its UID. References to bodies are the caller's.
    pub(super) fn add_messages(
        &mut self,
        account: AccountId,
        mailbox: posthouse_model::MailboxId,
        modseq: ModSeq,
        records: &mut [MessageRecord],
    ) -> Result<posthouse_model::UidValidity, Fault> {
        let count = records.len() as i64;
        let with = |flag| records.iter().filter(|record| record.flags.has(flag)).count() as i64;
        let (unseen, deleted) = (count - with(SystemFlag::Seen), with(SystemFlag::Deleted));
        let size_bytes: u64 = records.iter().map(|record| record.size_bytes).sum();
        // The last UID there can be is never given, so that uid_next can always be told.
        let sql = "UPDATE mailbox SET uid_next = uid_next + ?3, highest_modseq = ?4, messages = messages + ?3,
                   unseen = unseen + ?5, deleted = deleted + ?6, size_bytes = size_bytes + ?7
                   WHERE id = ?1 AND account = ?2 RETURNING uid_next - ?3, uid_validity";
        let (first, uid_validity): (i64, i64) = self
            .connection
            .prepare_cached(sql)?
            .query_row(
                params![mailbox.0 as i64, account.0 as i64, count, modseq.0 as i64, unseen, deleted, size_bytes as i64],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()?
            .ok_or(StorageError::NotFound(Named::Mailbox))?;
        if first + count > i64::from(u32::MAX) {
            return Err(StorageError::Limit { what: "UIDs of one mailbox", limit: u64::from(u32::MAX) - 1 }.into());
        }
        self.note_usage(account, size_bytes as i64, count);
        let sql = "INSERT INTO message (mailbox, uid, modseq, flags, keywords, size_bytes, internal_date, saved_at,
                   message, body, arrived_modseq) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?3)";
        let mut statement = self.connection.prepare_cached(sql)?;
        for (record, uid) in records.iter_mut().zip(first..) {
            record.uid = convert::uid(uid)?;
            statement.execute(params![
                mailbox.0 as i64,
                uid,
                record.modseq.0 as i64,
                record.flags.bits(),
                convert::keywords_column(&record.flags),
                record.size_bytes as i64,
                record.internal_date.0,
                record.saved_at.0,
                record.message.0 as i64,
                record.body.0 as i64
            ])?;
        }
        convert::uid_validity(uid_validity)
    }
}
