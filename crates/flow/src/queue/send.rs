//! One delivery: some entries for one destination, handed to the first of its hosts that takes them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use posthouse_domain_policy::Resolver;
use posthouse_domain_policy::transport::Reason;
use posthouse_model::{ByMode, TlsWish, TrailEvent, TrailKind, UnixMillis};
use posthouse_storage::{
    BodySlice, Delivery, Named, QueueEntry, QueuedMessage, Settlement, SettlementOutcome, StorageError,
};
use tokio::time::Instant;

use super::body_room::BodyRoom;
use super::courier::{Carried, Cause, Consignment, Courier, DeliveryResult, HopFailure, RecipientResult};
use super::double_bounces::DOUBLE_BOUNCE;
use super::hops::Hops;
use super::outcome::{Attempt, decide};
use super::report::{About, Told, octets_wanted};
use super::window::{Answer, Answers};
use crate::Flow;
use crate::receive::return_path;
use crate::smart_route::{PutOff, SmartRoute};

/// Most recipients in one transaction (RFC 5321 §4.5.3.1.8: a host takes 100 at least).
const MAX_RECIPIENTS_PER_TRANSACTION: usize = 100;
/// Octets of a body read from the store at once.
const READ_BYTES: u64 = 256 * 1024;
/// The pause before the store is asked again to keep what became of an attempt.
pub(super) const SETTLE_PAUSE: Duration = Duration::from_secs(1);
/// How often it is asked. After that the leases end with the process, and a delivered message may go out twice.
pub(super) const MAX_SETTLE_ATTEMPTS: usize = 60;
/// How long one delivery works for its destination before others of its messages have their turn.
const TURN_TIME: Duration = Duration::from_secs(5);
/// How often a report may find that its mailbox has gone, which each time was there a moment before; then the outcome is
/// kept without it.
pub(super) const MAX_STRAYED_REPORTS: usize = 5;

/// Entries for one destination.
pub(super) struct Sending {
    flow: Arc<Flow>,
    resolver: Arc<dyn Resolver>,
    courier: Arc<dyn Courier>,
    body_room: Arc<BodyRoom>,
    entries: Vec<QueueEntry>,
}

/// What the attempt came to for one message.
struct Tried {
    entries: Vec<QueueEntry>,
    result: Result<DeliveryResult, HopFailure>,
    /// Who said how much TLS the host has to offer.
    reason: Option<Reason>,
    /// Whether anything was tried at all.
    was_tried: bool,
    /// Before when there is no use in trying again.
    not_before: Option<UnixMillis>,
    /// Whether it was less than its domain has always had.
    is_less: bool,
    /// When it was begun, if it was.
    began_at: Option<UnixMillis>,
}

impl Tried {
    /// Nothing was tried: the route carries no more for now.
    fn put_off(entries: Vec<QueueEntry>, put_off: PutOff) -> Self {
        let not_before = Some(put_off.until);
        let failure = HopFailure { cause: put_off.cause, host: String::new() };
        Self { not_before, was_tried: false, ..Self::failed(entries, failure) }
    }

    fn failed(entries: Vec<QueueEntry>, failure: HopFailure) -> Self {
        Self {
            entries,
            result: Err(failure),
            reason: None,
            was_tried: true,
            not_before: None,
            is_less: false,
            began_at: None,
        }
    }
}

/// Entries that go the same way, and the route if it is one.
type Way = (Option<Arc<SmartRoute>>, Vec<QueueEntry>);

impl Sending {
    pub fn new(
        flow: Arc<Flow>,
        resolver: Arc<dyn Resolver>,
        courier: Arc<dyn Courier>,
        body_room: Arc<BodyRoom>,
        entries: Vec<QueueEntry>,
    ) -> Self {
        Self { flow, resolver, courier, body_room, entries }
    }

