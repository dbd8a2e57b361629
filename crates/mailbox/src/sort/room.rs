//! How many messages are sorted or threaded at once, by all sessions together.

use std::sync::Arc;

use tokio::sync::{Semaphore, SemaphorePermit};

/// Messages that are sorted or threaded at once. Each takes some hundred octets while that lasts; a mailbox that has
/// more is sorted alone.
const MAX_SORTED_AT_ONCE: u32 = 2_000_000;

/// Room for sorting.
#[derive(Clone, Debug)]
pub(crate) struct SortRoom(Arc<Semaphore>);

impl Default for SortRoom {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MAX_SORTED_AT_ONCE as usize)))
    }
}

impl SortRoom {
    /// Waits until there is room for so many messages, and keeps it until the permit is dropped.
    pub async fn enter(&self, messages: u64) -> Option<SemaphorePermit<'_>> {
        let wanted = u32::try_from(messages).unwrap_or(u32::MAX).min(MAX_SORTED_AT_ONCE);
        // Nobody closes it.
        self.0.acquire_many(wanted).await.ok()
    }
}
