//! How old the oldest mail is that waits to be delivered, for the alert about it.
//!
//! What is held waits for an administrator, and what is to go later for its time: neither tells of anything that is not as
//! it should be.

use posthouse_model::{QueueId, UnixMillis};
use posthouse_storage::{QueueCounts, QueueEntry, QueueFilter, StorageError};

use crate::Flow;

/// Entries that are looked at together.
const PAGE_ENTRIES: usize = 200;
/// Most pages that are looked at for one that waits. Behind so much that is to go later nothing is looked for.
const MAX_PAGES: usize = 50;

impl Flow {
    /// When the oldest message came that waits to be delivered, where that was before `before`; else `None`. `counts` says
    /// whether anything is so old at all: only then entries are read, the oldest first.
    ///
    /// # Errors
    /// When the store cannot.
    pub async fn oldest_waiting(
        &self,
        counts: &QueueCounts,
        before: UnixMillis,
    ) -> Result<Option<UnixMillis>, StorageError> {
        if counts.held >= counts.entries || counts.oldest_received_at.is_none_or(|at| at > before) {
            return Ok(None);
        }
        let filter = QueueFilter { held: Some(false), ..QueueFilter::default() };
        let now = self.environment.now();
        let mut after: Option<QueueId> = None;
        for _ in 0..MAX_PAGES {
            let entries = self.store.queue_entries(&filter, after, PAGE_ENTRIES).await?;
            let oldest = entries.iter().filter(|entry| waits(entry, now)).map(since).min();
            if oldest.is_some() || entries.len() < PAGE_ENTRIES {
                return Ok(oldest.filter(|at| *at <= before));
            }
            after = entries.last().map(|entry| entry.id);
        }
        Ok(None)
    }
}

/// Whether it waits to be delivered, and not for a time that its sender chose.
fn waits(entry: &QueueEntry, now: UnixMillis) -> bool {
    !entry.message.awaits_release || entry.due_at <= now
}

/// Since when it could have been delivered.
fn since(entry: &QueueEntry) -> UnixMillis {
    let message = &entry.message;
    message.future_release.map_or(message.received_at, |release| release.at.max(message.received_at))
}