    /// Sends message after message. What became of one is durable before anything more is said on its connection. So a
    /// server that is killed sends a message again only where the other side's 250 had not been taken note of.
    ///
    /// When its time is over, what it has not come to is given back, so that others have their turn. Tells how the
    /// destination took it.
    pub async fn run(mut self) -> Answers {
        let began = Instant::now();
        let (mut answers, mut left) = (Answers::default(), Vec::new());
        let entries = std::mem::take(&mut self.entries);
        let (waited, entries): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| entry.message.awaits_release);
        // An address that several recipients lead to gets a message once, so all that are here go together.
        for entries in by_message(waited, usize::MAX) {
            answers.note(Answer::Served, Duration::ZERO);
            self.release(entries).await;
        }
        for (route, entries) in self.by_way(entries) {
            let domain = &entries[0].recipient.address.domain;
            let tls = entries[0].message.tls;
            // Held until the last of its messages is settled.
            let place = match &route {
                Some(route) => tokio::time::timeout(TURN_TIME, route.place()).await,
                None => Ok(None),
            };
            if place.is_err() {
                left.extend(entries);
                continue;
            }
            let mut hops = match &entries[0].detour {
                Some(detour) => Hops::by(detour, &self.flow, &self.resolver, domain, tls),
                None => Hops::find(&self.flow, &self.resolver, domain, tls, route.as_deref()).await,
            };
            for entries in by_message(entries, MAX_RECIPIENTS_PER_TRANSACTION) {
                if is_over(&entries[0].message, self.flow.environment.now()) {
                    // RFC 2852 §4.1.3: no further attempts.
                    self.flow.end_overdue(entries).await;
                    continue;
                }
                // Where no host can be used, the rest is soon told so.
                if began.elapsed() >= TURN_TIME && !hops.are_over() {
                    left.extend(entries);
                    continue;
                }
                let size_bytes = if hops.are_over() { 0 } else { entries[0].message.size_bytes };
                let Ok(room) = tokio::time::timeout(TURN_TIME, self.body_room.take(size_bytes)).await else {
                    left.extend(entries);
                    continue;
                };
                if let Some(route) = route.as_ref().filter(|_| !hops.are_over())
                    && let Err(put_off) = self.flow.take_turn(route).await
                {
                    self.settle(Tried::put_off(entries, put_off)).await;
                    continue;
                }
                let (tried_at, began_at) = (Instant::now(), self.flow.environment.now());
                let (tried, carried) = self.try_hops(&mut hops, entries).await;
                let tried = Tried { began_at: Some(began_at), ..tried };
                answers.note(Answer::of(&tried.result), tried_at.elapsed());
                self.settle(tried).await;
                // Only now may its connection be used again.
                drop((carried, room));
                if let Some(route) = &route {
                    route.rest().await;
                }
            }
        }
        self.give_back(left).await;
        answers
    }

    /// Lets a message go that was to wait.
    async fn release(&self, entries: Vec<QueueEntry>) {
        let message = &entries[0].message;
        if message.submitter.is_some_and(|account| self.flow.is_frozen(account)) {
            // It came to its turn while its account was frozen, and is held as the rest.
            return self.give_back(entries).await;
        }
        let _room = self.body_room.take(message.size_bytes).await;
        if let Err(error) = self.flow.release(&entries).await {
            tracing::error!(%error, journey = %entries[0].message.journey, "a message cannot be let go yet");
            let cause = Cause::Internal(error.to_string());
            self.settle(Tried::failed(entries, HopFailure { cause, host: String::new() })).await;
        }
    }

    /// Ends the leases of what was not tried. If its account was frozen meanwhile, it is held.
    async fn give_back(&self, entries: Vec<QueueEntry>) {
        if entries.is_empty() {
            return;
        }
        let outcomes = entries.iter().map(|entry| (entry.id, SettlementOutcome::Untouched)).collect();
        let settlement = Settlement { outcomes, reports: Vec::new(), trail: Vec::new() };
        for _ in 0..MAX_SETTLE_ATTEMPTS {
            match self.flow.store.settle(settlement.clone()).await {
                Err(error) if error.is_passing() => tracing::error!(%error, "leases cannot be ended yet"),
                Err(error) => return tracing::error!(%error, "leases cannot be ended; they end with the process"),
                Ok(()) => return self.flow.watch_outcomes(&entries, &vec![false; entries.len()]).await,
            }
            tokio::time::sleep(SETTLE_PAUSE).await;
        }
    }

    /// Entries that go the same way together. A smart host may have the name of a domain that goes by MX, and two
    /// routes may lead to one host in different ways.
    fn by_way(&self, entries: Vec<QueueEntry>) -> Vec<Way> {
        let mut ways: Vec<Way> = Vec::new();
        for entry in entries {
            // What an administrator sends elsewhere takes no route.
            let route = self.flow.route_of(&entry).filter(|_| entry.detour.is_none());
            let is_same = |(known, others): &&mut Way| {
                let other = &others[0];
                entry.message.tls == other.message.tls
                    && entry.detour == other.detour
                    && match (&route, known) {
                        (None, None) => entry.recipient.address.domain == other.recipient.address.domain,
                        (Some(route), Some(known)) => Arc::ptr_eq(route, known),
                        _ => false,
                    }
            };
            match ways.iter_mut().find(is_same) {
                Some((_, way)) => way.push(entry),
                None => ways.push((route, vec![entry])),
            }
        }
        ways
    }

    /// Tries one host after the other until one takes the message, or answers about it. A host that fails is not tried
    /// again for the messages that follow.
    async fn try_hops(&self, hops: &mut Hops, entries: Vec<QueueEntry>) -> (Tried, Option<Carried>) {
        if hops.are_over() {
            return (Tried::failed(entries, hops.last_failure().clone()), None);
        }
        let consignment = match self.consignment(&entries).await {
            Ok(consignment) => consignment,
            Err(error) => {
                let cause = Cause::Internal(error.to_string());
                return (Tried::failed(entries, HopFailure { cause, host: String::new() }), None);
            }
        };
        hops.begin_message();
        let mut broken_off = None;
        while let Some(hop) = hops.next().await {
            let reason = Some(hop.reason);
            match self.courier.carry(&hop.next, vec![consignment.clone()]).await {
                Ok(carried) => {
                    let nothing = || HopFailure { cause: Cause::Protocol("no reply".to_owned()), host: String::new() };
                    let result = carried.first().cloned().ok_or_else(nothing);
                    if let Ok(result) = &result
                        && let Some(cause) = why_broken_off(result)
                    {
                        hops.broke_off(&result.host, cause);
                        broken_off = Some((reason, result.clone()));
                        continue;
                    }
                    let has_accepted = |result: &DeliveryResult| {
                        result.recipients.iter().any(|one| matches!(one, RecipientResult::Accepted(_)))
                    };
                    let is_less = match &result {
                        Ok(result) if has_accepted(result) => hops.carried(result.protection),
                        _ => false,
                    };
                    return (
                        Tried { entries, result, reason, was_tried: true, not_before: None, is_less, began_at: None },
                        Some(carried),
                    );
                }
                Err(failure) => hops.failed(failure),
            }
        }
        let tried = match broken_off {
            Some((reason, result)) => Tried {
                entries,
                result: Ok(result),
                reason,
                was_tried: true,
                not_before: None,
                is_less: false,
                began_at: None,
            },
            None => Tried::failed(entries, hops.last_failure().clone()),
        };
        (tried, None)
    }

    async fn consignment(&self, entries: &[QueueEntry]) -> Result<Consignment, StorageError> {
        let message = &entries[0].message;
        Ok(Consignment {
            sender: self.flow.reverse_path(message).await?,
            recipients: entries.iter().map(|entry| entry.recipient.clone()).collect(),
            body_type: message.body_type,
            smtputf8: message.smtputf8,
            require_tls: message.tls == TlsWish::Required,
            dsn_return: message.dsn_return,
            envelope_id: message.envelope_id.clone(),
            deliver_by: message.deliver_by,
            content: self.flow.last_touches(message, self.content(&entries[0]).await?, &*self.resolver).await?,
        })
    }

    /// The octets of a message, without the Return-Path that its local recipients see (RFC 5321 §4.4).
    async fn content(&self, entry: &QueueEntry) -> Result<Vec<Bytes>, StorageError> {
        let mut pieces = octets_of(&self.flow, entry).await?;
        if let Some(first) = pieces.first_mut() {
            *first = without_return_path(entry, std::mem::take(first));
        }
        Ok(pieces)
    }

    /// Keeps what became of the attempt, with the reports that follow from it, in one transaction. While a report
    /// cannot be written nothing is settled: a message must not end without its sender being told.
    async fn settle(&self, tried: Tried) {
        let mut settlement = Settlement { outcomes: Vec::new(), reports: Vec::new(), trail: Vec::new() };
        let told = self.decide(&tried, &mut settlement);
        let mut strayed = 0;
        for _ in 0..MAX_SETTLE_ATTEMPTS {
            let reports = match strayed {
                0..MAX_STRAYED_REPORTS => self.reports(&tried, &told).await,
                _ => Ok(Vec::new()),
            };
            let settled = match reports {
                Ok(reports) => {
                    settlement.reports = reports;
                    self.flow.settle_told(settlement.clone()).await
                }
                Err(error) => Err(error),
            };
            match settled {
                Ok(()) => {
                    let failed = settlement.trail.iter().map(|event| event.kind == TrailKind::Failed);
                    return self.flow.watch_outcomes(&tried.entries, &failed.collect::<Vec<_>>()).await;
                }
                Err(error) if error.is_passing() => tracing::error!(%error, "an outcome cannot be stored yet"),
                // The mailbox that a report was for has gone meanwhile. What was delivered must not go out again for it.
                Err(StorageError::NotFound(Named::Mailbox)) => {
                    strayed += 1;
                    continue;
                }
                Err(error) => {
                    tracing::error!(%error, "an outcome cannot be stored");
                    return;
                }
            }
            tokio::time::sleep(SETTLE_PAUSE).await;
        }
    }

    async fn reports(&self, tried: &Tried, told: &[Told]) -> Result<Vec<Delivery>, StorageError> {
        match tried.entries.first() {
            Some(entry) if !told.is_empty() => Ok(report_about(&self.flow, entry, told).await?.into_iter().collect()),
            _ => Ok(Vec::new()),
        }
    }

    /// What becomes of each recipient, and what is to be told of it.
    fn decide(&self, tried: &Tried, settlement: &mut Settlement) -> Vec<Told> {
        let flow = &self.flow;
        let now = flow.environment.now();
        let mut told = Vec::new();
        for (at, entry) in tried.entries.iter().enumerate() {
            let answered = tried.answered(at);
            let Answered { result, host, offers_dsn, offers_deliver_by } = &answered;
            let attempt = Attempt {
                entry,
                result,
                host: *host,
                offers_dsn: *offers_dsn,
                offers_deliver_by: *offers_deliver_by,
                was_tried: tried.was_tried,
                now,
                random: flow.environment.random(),
            };
            let schedule = flow.options.schedule_for(&entry.recipient.address.domain, &entry.destination);
            let mut decision = decide(&attempt, schedule);
            if let (SettlementOutcome::Retry { due_at, .. }, Some(not_before)) =
                (&mut decision.outcome, tried.not_before)
            {
                // Beyond its time in the queue it comes again as usual, and then is given up.
                if not_before < entry.expires_at {
                    *due_at = not_before;
                }
            }
            let failure = decision.told.as_ref().filter(|_| decision.failed);
            let kept = failure.and_then(|failure| flow.keep_double_bounce(entry, failure, now));
            let mut event = tried.event(entry, &answered, decision.failed, now);
            match kept {
                Some(hold) => {
                    event = event.fact("held", DOUBLE_BOUNCE);
                    settlement.outcomes.push((entry.id, hold));
                }
                None => {
                    settlement.outcomes.push((entry.id, decision.outcome));
                    told.extend(decision.told);
                }
            }
            settlement.trail.push(event);
        }
        told
    }
}

