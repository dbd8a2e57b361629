//! Takes what is due out of the queue and has it sent, fairly.
//!
//! The store tells which destinations have something ready ([`News`]), and when the next entry's time comes. Destinations
//! take turns ([`Rounds`]), and at a destination so do senders (the store's order). So the work of a wake-up is that of
//! what is started: what waits for its time, and destinations that may have no more now, are not even looked at.
//!
//! Two things hold a destination back: as many deliveries under way as it may have, and its pace. What is ready for more
//! destinations than are kept in mind is found by going through them by name, a page at a time.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use posthouse_domain_policy::Resolver;
use posthouse_model::{AccountId, Domain, JourneyId, QueueId, UnixMillis};
use posthouse_storage::{Claim, Claimed, Named, QueueEntry, Settlement, SettlementOutcome, StorageError};
use tokio::sync::watch;
use tokio::task::{Id, JoinSet};

use super::body_room::BodyRoom;
use super::courier::{Cause, Courier};
use super::news::News;
use super::pace::Paces;
use super::rounds::Rounds;
use super::send::Sending;
use super::window::Answers;
use crate::Flow;

/// Most destinations for which mail is taken out of the queue at once.
const CLAIM_DESTINATIONS: usize = 50;
/// Most entries that are taken out for one delivery.
const CLAIM_ENTRIES: usize = 500;
/// Most entries that become ready at once.
const RIPEN_ENTRIES: usize = 500;
/// Most entries that are told of, or returned, at once because their time is over.
const OVERDUE_ENTRIES: usize = 100;
/// Destinations that are looked for at once, and how few are to be in mind before more are.
const SWEEP_DESTINATIONS: usize = 100;
/// How long after the last time destinations are looked for of which nothing was heard: when there was no place for
/// some.
const SWEEP_PAUSE: Duration = Duration::from_secs(5);
/// The same in any case.
const SWEEP_ANYWAY: Duration = Duration::from_secs(10 * 60);
/// After a failure of the store, the pause before it is asked again.
const STORE_PAUSE: Duration = Duration::from_secs(5);
/// Longest sleep, so that a clock that is set does not stop the queue.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
/// How long deliveries under way may take to end when the server goes down. What is not done by then is tried again
/// after the next start.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(10);

/// What has to be known of an entry to give it back.
struct Lease {
    id: QueueId,
    attempts: u32,
    delay_reported: bool,
    submitter: Option<AccountId>,
}

/// Where the search for destinations is.
enum Sweep {
    /// It goes on after this one.
    After(Option<Domain>),
    /// It ended at this time.
    Done(UnixMillis),
}

/// Empties the queue as far as the world lets it.
pub struct Dispatcher {
    flow: Arc<Flow>,
    resolver: Arc<dyn Resolver>,
    courier: Arc<dyn Courier>,
    news: Arc<News>,
    running: JoinSet<Answers>,
    /// What each task works on, should it panic.
    work: HashMap<Id, (Domain, Vec<Lease>)>,
    rounds: Rounds,
    paces: Paces,
    body_room: Arc<BodyRoom>,
    /// When the time of the next entry comes; perhaps nothing has by then.
    next_due: Option<UnixMillis>,
    /// When the first deadline is over; perhaps nothing has it by then.
    next_deadline: Option<UnixMillis>,
    sweep: Sweep,
    /// Whether something is ready for destinations for which there was no place.
    has_missed: bool,
}

impl Dispatcher {
    /// Gets ready; [`Self::run`] does the work.
    pub fn new(flow: Arc<Flow>, resolver: Arc<dyn Resolver>, courier: Arc<dyn Courier>) -> Self {
        let news = Arc::new(News::default());
        flow.store.observe(Arc::clone(&news) as _);
        let options = &flow.options;
        Self {
            rounds: Rounds::new(options.max_deliveries, options.max_deliveries_per_destination),
            body_room: BodyRoom::new(options.max_large_bodies_bytes),
            flow,
            resolver,
            courier,
            news,
            running: JoinSet::new(),
            work: HashMap::new(),
            paces: Paces::default(),
            // Whatever the store has from before.
            next_due: Some(UnixMillis(i64::MIN)),
            next_deadline: Some(UnixMillis(i64::MIN)),
            sweep: Sweep::After(None),
            has_missed: false,
        }
    }

