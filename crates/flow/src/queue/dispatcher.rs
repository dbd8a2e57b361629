//! Takes what is due out of the queue and has it sent, fairly.
//!
//! Two things hold a destination back: as many deliveries under way as it may have, and its pace. One that is held back
//! is passed over in the queue, and asked after by itself when it may have more.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use posthouse_domain_policy::Resolver;
use posthouse_model::{Domain, JourneyId, QueueId, UnixMillis};
use posthouse_storage::{
    CommitObserver, MailboxChange, Named, QueueEntry, Settlement, SettlementOutcome, StorageError,
};
use tokio::sync::{Notify, watch};
use tokio::task::{Id, JoinSet};

use super::courier::Courier;
use super::pace::{DestinationRate, Paces};
use super::send::Sending;
use crate::Flow;

/// Most entries that are taken out of the queue at once.
const CLAIM_ENTRIES: usize = 200;
/// After a failure of the store, the pause before it is asked again.
const STORE_PAUSE: Duration = Duration::from_secs(5);
/// Longest sleep, so that a clock that is set does not stop the queue.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
/// How long deliveries under way may take to end when the server goes down. What is not done by then is tried again
/// after the next start.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(10);

/// Wakes the dispatcher when something was put into the queue.
struct Waker(Arc<Notify>);

impl CommitObserver for Waker {
    fn committed(&self, _: &[MailboxChange]) {}

    fn queue_changed(&self) {
        self.0.notify_one();
    }
}

/// What has to be known of an entry to give it back.
struct Lease {
    id: QueueId,
    attempts: u32,
    delay_reported: bool,
}

/// Empties the queue as far as the world lets it.
pub struct Dispatcher {
    flow: Arc<Flow>,
    resolver: Arc<dyn Resolver>,
    courier: Arc<dyn Courier>,
    wake: Arc<Notify>,
    running: JoinSet<()>,
    /// What each task works on, should it panic.
    work: HashMap<Id, (Domain, Vec<Lease>)>,
    paces: Paces,
    /// Destinations with mail that is due, but that have used up what their pace allows, and when they may go on.
    paced: HashMap<Domain, UnixMillis>,
}

impl Dispatcher {
    /// Gets ready; [`Self::run`] does the work.
    pub fn new(flow: Arc<Flow>, resolver: Arc<dyn Resolver>, courier: Arc<dyn Courier>) -> Self {
        let wake = Arc::new(Notify::new());
        flow.store.observe(Arc::new(Waker(Arc::clone(&wake))));
        Self {
            flow,
            resolver,
            courier,
            wake,
            running: JoinSet::new(),
            work: HashMap::new(),
            paces: Paces::default(),
            paced: HashMap::new(),
        }
    }

    /// Works until `shutdown` becomes true, then lets deliveries under way end.
    pub async fn run(mut self, mut shutdown: watch::Receiver<bool>) {
        while !*shutdown.borrow_and_update() {
            let pause = match self.start_due().await {
                Ok(true) => continue,
                Ok(false) => self.until_next_due().await,
                Err(error) => {
                    tracing::error!(%error, "the queue cannot be read");
                    STORE_PAUSE
                }
            };
            tokio::select! {
                () = self.wake.notified() => {}
                () = tokio::time::sleep(pause) => {}
                Some(ended) = self.running.join_next_with_id() => self.end(ended).await,
                changed = shutdown.changed() => {
                    if changed.is_err() {
                        // Whoever could have said so is gone.
                        break;
                    }
                }
            }
        }
        let drained = async { while self.running.join_next().await.is_some() {} };
        if tokio::time::timeout(SHUTDOWN_GRACE, drained).await.is_err() {
            self.running.shutdown().await;
        }
    }

    /// Starts what is due and may start; tells whether anything was.
    async fn start_due(&mut self) -> Result<bool, StorageError> {
        let options = &self.flow.options;
        let room = options.max_deliveries.saturating_sub(self.running.len());
        if room == 0 {
            return Ok(false);
        }
        let now = self.flow.environment.now();
        if let Some(destination) = self.rested_destination(now) {
            let entries = self.flow.store.claim_due_for(&destination, now, CLAIM_ENTRIES).await?;
            self.paced.remove(&destination);
            if !entries.is_empty() {
                self.start_at_pace(destination, entries, now).await?;
            }
            return Ok(true);
        }
        // Each entry may be for another destination, so no more of them than there is room for deliveries.
        let entries = self.flow.store.claim_due(now, CLAIM_ENTRIES.min(room), &self.held_back()).await?;
        let any = !entries.is_empty();
        for (destination, entries) in by_destination(entries) {
            self.start_at_pace(destination, entries, now).await?;
        }
        Ok(any)
    }

    /// A destination that waited for its pace and may go on now.
    fn rested_destination(&self, now: UnixMillis) -> Option<Domain> {
        let busy = self.busy_destinations();
        let rested =
            |(destination, ready_at): &(&Domain, &UnixMillis)| **ready_at <= now && !busy.contains(destination);
        self.paced.iter().find(rested).map(|(destination, _)| destination.clone())
    }

    /// Starts as many messages as the destination's pace allows, and puts the others back.
    async fn start_at_pace(
        &mut self,
        destination: Domain,
        entries: Vec<QueueEntry>,
        now: UnixMillis,
    ) -> Result<(), StorageError> {
        let Some(rate) = self.flow.options.rate(&destination) else {
            self.start(destination, entries);
            return Ok(());
        };
        let allowed = self.paces.allowance(&destination, rate, now);
        let (messages, going, waiting) = split_by_message(entries, allowed);
        self.paces.spend(&destination, rate, now, messages);
        self.rest(&destination, rate, now, &waiting);
        if !going.is_empty() {
            self.start(destination, going);
        }
        if waiting.is_empty() {
            return Ok(());
        }
        let outcomes = waiting.into_iter().map(|entry| (entry.id, SettlementOutcome::Untouched)).collect();
        self.flow.store.settle(Settlement { outcomes, reports: Vec::new(), trail: Vec::new() }).await
    }

