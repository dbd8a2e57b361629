//! Mail that waits for its release, in memory.

use std::collections::BTreeSet;

use async_trait::async_trait;
use posthouse_model::AccountId;

use super::MemoryStorage;
use crate::error::StorageError;
use crate::future_releases::FutureReleases;

#[async_trait]
impl FutureReleases for MemoryStorage {
    async fn awaiting_release(&self, submitter: AccountId, limit: usize) -> Result<usize, StorageError> {
        let state = self.state()?;
        let messages = state.queue.messages();
        let waiting = messages.filter(|one| one.awaits_release && one.submitter == Some(submitter));
        let journeys: BTreeSet<u64> = waiting.map(|one| one.journey.0).collect();
        Ok(journeys.len().min(limit))
    }
}
