//! [`Trail`].

use std::sync::Arc;

use async_trait::async_trait;
use posthouse_model::{JourneyId, TrailEvent, UnixMillis};
use posthouse_storage::{JourneySummary, StorageError, Trail, TrailObserver};

use crate::reader::trail;
use crate::store::SqliteStorage;

/// Most journeys that one commit forgets.
const PRUNING_STEP_JOURNEYS: usize = 500;

impl SqliteStorage {
    /// Has waiting events written, so that whoever asks sees what was recorded before. Where none waits, they may be on
    /// their way to the disk just now: only the writer's turn says that they are there.
    async fn write_waiting_trail(&self) -> Result<(), StorageError> {
        self.write(Vec::new(), |_| Ok(())).await
    }
}

#[async_trait]
impl Trail for SqliteStorage {
    fn record(&self, events: Vec<TrailEvent>) {
        self.shared.trail.add(events);
        self.shared.wake_upkeep();
    }

    fn observe_trail(&self, observer: Arc<dyn TrailObserver>) {
        self.shared.trail.observe(observer);
    }

    async fn trail(&self, journey: JourneyId) -> Result<Vec<TrailEvent>, StorageError> {
        self.write_waiting_trail().await?;
        self.ask(move |reader| trail::events(&reader.connection, journey)).await
    }

    async fn journeys(&self, key: &str, limit: usize) -> Result<Vec<JourneySummary>, StorageError> {
        self.write_waiting_trail().await?;
        let key = key.to_owned();
        self.ask(move |reader| trail::journeys(&reader.connection, &key, limit)).await
    }

    async fn prune_trail(&self, before: UnixMillis) -> Result<u64, StorageError> {
        let mut pruned = 0;
        loop {
            let step = self.write(Vec::new(), move |work| work.prune_trail(before, PRUNING_STEP_JOURNEYS)).await?;
            pruned += step;
            if step < PRUNING_STEP_JOURNEYS as u64 {
                return Ok(pruned);
            }
        }
    }
}
