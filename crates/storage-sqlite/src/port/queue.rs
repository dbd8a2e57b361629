//! [`Queue`]. Leases belong to the writer, so everything that regards them goes there.

use std::sync::atomic::Ordering;

use async_trait::async_trait;
use posthouse_model::{Domain, QueueId, UnixMillis};
use posthouse_storage::{Queue, QueueCounts, QueueEntry, QueueFilter, QueueSteering, Settlement, StorageError};

use crate::reader::queue;
use crate::store::SqliteStorage;

#[async_trait]
impl Queue for SqliteStorage {
    async fn claim_due(
        &self,
        now: UnixMillis,
        limit: usize,
        except: &[Domain],
    ) -> Result<Vec<QueueEntry>, StorageError> {
        let except = except.to_vec();
        self.write(Vec::new(), move |work| work.claim_due(now, limit, &except)).await
    }

    async fn claim_due_for(
        &self,
        destination: &Domain,
        now: UnixMillis,
        limit: usize,
    ) -> Result<Vec<QueueEntry>, StorageError> {
        let destination = destination.clone();
        self.write(Vec::new(), move |work| work.claim_due_for(&destination, now, limit)).await
    }

    async fn next_due(&self, except: &[Domain]) -> Result<Option<UnixMillis>, StorageError> {
        let except = except.to_vec();
        self.write(Vec::new(), move |work| work.next_due(&except)).await
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

    async fn steer(&self, filter: &QueueFilter, steering: QueueSteering) -> Result<u64, StorageError> {
        let filter = filter.clone();
        self.write(Vec::new(), move |work| work.steer(&filter, steering)).await
    }
}
