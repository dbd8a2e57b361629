//! Entries of the queue with which something is done at a given time, whatever they wait for (RFC 2852).
//!
//! A deadline is apart from when an entry is due: it counts for entries that wait, that are ready and have no turn yet,
//! and that are held. It ends with the entry, or with [`SettlementOutcome::Overdue`](crate::SettlementOutcome::Overdue).

use async_trait::async_trait;
use posthouse_model::UnixMillis;

use crate::error::StorageError;
use crate::queue::QueueEntry;

/// What is overdue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overdue {
    /// Entries whose deadline has come, earliest first. They are leased.
    pub entries: Vec<QueueEntry>,
    /// The next deadline of what is not leased, which may be past when there were more than asked for.
    pub next_deadline: Option<UnixMillis>,
}

/// Deadlines at rest.
#[async_trait]
pub trait Deadlines: Send + Sync + 'static {
    /// Leases entries whose deadline has come at `now`, at most `limit`. What is leased already is left out, and told of
    /// when its lease ends. The cost is that of what is returned, and of what is leased and overdue.
    async fn overdue(&self, now: UnixMillis, limit: usize) -> Result<Overdue, StorageError>;
}