/// What the attempt says about one recipient.
struct Answered<'a> {
    result: RecipientResult,
    host: Option<&'a str>,
    offers_dsn: bool,
    offers_deliver_by: bool,
}

impl Tried {
    fn answered(&self, at: usize) -> Answered<'_> {
        match &self.result {
            Ok(result) => {
                let lost = || RecipientResult::Refused(Cause::Protocol("no reply".to_owned()));
                Answered {
                    result: result.recipients.get(at).cloned().unwrap_or_else(lost),
                    host: Some(result.host.as_str()),
                    offers_dsn: result.offers_dsn,
                    offers_deliver_by: result.offers_deliver_by,
                }
            }
            Err(failure) => Answered {
                result: RecipientResult::Refused(failure.cause.clone()),
                host: host_of(failure),
                offers_dsn: false,
                offers_deliver_by: false,
            },
        }
    }

    /// What the trail is told about one recipient.
    fn event(&self, entry: &QueueEntry, answered: &Answered<'_>, failed: bool, now: UnixMillis) -> TrailEvent {
        let Answered { result, host, .. } = answered;
        let mut event = TrailEvent::new(entry.message.journey, now, kind_of(result, failed))
            .about(&entry.recipient.address)
            .fact("to", format!("<{}>", entry.recipient.address));
        if self.was_tried {
            event = event.fact("attempt", (entry.attempts + 1).to_string()).since(self.began_at);
        }
        if let Some(host) = host {
            event = event.fact("host", *host);
        }
        if let Some(tls) = self.result.as_ref().ok().and_then(|result| result.tls.as_ref()) {
            event = event.fact("tls", tls.clone());
        }
        if let Some(reason) = self.reason {
            event = event.fact("tls-policy", reason.word());
        }
        if self.is_less {
            event = event.fact("tls-floor", "less than this domain has always had");
        }
        match result {
            RecipientResult::Accepted(reply) => event.fact("reply", reply.to_string()),
            RecipientResult::Refused(cause @ Cause::Tls(problem)) => {
                event.fact("cause", cause.to_string()).fact("tls-cause", problem.kind.code())
            }
            RecipientResult::Refused(cause) => event.fact("cause", cause.to_string()),
        }
    }
}

