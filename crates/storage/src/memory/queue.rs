//! The queue in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use posthouse_model::{Domain, QueueId, TrailEvent, UnixMillis};

use super::{MemoryStorage, State, bodies};
use crate::deadlines::Overdue;
use crate::error::{Named, StorageError};
use crate::mail::BodyKey;
use crate::observe::QueueNews;
use crate::queue::{
    Claim, Claimed, Queue, QueueCounts, QueueEntry, QueueFilter, QueueSteering, QueueSubmission, QueueTally,
    QueuedMessage, Ripened, Settlement, SettlementOutcome, TallyBy,
};
use crate::queue_fairness::{MAX_RECIPIENTS_PER_TURN, lane, next_turn};

/// An entry, and its turn if it is ready.
struct Slot {
    entry: QueueEntry,
    turn: Option<i64>,
}

#[derive(Default)]
pub(super) struct QueueTables {
    slots: BTreeMap<QueueId, Slot>,
    /// What is ready, in the order in which it is claimed.
    ready: BTreeSet<(Domain, i64, QueueId)>,
    /// The same by sender.
    lanes: BTreeSet<(Domain, String, i64, QueueId)>,
    /// What waits for its time.
    waiting: BTreeSet<(UnixMillis, QueueId)>,
    leased: BTreeSet<QueueId>,
    /// What has a deadline.
    deadlines: BTreeSet<(UnixMillis, QueueId)>,
    last_id: u64,
    /// What is to be told of what was done under this lock.
    news: QueueNews,
}

impl QueueTables {
    /// The message of each entry.
    pub fn messages(&self) -> impl Iterator<Item = &QueuedMessage> {
        self.slots.values().map(|slot| &*slot.entry.message)
    }

    /// Puts each recipient into the queue. Each of them refers to the body.
    pub fn submit(&mut self, submission: QueueSubmission, body: BodyKey) {
        let message = Arc::new(submission.message);
        let mut now_due = Vec::new();
        for queued in submission.recipients {
            self.last_id += 1;
            let id = QueueId(self.last_id);
            let held = queued.held.is_some();
            let (last_outcome, cause) = queued.held.map(|held| (held.outcome, held.cause)).unzip();
            let entry = QueueEntry {
                id,
                message: Arc::clone(&message),
                body,
                recipient: queued.recipient,
                destination: queued.destination,
                due_at: queued.due_at,
                expires_at: queued.expires_at,
                deadline: queued.deadline,
                attempts: 0,
                last_outcome,
                cause,
                detour: None,
                delay_reported: false,
                held,
                held_with_account: false,
            };
            let is_due = entry.due_at <= message.received_at;
            self.deadlines.extend(entry.deadline.map(|at| (at, id)));
            self.news.has_deadline(entry.deadline);
            self.slots.insert(id, Slot { entry, turn: None });
            match is_due {
                _ if held => {}
                true => now_due.push(id),
                false => self.wait(id),
            }
        }
        self.ready(now_due);
    }

    /// Gives entries their turns, those of one message and destination the same.
    fn ready(&mut self, ids: Vec<QueueId>) {
        let mut groups: Vec<((Domain, BodyKey, u64), Vec<QueueId>)> = Vec::new();
        for id in ids {
            let Some(slot) = self.slots.get(&id) else { continue };
            let key = (slot.entry.destination.clone(), slot.entry.body, slot.entry.message.journey.0);
            match groups.iter_mut().rev().find(|(one, ids)| *one == key && ids.len() < MAX_RECIPIENTS_PER_TURN) {
                Some((_, ids)) => ids.push(id),
                None => groups.push((key, vec![id])),
            }
        }
        for ((destination, ..), ids) in groups {
            let lane = self.lane(ids[0]);
            let all = (destination.clone(), lane.clone(), i64::MIN, QueueId(0))
                ..=(destination.clone(), lane.clone(), i64::MAX, QueueId(u64::MAX));
            let last = self.lanes.range(all).next_back().map(|one| one.2);
            let from = (destination.clone(), i64::MIN, QueueId(0));
            let first = self.ready.range(from..).next().filter(|one| one.0 == destination).map(|one| one.1);
            let turn = next_turn(last, first);
            for id in ids {
                let Some(slot) = self.slots.get_mut(&id) else { continue };
                slot.turn = Some(turn);
                self.ready.insert((destination.clone(), turn, id));
                self.lanes.insert((destination.clone(), lane.clone(), turn, id));
            }
            self.news.ready.push(destination);
        }
    }

