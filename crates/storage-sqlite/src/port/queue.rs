//! [`Queue`]. Leases belong to the writer, so everything that regards them goes there.

use std::sync::atomic::Ordering;

use async_trait::async_trait;
use posthouse_model::{Domain, QueueId, TrailEvent, UnixMillis};
use posthouse_storage::{
    Claim, Claimed, Queue, QueueCounts, QueueEntry, QueueFilter, QueueSteering, QueueTally, Ripened, Settlement,
    StorageError, TallyBy,
};

use crate::reader::queue;
use crate::store::SqliteStorage;

#[async_trait]
impl Queue for SqliteStorage {
    async fn ripen(&self, now: UnixMillis, limit: usize) -> Result<Ripened, StorageError> {
        self.write(Vec::new(), move |work| work.ripen(now, limit)).await
    }

    async fn ready_destinations(&self, after: Option<&Domain>, limit: usize) -> Result<Vec<Domain>, StorageError> {
        let after = after.cloned();
        self.ask(move |reader| queue::ready_destinations(&reader.connection, after.as_ref(), limit)).await
    }

    async fn claim(&self, claims: Vec<Claim>) -> Result<Vec<Claimed>, StorageError> {
        self.write(Vec::new(), move |work| claims.iter().map(|claim| work.claim(claim)).collect()).await
    }

    async fn lease(&self, entries: Vec<QueueId>) -> Result<Vec<QueueEntry>, StorageError> {
        self.write(Vec::new(), move |work| work.lease(&entries)).await
    }

    async fn settle(&self, settlement: Settlement) -> Result<(), StorageError> {
        let bodies = settlement.reports.iter().map(|report| report.body.clone()).collect();
        self.write(bodies, move |work| work.settle(&settlement)).await
    }

    async fn queue_entries(
        &self,
        filter: &QueueFilter,
        after: Option<QueueId>,
        limit: usize,
    ) -> Result<Vec<QueueEntry>, StorageError> {
        let filter = filter.clone();
        self.ask(move |reader| {
            let connection = &reader.connection;
            crate::reader::mail::at_one_moment(connection, || {
                queue::entries(connection, &queue::matching(connection, &filter, after, limit)?)
            })
        })
        .await
    }

    async fn queue_counts(&self) -> Result<QueueCounts, StorageError> {
        let counts = self.ask(|reader| queue::counts(&reader.connection)).await?;
        Ok(QueueCounts { leased: self.lease_count.load(Ordering::Relaxed), ..counts })
    }

    async fn queue_tallies(&self, by: TallyBy, limit: usize) -> Result<Vec<QueueTally>, StorageError> {
        self.ask(move |reader| queue::tallies(&reader.connection, by, limit)).await
    }

    async fn steer(
        &self,
        entries: Vec<(QueueId, TrailEvent)>,
        steering: QueueSteering,
    ) -> Result<Vec<QueueId>, StorageError> {
        self.write(Vec::new(), move |work| work.steer(&entries, &steering)).await
    }
}