    /// Notes when a destination may go on for which mail is waiting.
    fn rest(&mut self, destination: &Domain, rate: DestinationRate, now: UnixMillis, waiting: &[QueueEntry]) {
        if !waiting.is_empty() {
            self.paced.insert(destination.clone(), self.paces.ready_at(destination, rate, now));
        }
    }

    fn start(&mut self, destination: Domain, entries: Vec<QueueEntry>) {
        let lease =
            |entry: &QueueEntry| Lease { id: entry.id, attempts: entry.attempts, delay_reported: entry.delay_reported };
        let leases = entries.iter().map(lease).collect();
        let sending =
            Sending::new(Arc::clone(&self.flow), Arc::clone(&self.resolver), Arc::clone(&self.courier), entries);
        let task = self.running.spawn(sending.run());
        self.work.insert(task.id(), (destination, leases));
    }

    async fn end(&mut self, ended: Result<(Id, ()), tokio::task::JoinError>) {
        match ended {
            Ok((id, ())) => {
                self.work.remove(&id);
            }
            Err(error) => {
                tracing::error!(%error, "a delivery ended in a fault");
                if let Some((_, leases)) = self.work.remove(&error.id()) {
                    self.give_back(leases).await;
                }
            }
        }
    }

    /// Ends the leases of a delivery that did not end them itself. They come again after a while, so that a message
    /// that makes the server fault does not do so all the time.
    async fn give_back(&self, leases: Vec<Lease>) {
        let flow = &self.flow;
        let now = flow.environment.now();
        for lease in leases {
            let Lease { id, attempts, delay_reported } = lease;
            let due_at = flow.options.schedule.next(attempts + 1, now, flow.environment.random());
            let outcome = "a fault of this server".to_owned();
            let retry = SettlementOutcome::Retry { due_at, outcome, delay_reported };
            // One by one: those that were settled before the fault are gone, or not ours any more.
            let settlement = Settlement { outcomes: vec![(id, retry)], reports: Vec::new(), trail: Vec::new() };
            match self.flow.store.settle(settlement).await {
                Ok(()) | Err(StorageError::NotFound(Named::QueueEntry)) => {}
                Err(error) => tracing::error!(%error, "a lease cannot be ended; it ends with the process"),
            }
        }
    }

    /// Destinations that have as many deliveries under way as they may.
    fn busy_destinations(&self) -> Vec<Domain> {
        let mut counts: HashMap<&Domain, usize> = HashMap::new();
        for (destination, _) in self.work.values() {
            *counts.entry(destination).or_default() += 1;
        }
        let limit = self.flow.options.max_deliveries_per_destination;
        counts.into_iter().filter(|(_, count)| *count >= limit).map(|(destination, _)| destination.clone()).collect()
    }

    /// Destinations to which nothing may be started now.
    fn held_back(&self) -> Vec<Domain> {
        let mut held_back: HashSet<Domain> = self.busy_destinations().into_iter().collect();
        held_back.extend(self.paced.keys().cloned());
        held_back.into_iter().collect()
    }

    /// How long nothing can be started. The end of a delivery, and what is put into the queue, wake us besides.
    async fn until_next_due(&self) -> Duration {
        if self.running.len() >= self.flow.options.max_deliveries {
            return LONGEST_SLEEP;
        }
        let busy = self.busy_destinations();
        let rested = self.paced.iter().filter(|(destination, _)| !busy.contains(destination)).map(|(_, at)| *at).min();
        let due = match self.flow.store.next_due(&self.held_back()).await {
            Ok(due) => due,
            Err(error) => {
                tracing::error!(%error, "the queue cannot be read");
                return STORE_PAUSE;
            }
        };
        let Some(next) = due.into_iter().chain(rested).min() else { return LONGEST_SLEEP };
        let millis = u64::try_from(next.0 - self.flow.environment.now().0).unwrap_or(0);
        Duration::from_millis(millis).min(LONGEST_SLEEP)
    }
}

/// The entries of the first `allowed` messages, how many messages those are, and the entries of the others. One message
/// to many recipients of a destination is one message.
fn split_by_message(entries: Vec<QueueEntry>, allowed: usize) -> (usize, Vec<QueueEntry>, Vec<QueueEntry>) {
    let mut messages: HashSet<JourneyId> = HashSet::new();
    let (going, waiting) = entries.into_iter().partition(|entry| {
        let journey = entry.message.journey;
        messages.contains(&journey) || (messages.len() < allowed && messages.insert(journey))
    });
    (messages.len(), going, waiting)
}

/// Entries by destination, in the order in which the destinations come first.
fn by_destination(entries: Vec<QueueEntry>) -> Vec<(Domain, Vec<QueueEntry>)> {
    let mut groups: Vec<(Domain, Vec<QueueEntry>)> = Vec::new();
    let mut index: HashMap<Domain, usize> = HashMap::new();
    for entry in entries {
        let at = *index.entry(entry.destination.clone()).or_insert_with(|| {
            groups.push((entry.destination.clone(), Vec::new()));
            groups.len() - 1
        });
        groups[at].1.push(entry);
    }
    groups
}
