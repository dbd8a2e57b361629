//! Going through the messages of a mailbox, batch by batch.

use posthouse_model::flag::FlagChange;
use posthouse_model::{Flags, ModSeq, Right, SystemFlag, Uid, UidSet};
use posthouse_storage::MessageRecord;

use crate::{Mailbox, MailboxError};

/// A walk through some messages of a mailbox, rising. What is expunged on the way is passed over.
#[derive(Debug)]
pub struct Rows {
    uids: UidSet,
    changed_since: Option<ModSeq>,
    next: Option<Uid>,
}

/// How much a batch may hold.
#[derive(Clone, Copy, Debug)]
pub struct BatchBound {
    /// Messages.
    pub messages: usize,
    /// Octets of them together; one message may pass it.
    pub size_bytes: u64,
}

impl Rows {
    /// Messages of `uids`, with `changed_since` only those changed after it.
    pub fn new(uids: UidSet, changed_since: Option<ModSeq>) -> Self {
        Self { uids, changed_since, next: Some(Uid::MIN) }
    }
}

impl Mailbox {
    /// The next messages of the walk; none when it is over.
    pub fn next_rows(&self, rows: &mut Rows, bound: BatchBound) -> Vec<MessageRecord> {
        let mut batch = Vec::new();
        let Some(from) = rows.next else { return batch };
        let mut size = 0;
        let sight = self.sight();
        for range in rows.uids.ranges() {
            let Some(start) = Uid::new(from.value().max(*range.start())) else { continue };
            if start.value() > *range.end() {
                continue;
            }
            for record in sight.state.records.iter_from(start).take_while(|record| record.uid.value() <= *range.end()) {
                if rows.changed_since.is_some_and(|since| sight.modseq_of(record) <= since) {
                    continue;
                }
                if batch.len() >= bound.messages || (size > 0 && size + record.size_bytes > bound.size_bytes) {
                    rows.next = Some(record.uid);
                    return batch;
                }
                size += record.size_bytes;
                batch.push(sight.record(record));
            }
        }
        rows.next = None;
        batch
    }

    /// Which of `uids` are gone.
    pub fn missing(&self, uids: &UidSet) -> UidSet {
        uids.difference(&self.followed.read().uids)
    }

    /// Which of `uids` went after `since`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn vanished_since(&self, uids: &UidSet, since: ModSeq) -> Result<UidSet, MailboxError> {
        self.rights().await?;
        let logged = self.followed.read().changes_since(since);
        let vanished = match logged {
            Some(logged) => logged.vanished,
            None => {
                let changes = self.store.changes(self.owner(), self.id(), since).await;
                changes.map_err(MailboxError::of_open_mailbox)?.vanished
            }
        };
        Ok(vanished.intersection(uids))
    }

    /// Sets \Seen on those of `records` that lack it and brings `records` up to date; tells which they were. Does
    /// nothing in a mailbox that is open for reading only, or where the user may not (RFC 4314 §4, FETCH).
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn mark_seen(&self, records: &mut [MessageRecord]) -> Result<UidSet, MailboxError> {
        let unseen: UidSet =
            records.iter().filter(|record| !record.flags.has(SystemFlag::Seen)).map(|record| record.uid).collect();
        if self.is_read_only() || unseen.is_empty() || !self.rights().await?.has(Right::Seen) {
            return Ok(UidSet::new());
        }
        let outcome =
            self.store_flags(&unseen, FlagChange::Add, &Flags::from_bits(SystemFlag::Seen as u8), None).await?;
        for (uid, flags, modseq) in outcome.rows {
            if let Ok(at) = records.binary_search_by_key(&uid, |record| record.uid) {
                records[at].flags = flags;
                records[at].modseq = modseq;
            }
        }
        Ok(unseen)
    }
}
