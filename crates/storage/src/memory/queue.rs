//! The queue in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use posthouse_model::{Domain, QueueId, UnixMillis};

use super::{MemoryStorage, State, bodies};
use crate::error::{Named, StorageError};
use crate::mail::BodyKey;
use crate::queue::{
    Queue, QueueCounts, QueueEntry, QueueFilter, QueueSteering, QueueSubmission, Settlement, SettlementOutcome,
};

#[derive(Default)]
pub(super) struct QueueTables {
    entries: BTreeMap<QueueId, QueueEntry>,
    leased: BTreeSet<QueueId>,
    last_id: u64,
}

impl QueueTables {
    /// Puts each recipient into the queue. Each of them refers to the body.
    pub fn submit(&mut self, submission: QueueSubmission, body: BodyKey) {
        let message = Arc::new(submission.message);
        for queued in submission.recipients {
            self.last_id += 1;
            let id = QueueId(self.last_id);
            let entry = QueueEntry {
                id,
                message: Arc::clone(&message),
                body,
                recipient: queued.recipient,
                destination: queued.destination,
                due_at: queued.due_at,
                expires_at: queued.expires_at,
                attempts: 0,
                last_outcome: None,
                delay_reported: false,
                held: false,
            };
            self.entries.insert(id, entry);
        }
    }

    fn is_free(&self, entry: &QueueEntry) -> bool {
        !entry.held && !self.leased.contains(&entry.id)
    }

    /// Leases what is due and wanted, oldest due first.
    fn claim(&mut self, now: UnixMillis, limit: usize, wanted: impl Fn(&Domain) -> bool) -> Vec<QueueEntry> {
        let due = |entry: &&QueueEntry| self.is_free(entry) && entry.due_at <= now && wanted(&entry.destination);
        let mut claimed: Vec<_> = self.entries.values().filter(due).cloned().collect();
        claimed.sort_by_key(|entry| (entry.due_at, entry.id));
        claimed.truncate(limit);
        self.leased.extend(claimed.iter().map(|entry| entry.id));
        claimed
    }

    /// Does one outcome; returns the body that an entry done with referred to.
    fn settle(&mut self, id: QueueId, outcome: SettlementOutcome) -> Option<BodyKey> {
        self.leased.remove(&id);
        match outcome {
            SettlementOutcome::Done => return self.entries.remove(&id).map(|entry| entry.body),
            SettlementOutcome::Retry { due_at, outcome, delay_reported } => {
                if let Some(entry) = self.entries.get_mut(&id) {
                    entry.attempts += 1;
                    entry.due_at = due_at;
                    entry.last_outcome = Some(outcome);
                    entry.delay_reported = delay_reported;
                }
            }
            SettlementOutcome::Untouched => {}
        }
        None
    }
}

fn matches(filter: &QueueFilter, entry: &QueueEntry) -> bool {
    let of_sender = |folded: &String| entry.message.sender.address().is_some_and(|one| one.folded() == *folded);
    filter.id.is_none_or(|id| entry.id == id)
        && filter.journey.is_none_or(|journey| entry.message.journey == journey)
        && filter.destination.as_ref().is_none_or(|destination| entry.destination == *destination)
        && filter.sender.as_ref().is_none_or(of_sender)
        && filter.submitter.is_none_or(|account| entry.message.submitter == Some(account))
        && filter.held.is_none_or(|held| entry.held == held)
}

impl State {
    fn settle(&mut self, settlement: Settlement) -> Result<(), StorageError> {
        for (id, _) in &settlement.outcomes {
            if !self.queue.entries.contains_key(id) {
                return Err(StorageError::NotFound(Named::QueueEntry));
            }
        }
        let mut reports = Vec::with_capacity(settlement.reports.len());
        for report in settlement.reports {
            let octets = bodies::gather(&report.body)?;
            self.check_delivery(&report)?;
            reports.push((report, octets));
        }
        for (id, outcome) in settlement.outcomes {
            if let Some(body) = self.queue.settle(id, outcome) {
                self.bodies.release(body);
            }
        }
        let mut changes = Vec::new();
        // First what happened, then what follows from it.
        self.trail.record(settlement.trail);
        for (report, octets) in reports {
            self.deliver(report, octets, &mut changes);
        }
        self.announce(&changes);
        self.announce_queue();
        Ok(())
    }

    pub(super) fn steer(&mut self, filter: &QueueFilter, steering: QueueSteering) -> u64 {
        let free = |entry: &&QueueEntry| matches(filter, entry) && !self.queue.leased.contains(&entry.id);
        let ids: Vec<_> = self.queue.entries.values().filter(free).map(|entry| entry.id).collect();
        for id in &ids {
            let Some(entry) = self.queue.entries.get_mut(id) else { continue };
            match steering {
                QueueSteering::RetryNow(now) => entry.due_at = now,
                QueueSteering::Hold => entry.held = true,
                QueueSteering::Release => entry.held = false,
                QueueSteering::Drop => {
                    let body = entry.body;
                    self.queue.entries.remove(id);
                    self.bodies.release(body);
                }
            }
        }
        if !ids.is_empty() {
            self.announce_queue();
        }
        ids.len() as u64
    }
}

#[async_trait]
impl Queue for MemoryStorage {
    async fn claim_due(
        &self,
        now: UnixMillis,
        limit: usize,
        except: &[Domain],
    ) -> Result<Vec<QueueEntry>, StorageError> {
        Ok(self.state()?.queue.claim(now, limit, |destination| !except.contains(destination)))
    }

    async fn claim_due_for(
        &self,
        destination: &Domain,
        now: UnixMillis,
        limit: usize,
    ) -> Result<Vec<QueueEntry>, StorageError> {
        Ok(self.state()?.queue.claim(now, limit, |one| one == destination))
    }

    async fn next_due(&self, except: &[Domain]) -> Result<Option<UnixMillis>, StorageError> {
        let state = self.state()?;
        let wanted = |entry: &&QueueEntry| state.queue.is_free(entry) && !except.contains(&entry.destination);
        let free = state.queue.entries.values().filter(wanted);
        Ok(free.map(|entry| entry.due_at).min())
    }

    async fn settle(&self, settlement: Settlement) -> Result<(), StorageError> {
        self.state()?.settle(settlement)
    }

    async fn queue_entries(
        &self,
        filter: &QueueFilter,
        after: Option<QueueId>,
        limit: usize,
    ) -> Result<Vec<QueueEntry>, StorageError> {
        let state = self.state()?;
        let wanted = |entry: &&QueueEntry| after.is_none_or(|after| entry.id > after) && matches(filter, entry);
        Ok(state.queue.entries.values().filter(wanted).take(limit).cloned().collect())
    }

    async fn queue_counts(&self) -> Result<QueueCounts, StorageError> {
        let state = self.state()?;
        Ok(QueueCounts {
            entries: state.queue.entries.len() as u64,
            held: state.queue.entries.values().filter(|entry| entry.held).count() as u64,
            leased: state.queue.leased.len() as u64,
        })
    }

    async fn steer(&self, filter: &QueueFilter, steering: QueueSteering) -> Result<u64, StorageError> {
        Ok(self.state()?.steer(filter, steering))
    }
}