/// The octets of a message as they are stored.
pub(super) async fn octets_of(flow: &Flow, entry: &QueueEntry) -> Result<Vec<Bytes>, StorageError> {
    let mut pieces = Vec::new();
    let mut from = 0;
    while from < entry.message.size_bytes {
        let range = from..(from + READ_BYTES).min(entry.message.size_bytes);
        let read = flow.store.read(&[BodySlice { body: entry.body, range: range.clone() }]).await?;
        pieces.extend(read);
        from = range.end;
    }
    Ok(pieces)
}

/// A report to the sender about recipients of one message.
pub(super) async fn report_about(
    flow: &Flow,
    entry: &QueueEntry,
    told: &[Told],
) -> Result<Option<Delivery>, StorageError> {
    let message = &entry.message;
    let wanted = BodySlice { body: entry.body, range: 0..octets_wanted(message.size_bytes) };
    let raw = match flow.store.read(&[wanted]).await {
        Ok(read) => read.into_iter().next().unwrap_or_default(),
        Err(error) if error.is_passing() => return Err(error),
        Err(error) => {
            tracing::error!(%error, journey = %message.journey, "a report goes without the message's header");
            Bytes::new()
        }
    };
    let before = raw.len();
    let beginning = without_return_path(entry, raw);
    let about = About {
        journey: message.journey,
        sender: &message.sender,
        envelope_id: message.envelope_id.as_deref(),
        smtputf8: message.smtputf8,
        dsn_return: message.dsn_return,
        received_at: message.received_at,
        future_release: message.future_release,
        deliver_by: message.deliver_by,
        size_bytes: message.size_bytes - (before - beginning.len()) as u64,
        beginning,
    };
    flow.report(&about, told).await
}

