//! Memory for large messages under way.
//!
//! A message is in memory while it is handed over. Small ones are bounded by the number of deliveries; large ones share
//! a budget, so that a host that reads slowly and gets large mail does not keep small mail waiting.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Messages up to this size need no room, in octets: as many of them as there are deliveries fit beside the budget.
pub(super) const SMALL_BODY_BYTES: u64 = 512 * 1024;
/// Octets of one part of the budget.
const PART_BYTES: u64 = 1024;

/// The budget.
pub(super) struct BodyRoom {
    parts: Arc<Semaphore>,
    all: u32,
}

impl BodyRoom {
    /// Room for so many octets.
    pub fn new(bytes: u64) -> Arc<Self> {
        let most = u64::try_from(Semaphore::MAX_PERMITS).unwrap_or(u64::MAX).min(u64::from(u32::MAX));
        let all = u32::try_from((bytes / PART_BYTES).clamp(1, most)).unwrap_or(u32::MAX);
        Arc::new(Self { parts: Arc::new(Semaphore::new(all as usize)), all })
    }

    /// Waits for room for a message of this size, which it takes until the permit is dropped. What is larger than all
    /// of it has it for itself.
    pub async fn take(&self, size_bytes: u64) -> Option<OwnedSemaphorePermit> {
        if size_bytes <= SMALL_BODY_BYTES {
            return None;
        }
        let parts = u32::try_from(size_bytes.div_ceil(PART_BYTES)).unwrap_or(u32::MAX).min(self.all);
        // It is never closed.
        Arc::clone(&self.parts).acquire_many_owned(parts).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const MIB: u64 = 1024 * 1024;

    async fn waits(room: &BodyRoom, size_bytes: u64) -> bool {
        tokio::time::timeout(Duration::from_secs(1), room.take(size_bytes)).await.is_err()
    }

    #[tokio::test(start_paused = true)]
    async fn large_messages_share_the_budget_and_small_ones_pass() {
        let room = BodyRoom::new(4 * MIB);
        let first = room.take(3 * MIB).await;
        assert!(first.is_some() && room.take(SMALL_BODY_BYTES).await.is_none());
        assert!(!waits(&room, MIB).await && waits(&room, MIB + 1).await);
        drop(first);
        let all = room.take(100 * MIB).await;
        assert!(waits(&room, MIB).await);
        drop(all);
        assert!(!waits(&room, MIB).await);
    }
}