    /// Works until `shutdown` becomes true, then lets deliveries under way end.
    pub async fn run(mut self, mut shutdown: watch::Receiver<bool>) {
        while !*shutdown.borrow_and_update() {
            let pause = match self.step().await {
                Ok(true) => continue,
                Ok(false) => self.until_next(),
                Err(error) => {
                    tracing::error!(%error, "the queue cannot be read");
                    STORE_PAUSE
                }
            };
            tokio::select! {
                () = self.news.come() => {}
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

    /// Makes ready whose time has come, and starts what may start; tells whether there was anything to do.
    async fn step(&mut self) -> Result<bool, StorageError> {
        while let Some(ended) = self.running.try_join_next_with_id() {
            self.end(ended).await;
        }
        let now = self.flow.environment.now();
        self.hear();
        let mut did = self.end_overdue(now).await?;
        if self.next_due.is_some_and(|at| at <= now) {
            let ripened = self.flow.store.ripen(now, RIPEN_ENTRIES).await?;
            self.next_due = ripened.next_due;
            self.hear();
            did |= ripened.entries > 0;
        }
        did |= self.sweep(now).await?;
        Ok(self.start_ready(now).await? || did)
    }

    /// Does what is to be done when the time of a message is over; tells whether there was anything.
    async fn end_overdue(&mut self, now: UnixMillis) -> Result<bool, StorageError> {
        if self.next_deadline.is_none_or(|at| at > now) {
            return Ok(false);
        }
        let overdue = self.flow.store.overdue(now, OVERDUE_ENTRIES).await?;
        self.next_deadline = overdue.next_deadline;
        let did = !overdue.entries.is_empty();
        self.flow.end_overdue(overdue.entries).await;
        self.hear();
        Ok(did)
    }

    /// Takes in what the store has told.
    fn hear(&mut self) {
        let heard = self.news.take();
        self.has_missed |= heard.has_missed;
        if let Some(due) = heard.next_due {
            self.next_due = Some(self.next_due.map_or(due, |known| known.min(due)));
        }
        self.next_deadline = self.next_deadline.into_iter().chain(heard.next_deadline).min();
        for destination in heard.ready {
            self.has_missed |= !self.rounds.notice(&destination);
        }
    }

    /// Looks for destinations of which nothing was heard: those of an earlier life of the process, and those for which
    /// there was no place. Tells whether there may be more.
    async fn sweep(&mut self, now: UnixMillis) -> Result<bool, StorageError> {
        if self.rounds.waiting() >= SWEEP_DESTINATIONS {
            return Ok(false);
        }
        if let Sweep::Done(at) = self.sweep {
            let pause = if self.has_missed { SWEEP_PAUSE } else { SWEEP_ANYWAY };
            // A clock that was set back does not stop it.
            if now < at + pause && now >= at {
                return Ok(false);
            }
            self.sweep = Sweep::After(None);
            self.has_missed = false;
        }
        let Sweep::After(after) = &self.sweep else { return Ok(false) };
        let found = self.flow.store.ready_destinations(after.as_ref(), SWEEP_DESTINATIONS).await?;
        let is_last = found.len() < SWEEP_DESTINATIONS;
        self.sweep = if is_last { Sweep::Done(now) } else { Sweep::After(found.last().cloned()) };
        for destination in found {
            self.has_missed |= !self.rounds.notice(&destination);
        }
        Ok(!is_last)
    }

    /// Starts what is ready and may start; tells whether anything was.
    async fn start_ready(&mut self, now: UnixMillis) -> Result<bool, StorageError> {
        let room = self.flow.options.max_deliveries.saturating_sub(self.running.len());
        let mut claims = Vec::new();
        while claims.len() < room.min(CLAIM_DESTINATIONS)
            && let Some((destination, messages)) = self.rounds.next(now)
        {
            let messages = messages.min(self.allowance(&destination, now));
            if messages == 0 {
                self.rest(&destination, now);
                continue;
            }
            claims.push(Claim { destination, messages, entries: CLAIM_ENTRIES });
        }
        if claims.is_empty() {
            return Ok(false);
        }
        let destinations: Vec<Domain> = claims.iter().map(|claim| claim.destination.clone()).collect();
        match self.flow.store.claim(claims).await {
            Ok(claimed) => {
                destinations.into_iter().zip(claimed).for_each(|(one, claimed)| self.start(one, claimed, now));
                Ok(true)
            }
            Err(error) => {
                for destination in destinations {
                    self.rounds.pass_over(&destination);
                    self.has_missed |= !self.rounds.notice(&destination);
                }
                Err(error)
            }
        }
    }

    /// How many messages the destination's pace allows.
    fn allowance(&mut self, destination: &Domain, now: UnixMillis) -> usize {
        match self.flow.options.rate(destination) {
            Some(rate) => self.paces.allowance(destination, rate, now),
            None => usize::MAX,
        }
    }

    /// Lets a destination rest until its pace allows more.
    fn rest(&mut self, destination: &Domain, now: UnixMillis) {
        if let Some(rate) = self.flow.options.rate(destination) {
            self.rounds.rest(destination, self.paces.ready_at(destination, rate, now));
        }
    }

    fn start(&mut self, destination: Domain, claimed: Claimed, now: UnixMillis) {
        let Claimed { entries, has_more } = claimed;
        if entries.is_empty() {
            return self.rounds.pass_over(&destination);
        }
        if let Some(rate) = self.flow.options.rate(&destination) {
            self.paces.spend(&destination, rate, now, messages_of(&entries));
        }
        let lease = |entry: &QueueEntry| Lease {
            id: entry.id,
            attempts: entry.attempts,
            delay_reported: entry.delay_reported,
            submitter: entry.message.submitter,
        };
        let leases = entries.iter().map(lease).collect();
        let sending = Sending::new(
            Arc::clone(&self.flow),
            Arc::clone(&self.resolver),
            Arc::clone(&self.courier),
            Arc::clone(&self.body_room),
            entries,
        );
        let task = self.running.spawn(sending.run());
        self.rounds.begin(&destination, has_more);
        self.work.insert(task.id(), (destination, leases));
    }

    async fn end(&mut self, ended: Result<(Id, Answers), tokio::task::JoinError>) {
        let (id, answers) = match &ended {
            Ok((id, answers)) => (*id, *answers),
            Err(error) => (error.id(), Answers::default()),
        };
        let Some((destination, leases)) = self.work.remove(&id) else { return };
        if let Err(error) = ended {
            tracing::error!(%error, "a delivery ended in a fault");
            self.give_back(leases).await;
        }
        self.rounds.end(&destination, answers, self.flow.environment.now());
    }

    /// Ends the leases of a delivery that did not end them itself. They come again after a while, so that a message
    /// that makes the server fault does not do so all the time.
    async fn give_back(&self, leases: Vec<Lease>) {
        let flow = &self.flow;
        let now = flow.environment.now();
        let mut accounts = BTreeSet::new();
        for lease in leases {
            let Lease { id, attempts, delay_reported, submitter } = lease;
            accounts.extend(submitter);
            let due_at = flow.options.schedule.next(attempts + 1, now, flow.environment.random());
            let outcome = "a fault of this server".to_owned();
            let cause = Cause::Internal(String::new()).code();
            let retry = SettlementOutcome::Retry { due_at, outcome, cause, delay_reported, was_tried: true };
            // One by one: those that were settled before the fault are gone, or not ours any more.
            let settlement = Settlement { outcomes: vec![(id, retry)], reports: Vec::new(), trail: Vec::new() };
            match self.flow.store.settle(settlement).await {
                Ok(()) | Err(StorageError::NotFound(Named::QueueEntry)) => {}
                Err(error) => tracing::error!(%error, "a lease cannot be ended; it ends with the process"),
            }
        }
        for account in accounts {
            flow.hold_if_frozen(account).await;
        }
    }

    /// How long nothing can be started. The end of a delivery, and news of the store, wake us besides.
    fn until_next(&self) -> Duration {
        let now = self.flow.environment.now();
        let has_room = self.running.len() < self.flow.options.max_deliveries;
        let rested = self.rounds.next_rested().filter(|_| has_room);
        let swept = match self.sweep {
            Sweep::Done(at) if self.has_missed => Some(at + SWEEP_PAUSE),
            _ => None,
        };
        let next = self.next_due.into_iter().chain(self.next_deadline).chain(rested).chain(swept).min();
        let Some(next) = next else { return LONGEST_SLEEP };
        Duration::from_millis(u64::try_from(next.0.saturating_sub(now.0)).unwrap_or(0)).min(LONGEST_SLEEP)
    }
}

/// How many messages the entries, which are in the order of their turns, belong to. One message to many recipients of
/// a destination is one message.
fn messages_of(entries: &[QueueEntry]) -> usize {
    entries.iter().map(|entry| entry.message.journey).collect::<HashSet<JourneyId>>().len()
}
