//! Double bounces: reports, and other mail without a sender, that can neither be delivered nor be told of, where no
//! postmaster is named who would get them, or they were for the postmaster. They are held in the queue until an
//! administrator has looked at them, so many of them and for so long.
//!
//! So are reports that reach nobody from the beginning: the mailbox of their reader has gone, or takes no mail. They wait
//! as mail does that is to go later, and whoever releases one sends it to where its address leads then.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use posthouse_model::{ReversePath, TrailEvent, TrailKind, UnixMillis};
use posthouse_storage::{
    Delivery, HeldBecause, Named, QueueEntry, QueueFilter, QueueSteering, QueuedRecipient, Settlement,
    SettlementOutcome, StorageError, TallyBy,
};

use super::deadlines::OVERDUE;
use super::outcome::describe;
use super::report::Told;
use crate::Flow;
use crate::deliver::Parcel;
use crate::held_mail::Waits;

/// What they are found by in the queue.
pub const DOUBLE_BOUNCE: &str = "double-bounce";
/// How many are kept at once where nothing else is said.
pub const DEFAULT_MAX_DOUBLE_BOUNCES: usize = 500;
/// How long one is kept.
const KEPT_FOR: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// A larger message is not kept. A report returns a message of a mebibyte at most.
const MAX_KEPT_BYTES: u64 = 2 * 1024 * 1024;
/// Most that are dropped at once because there are too many.
const MAX_DROPPED_AT_ONCE: usize = 100;
/// Most different causes among which theirs is looked for; there are a few for each reply code.
const MAX_CAUSES: usize = 10_000;

/// How many there were.
#[derive(Default)]
pub(crate) struct DoubleBounces {
    kept: AtomicU64,
    dropped: AtomicU64,
}

/// Whether an entry is kept as a double bounce.
pub(super) fn is_kept(entry: &QueueEntry) -> bool {
    entry.held && entry.cause.as_deref() == Some(DOUBLE_BOUNCE)
}

/// How many a settlement keeps.
fn kept_in(settlement: &Settlement) -> usize {
    let held = settlement.outcomes.iter().filter(|(_, outcome)| matches!(outcome, SettlementOutcome::Hold { .. }));
    let queued = settlement.reports.iter().flat_map(|report| &report.queue).flat_map(|queue| &queue.recipients);
    let is_kept = |one: &&QueuedRecipient| one.held.as_ref().is_some_and(|held| held.cause == DOUBLE_BOUNCE);
    held.count() + queued.filter(is_kept).count()
}

impl Flow {
    /// Double bounces that were kept since the start.
    pub fn double_bounces_kept(&self) -> u64 {
        self.double_bounces.kept.load(Ordering::Relaxed)
    }

    /// Double bounces that were dropped since the start, because there were too many, or they were too old or too large.
    pub fn double_bounces_dropped(&self) -> u64 {
        self.double_bounces.dropped.load(Ordering::Relaxed)
    }

    /// What is done instead with an entry that is given up, where it is to be kept.
    pub(super) fn keep_double_bounce(
        &self,
        entry: &QueueEntry,
        failure: &Told,
        now: UnixMillis,
    ) -> Option<SettlementOutcome> {
        // Somebody is told.
        if entry.message.sender != ReversePath::Null || self.postmaster_for(std::slice::from_ref(failure)).is_some() {
            return None;
        }
        let (journey, size_bytes) = (entry.message.journey, entry.message.size_bytes);
        if size_bytes > MAX_KEPT_BYTES {
            tracing::warn!(%journey, size_bytes, "a double bounce is dropped: it is too large to be kept");
            self.double_bounces.dropped.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        Some(SettlementOutcome::Hold {
            at: now,
            outcome: match &failure.cause {
                Some(cause) => describe(cause, failure.host.as_deref()),
                None => OVERDUE.to_owned(),
            },
            cause: DOUBLE_BOUNCE.to_owned(),
            deadline: now + KEPT_FOR,
        })
    }

    /// Mail of the house that reaches nobody, to be kept.
    pub(crate) fn kept(&self, parcel: &Parcel<'_>, why: String, trail: Vec<TrailEvent>) -> Delivery {
        let held = HeldBecause { outcome: why, cause: DOUBLE_BOUNCE.to_owned() };
        let waits = Waits { until: None, held: Some(held) };
        self.held_delivery(parcel, &waits, Some(parcel.now + KEPT_FOR), trail)
    }

    /// Settles, and keeps account of the double bounces among what it brings.
    pub(crate) async fn settle_told(&self, settlement: Settlement) -> Result<(), StorageError> {
        let kept = kept_in(&settlement);
        let placements = settlement.reports.iter().flat_map(|report| &report.placements);
        let accounts: Vec<_> = placements.map(|placement| placement.account).collect();
        match self.store.settle(settlement).await {
            Ok(()) => {
                self.bound_double_bounces(kept).await;
                Ok(())
            }
            Err(error @ StorageError::NotFound(Named::Mailbox)) => {
                tracing::warn!(%error, "a report has nowhere to go");
                accounts.into_iter().for_each(|account| self.mailboxes.forget_inbox(account));
                Err(error)
            }
            Err(error) => Err(error),
        }
    }

    /// Counts those that were kept just now, and drops the oldest where there are too many.
    async fn bound_double_bounces(&self, kept: usize) {
        if kept == 0 {
            return;
        }
        tracing::warn!(kept, "double bounces are kept in the queue: nobody else would get them");
        self.double_bounces.kept.fetch_add(kept as u64, Ordering::Relaxed);
        if let Err(error) = self.drop_oldest().await {
            tracing::error!(%error, "double bounces cannot be dropped yet");
        }
    }

    async fn drop_oldest(&self) -> Result<(), StorageError> {
        let tallies = self.store.queue_tallies(TallyBy::Cause, MAX_CAUSES).await?;
        let held = tallies.iter().find(|tally| tally.name == DOUBLE_BOUNCE).map_or(0, |tally| tally.held);
        let excess = usize::try_from(held).unwrap_or(usize::MAX).saturating_sub(self.options.max_double_bounces);
        if excess == 0 {
            return Ok(());
        }
        let filter = QueueFilter { cause: Some(DOUBLE_BOUNCE.to_owned()), held: Some(true), ..QueueFilter::default() };
        let oldest = self.store.queue_entries(&filter, None, excess.min(MAX_DROPPED_AT_ONCE)).await?;
        let now = self.environment.now();
        let event = |entry: &QueueEntry| {
            TrailEvent::new(entry.message.journey, now, TrailKind::Failed)
                .about(&entry.recipient.address)
                .fact("to", format!("<{}>", entry.recipient.address))
                .fact("cause", "too many double bounces are kept; this was the oldest")
        };
        let oldest = oldest.iter().map(|entry| (entry.id, event(entry))).collect();
        let dropped = self.store.steer(oldest, QueueSteering::Drop).await?.len();
        self.tell_of_dropped(dropped, "there are too many");
        Ok(())
    }

    /// Tells of double bounces that were dropped.
    pub(super) fn tell_of_dropped(&self, dropped: usize, why: &str) {
        if dropped > 0 {
            tracing::warn!(dropped, why, "double bounces are dropped");
            self.double_bounces.dropped.fetch_add(dropped as u64, Ordering::Relaxed);
        }
    }
}