    fn lane(&self, id: QueueId) -> String {
        self.slots.get(&id).map_or_else(String::new, |slot| lane(&slot.entry.message.sender))
    }

    fn wait(&mut self, id: QueueId) {
        if let Some(slot) = self.slots.get(&id) {
            self.waiting.insert((slot.entry.due_at, id));
            self.news.waits(slot.entry.due_at);
        }
    }

    /// Takes an entry out of all orders; it is neither ready nor waiting then.
    fn set_aside(&mut self, id: QueueId) {
        let lane = self.lane(id);
        let Some(slot) = self.slots.get_mut(&id) else { return };
        self.waiting.remove(&(slot.entry.due_at, id));
        if let Some(turn) = slot.turn.take() {
            self.ready.remove(&(slot.entry.destination.clone(), turn, id));
            self.lanes.remove(&(slot.entry.destination.clone(), lane, turn, id));
        }
    }

    fn remove(&mut self, id: QueueId) -> Option<BodyKey> {
        self.set_aside(id);
        self.end_deadline(id);
        self.leased.remove(&id);
        self.slots.remove(&id).map(|slot| slot.entry.body)
    }

    fn end_deadline(&mut self, id: QueueId) {
        if let Some(deadline) = self.slots.get_mut(&id).and_then(|slot| slot.entry.deadline.take()) {
            self.deadlines.remove(&(deadline, id));
        }
    }

    /// Leases what is overdue.
    pub fn overdue(&mut self, now: UnixMillis, limit: usize) -> Overdue {
        let mut overdue = Overdue::default();
        for (at, id) in self.deadlines.iter().filter(|(_, id)| !self.leased.contains(id)) {
            if *at > now || overdue.entries.len() == limit {
                overdue.next_deadline = Some(*at);
                break;
            }
            overdue.entries.extend(self.slots.get(id).map(|slot| slot.entry.clone()));
        }
        self.leased.extend(overdue.entries.iter().map(|entry| entry.id));
        overdue
    }

    fn ripen(&mut self, now: UnixMillis, limit: usize) -> Ripened {
        let due: Vec<_> = self.waiting.iter().take_while(|(at, _)| *at <= now).take(limit).copied().collect();
        for one in &due {
            self.waiting.remove(one);
        }
        self.ready(due.iter().map(|(_, id)| *id).collect());
        Ripened { entries: due.len(), next_due: self.waiting.first().map(|(at, _)| *at) }
    }

    fn claim(&mut self, claim: &Claim) -> Claimed {
        let mut claimed = Claimed::default();
        let mut messages = BTreeSet::new();
        let from = (claim.destination.clone(), i64::MIN, QueueId(0));
        for (_, _, id) in self.ready.range(from..).take_while(|one| one.0 == claim.destination) {
            let Some(slot) = self.slots.get(id).filter(|_| !self.leased.contains(id)) else { continue };
            let message = Arc::as_ptr(&slot.entry.message);
            let is_known = messages.contains(&message);
            if claimed.entries.len() >= claim.entries || (!is_known && messages.len() >= claim.messages) {
                claimed.has_more = true;
                break;
            }
            messages.insert(message);
            claimed.entries.push(slot.entry.clone());
        }
        self.leased.extend(claimed.entries.iter().map(|entry| entry.id));
        claimed
    }

    fn lease(&mut self, ids: Vec<QueueId>) -> Vec<QueueEntry> {
        let mut leased = Vec::new();
        for id in ids {
            if let Some(slot) = self.slots.get(&id)
                && self.leased.insert(id)
            {
                leased.push(slot.entry.clone());
            }
        }
        leased
    }