/// Why nobody got the message, where the connection ended within it.
fn why_broken_off(result: &DeliveryResult) -> Option<&Cause> {
    let lost = |one: &RecipientResult| matches!(one, RecipientResult::Refused(Cause::Lost(_)));
    match result.recipients.first() {
        Some(RecipientResult::Refused(cause)) if result.recipients.iter().all(lost) => Some(cause),
        _ => None,
    }
}

fn host_of(failure: &HopFailure) -> Option<&str> {
    (!failure.host.is_empty()).then_some(failure.host.as_str())
}

fn kind_of(result: &RecipientResult, failed: bool) -> TrailKind {
    match result {
        RecipientResult::Accepted(_) => TrailKind::Relayed,
        RecipientResult::Refused(_) if failed => TrailKind::Failed,
        RecipientResult::Refused(_) => TrailKind::Deferred,
    }
}

/// Whether a message is not to be delivered any more.
fn is_over(message: &QueuedMessage, now: UnixMillis) -> bool {
    message.deliver_by.is_some_and(|by| by.mode == ByMode::Return && by.at <= now)
}

/// Entries of one message together, so many at most.
pub(super) fn by_message(entries: Vec<QueueEntry>, most: usize) -> Vec<Vec<QueueEntry>> {
    let mut groups: Vec<Vec<QueueEntry>> = Vec::new();
    for entry in entries {
        let same = |group: &&mut Vec<QueueEntry>| {
            group.len() < most && group[0].message.journey == entry.message.journey && group[0].body == entry.body
        };
        match groups.iter_mut().rev().find(same) {
            Some(group) => group.push(entry),
            None => groups.push(vec![entry]),
        }
    }
    groups
}

fn without_return_path(entry: &QueueEntry, piece: Bytes) -> Bytes {
    let own = return_path(&entry.message.sender);
    if piece.starts_with(own.as_bytes()) { piece.slice(own.len()..) } else { piece }
}
