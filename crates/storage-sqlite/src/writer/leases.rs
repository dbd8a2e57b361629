//! Which queue entries are being delivered. Kept in memory only, so that a restart frees them.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The leases, with a journal so that a batch that fails leaves them as they were.
#[derive(Default)]
pub(crate) struct Leases {
    held: HashSet<i64>,
    /// Entries whose lease changed in this batch, in order, and whether each was leased before.
    journal: Vec<(i64, bool)>,
    /// How many there are, for readers.
    count: Arc<AtomicU64>,
}

impl Leases {
    /// The number of leases, for readers.
    pub(crate) fn count(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.count)
    }

    pub(super) fn contains(&self, entry: i64) -> bool {
        self.held.contains(&entry)
    }

    pub(super) fn take(&mut self, entry: i64) {
        if self.held.insert(entry) {
            self.journal.push((entry, false));
        }
    }

    pub(super) fn free(&mut self, entry: i64) {
        if self.held.remove(&entry) {
            self.journal.push((entry, true));
        }
    }

    /// A point to which [`Self::rewind`] goes back.
    pub(super) fn mark(&self) -> usize {
        self.journal.len()
    }

    pub(super) fn rewind(&mut self, mark: usize) {
        for (entry, was_leased) in self.journal.drain(mark..).rev() {
            if was_leased {
                self.held.insert(entry);
            } else {
                self.held.remove(&entry);
            }
        }
    }

    /// The batch is over; what the journal remembers is settled.
    pub(super) fn settle(&mut self) {
        self.journal.clear();
        self.count.store(self.held.len() as u64, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_batch_leaves_leases_as_they_were() {
        let mut leases = Leases::default();
        leases.take(1);
        leases.settle();
        let mark = leases.mark();
        leases.free(1);
        leases.take(2);
        leases.take(1);
        leases.rewind(mark);
        assert!(leases.contains(1) && !leases.contains(2));
    }
}