    /// Does one outcome; returns the body that an entry done with referred to.
    fn settle(&mut self, id: QueueId, outcome: SettlementOutcome) -> Option<BodyKey> {
        self.leased.remove(&id);
        match outcome {
            SettlementOutcome::Done => return self.remove(id),
            SettlementOutcome::Retry { due_at, outcome, cause, delay_reported, was_tried } => {
                self.set_aside(id);
                let slot = self.slots.get_mut(&id)?;
                slot.entry.attempts += u32::from(was_tried);
                slot.entry.due_at = due_at;
                slot.entry.last_outcome = Some(outcome);
                slot.entry.cause = Some(cause);
                slot.entry.delay_reported = delay_reported;
                if !slot.entry.held {
                    self.wait(id);
                }
            }
            SettlementOutcome::Hold { at, outcome, cause, deadline } => {
                self.set_aside(id);
                self.end_deadline(id);
                let entry = &mut self.slots.get_mut(&id)?.entry;
                entry.attempts += 1;
                entry.due_at = at;
                entry.last_outcome = Some(outcome);
                entry.cause = Some(cause);
                entry.deadline = Some(deadline);
                (entry.held, entry.held_with_account) = (true, false);
                self.deadlines.insert((deadline, id));
            }
            SettlementOutcome::Overdue => {
                self.end_deadline(id);
                self.ready_again(id);
            }
            SettlementOutcome::Untouched => self.ready_again(id),
        }
        self.news.has_deadline(self.slots.get(&id).and_then(|slot| slot.entry.deadline));
        None
    }

    /// Tells of an entry that is ready and not leased any more.
    fn ready_again(&mut self, id: QueueId) {
        let ready = self.slots.get(&id).filter(|slot| slot.turn.is_some());
        self.news.ready.extend(ready.map(|slot| slot.entry.destination.clone()));
    }

    /// Steers one entry, which is not leased; returns the body that a dropped one referred to.
    fn steer(&mut self, id: QueueId, steering: &QueueSteering) -> Option<BodyKey> {
        if matches!(steering, QueueSteering::Drop) {
            return self.remove(id);
        }
        let mut is_ready = self.slots.get(&id)?.turn.is_some();
        self.set_aside(id);
        let entry = &mut self.slots.get_mut(&id)?.entry;
        match steering {
            QueueSteering::RetryNow(now) => {
                entry.due_at = *now;
                is_ready = true;
            }
            QueueSteering::Hold => (entry.held, entry.held_with_account) = (true, false),
            QueueSteering::HoldWithAccount => {
                entry.held_with_account |= !entry.held;
                entry.held = true;
            }
            QueueSteering::Release => (entry.held, entry.held_with_account) = (false, false),
            QueueSteering::Divert(detour) => {
                entry.destination = detour.host.clone();
                entry.detour = Some(detour.clone());
            }
            QueueSteering::EndDetour { destination } => {
                entry.destination = destination.clone();
                entry.detour = None;
            }
            QueueSteering::Drop => {}
        }
        match (entry.held, is_ready) {
            (true, _) => {}
            (false, true) => self.ready(vec![id]),
            (false, false) => self.wait(id),
        }
        None
    }
}

fn matches(filter: &QueueFilter, entry: &QueueEntry) -> bool {
    let sender = entry.message.sender.address();
    filter.id.is_none_or(|id| entry.id == id)
        && filter.journey.is_none_or(|journey| entry.message.journey == journey)
        && filter.destination.as_ref().is_none_or(|destination| entry.destination == *destination)
        && filter.sender.as_ref().is_none_or(|folded| sender.is_some_and(|one| one.folded() == *folded))
        && filter.sender_domain.as_ref().is_none_or(|domain| sender.is_some_and(|one| one.domain == *domain))
        && filter.submitter.is_none_or(|account| entry.message.submitter == Some(account))
        && filter.cause.as_ref().is_none_or(|cause| entry.cause.as_ref() == Some(cause))
        && filter.held.is_none_or(|held| entry.held == held)
}

