//! Sorting messages (RFC 5256).
//!
//! What is compared was worked out at delivery and is read in batches, in step with the mailbox; the keys of all
//! messages lie in one stretch of memory, and are sorted on a thread that may take its time.

pub(crate) mod keys;
mod order;
mod room;

use bytes::Bytes;
use posthouse_mime::{Structure, Summary};
use posthouse_model::sort::SortCriterion;
use posthouse_model::{Uid, UidSet};
use posthouse_storage::{BodySlice, MessageRecord, Named, StorageError};

use self::keys::{SortKeys, sort_keys};
use self::order::Order;
pub(crate) use self::order::sent_seconds;
pub(crate) use self::room::SortRoom;
use crate::content::decode;
use crate::fetch::{BatchBound, Rows};
use crate::{Mailbox, MailboxError, Progress};

/// Messages whose keys are read at once.
const KEYS_AT_ONCE: BatchBound = BatchBound { messages: 1_000, size_bytes: u64::MAX };
/// Messages that are sorted on the spot. More of them are sorted where nobody waits.
const MAX_SORTED_ON_THE_SPOT: usize = 2_000;

impl Mailbox {
    /// The messages of `found` that are there, in the order of the criteria, and of the mailbox where these leave it
    /// open.
    ///
    /// # Errors
    /// When the store cannot be read, or there is more to compare than memory is for.
    pub async fn sort(
        &self,
        found: &UidSet,
        criteria: &[SortCriterion],
        progress: &Progress,
    ) -> Result<Vec<Uid>, MailboxError> {
        progress.begin(found.len());
        let _room = self.sort_room.enter(found.len()).await;
        let mut order = Order::new(criteria);
        let mut rows = Rows::new(found.clone(), None);
        loop {
            let records = self.next_rows(&mut rows, KEYS_AT_ONCE);
            if records.is_empty() {
                break;
            }
            progress.add(records.len());
            if order.needs_records_only() {
                let nothing = SortKeys::read(&[]);
                for record in &records {
                    order.push(record, &nothing).map_err(|_| MailboxError::TooMuch)?;
                }
                tokio::task::yield_now().await;
                continue;
            }
            for (record, stored) in self.sort_keys_of(&records).await? {
                order.push(record, &SortKeys::read(&stored)).map_err(|_| MailboxError::TooMuch)?;
            }
        }
        let many = order.len() > MAX_SORTED_ON_THE_SPOT;
        elsewhere_if(many, move || order.sorted()).await
    }

    /// What is stored for sorting beside `records`, in the same order. Messages that others expunge meanwhile are left
    /// out.
    pub(crate) async fn sort_keys_of<'a>(
        &self,
        records: &'a [MessageRecord],
    ) -> Result<Vec<(&'a MessageRecord, Bytes)>, MailboxError> {
        let bodies: Vec<_> = records.iter().map(|record| record.body).collect();
        let stored = self.store.sort_keys(&bodies).await?;
        let mut all = Vec::with_capacity(records.len());
        for (record, stored) in records.iter().zip(stored) {
            let keys = match stored {
                Some(keys) => Some(keys),
                None => self.work_out_sort_keys(record).await?,
            };
            all.extend(keys.map(|keys| (record, keys)));
        }
        Ok(all)
    }

    /// The keys of a message that came before keys were stored; `None` if it is gone.
    async fn work_out_sort_keys(&self, record: &MessageRecord) -> Result<Option<Bytes>, MailboxError> {
        let gone = |error: StorageError| match error {
            StorageError::NotFound(Named::Body) => Ok(None),
            error => Err(MailboxError::from(error)),
        };
        let parsed = match self.store.parsed(&[record.body]).await {
            Ok(parsed) => parsed,
            Err(error) => return gone(error),
        };
        let Some(parsed) = parsed.first() else { return Ok(None) };
        let structure: Structure = decode(parsed)?;
        let range = 0..structure.root().header.end;
        match self.store.read(&[BodySlice { body: record.body, range }]).await {
            Ok(read) => {
                let header = read.into_iter().next().unwrap_or_default();
                let summary = Summary::of_header(&structure, &header);
                Ok(Some(Bytes::from(sort_keys(&structure, &summary, &header))))
            }
            Err(error) => gone(error),
        }
    }
}

/// Does work where it belongs: on the spot, or on a thread on which nobody waits.
pub(crate) async fn elsewhere_if<T: Send + 'static>(
    much: bool,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, MailboxError> {
    if much {
        // Work that panicked is our fault, and no reason to take the session down with it.
        tokio::task::spawn_blocking(work).await.map_err(|_| MailboxError::TooMuch)
    } else {
        Ok(work())
    }
}