impl State {
    fn settle(&mut self, settlement: Settlement) -> Result<(), StorageError> {
        for (id, _) in &settlement.outcomes {
            if !self.queue.slots.contains_key(id) {
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

    fn steer(&mut self, entries: Vec<(QueueId, TrailEvent)>, steering: &QueueSteering) -> Vec<QueueId> {
        let mut steered = Vec::new();
        for (id, event) in entries {
            if self.queue.leased.contains(&id) || !self.queue.slots.contains_key(&id) {
                continue;
            }
            if let Some(body) = self.queue.steer(id, steering) {
                self.bodies.release(body);
            }
            self.trail.record(vec![event]);
            steered.push(id);
        }
        self.announce_queue();
        steered
    }

    /// Tells the observers what became of the queue.
    pub(super) fn announce_queue(&mut self) {
        let news = std::mem::take(&mut self.queue.news);
        if !news.is_empty() {
            self.observers.iter().for_each(|observer| observer.queue_changed(&news));
        }
    }
}

#[async_trait]
impl Queue for MemoryStorage {
    async fn ripen(&self, now: UnixMillis, limit: usize) -> Result<Ripened, StorageError> {
        let mut state = self.state()?;
        let ripened = state.queue.ripen(now, limit);
        state.announce_queue();
        Ok(ripened)
    }

    async fn ready_destinations(&self, after: Option<&Domain>, limit: usize) -> Result<Vec<Domain>, StorageError> {
        let state = self.state()?;
        let ready = &state.queue.ready;
        let mut found: Vec<Domain> = Vec::new();
        let mut last = after.cloned();
        while found.len() < limit {
            let next = match last {
                None => ready.first(),
                Some(last) => ready.range((last, i64::MAX, QueueId(u64::MAX))..).next(),
            };
            let Some((destination, ..)) = next else { break };
            found.push(destination.clone());
            last = Some(destination.clone());
        }
        Ok(found)
    }

    async fn claim(&self, claims: Vec<Claim>) -> Result<Vec<Claimed>, StorageError> {
        let mut state = self.state()?;
        Ok(claims.iter().map(|claim| state.queue.claim(claim)).collect())
    }

    async fn lease(&self, entries: Vec<QueueId>) -> Result<Vec<QueueEntry>, StorageError> {
        Ok(self.state()?.queue.lease(entries))
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
        let entries = state.queue.slots.values().map(|slot| &slot.entry);
        let wanted = |entry: &&QueueEntry| after.is_none_or(|after| entry.id > after) && matches(filter, entry);
        Ok(entries.filter(wanted).take(limit).cloned().collect())
    }

    async fn queue_counts(&self) -> Result<QueueCounts, StorageError> {
        let state = self.state()?;
        Ok(QueueCounts {
            entries: state.queue.slots.len() as u64,
            held: state.queue.slots.values().filter(|slot| slot.entry.held).count() as u64,
            leased: state.queue.leased.len() as u64,
            oldest_received_at: state.queue.slots.values().next().map(|slot| slot.entry.message.received_at),
        })
    }

    async fn queue_tallies(&self, by: TallyBy, limit: usize) -> Result<Vec<QueueTally>, StorageError> {
        let state = self.state()?;
        let mut tallies: BTreeMap<String, QueueTally> = BTreeMap::new();
        for slot in state.queue.slots.values() {
            let name = match by {
                TallyBy::Destination => Some(slot.entry.destination.to_string()),
                TallyBy::Cause => slot.entry.cause.clone(),
            };
            let Some(name) = name else { continue };
            let empty = || QueueTally { name: name.clone(), entries: 0, held: 0 };
            let tally = tallies.entry(name.clone()).or_insert_with(empty);
            tally.entries += 1;
            tally.held += u64::from(slot.entry.held);
        }
        let mut tallies: Vec<_> = tallies.into_values().collect();
        tallies.sort_by_key(|tally| std::cmp::Reverse(tally.entries));
        tallies.truncate(limit);
        Ok(tallies)
    }

    async fn steer(
        &self,
        entries: Vec<(QueueId, TrailEvent)>,
        steering: QueueSteering,
    ) -> Result<Vec<QueueId>, StorageError> {
        Ok(self.state()?.steer(entries, &steering))
    }
}
