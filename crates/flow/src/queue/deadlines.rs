//! What is done when the time is over in which a message was to be delivered (RFC 2852).

use posthouse_model::{TrailEvent, TrailKind, UnixMillis};
use posthouse_storage::{Named, QueueEntry, Settlement, SettlementOutcome, StorageError};

use super::double_bounces::{DOUBLE_BOUNCE, is_kept};
use super::outcome::overdue;
use super::send::{MAX_SETTLE_ATTEMPTS, MAX_STRAYED_REPORTS, SETTLE_PAUSE, by_message, report_about};
use crate::Flow;

/// What the trail says of it.
pub(super) const OVERDUE: &str = "not delivered by the time its sender set";
/// What it says of a double bounce.
const NO_LONGER_KEPT: &str = "double bounces are not kept longer";

impl Flow {
    /// Returns leased entries whose time is over, or tells their senders and lets them go on, as their senders want.
    pub(super) async fn end_overdue(&self, entries: Vec<QueueEntry>) {
        for entries in by_message(entries, usize::MAX) {
            let mut strayed = 0;
            for _ in 0..MAX_SETTLE_ATTEMPTS {
                match self.end_message(&entries).await {
                    Ok(()) => break,
                    // The mailbox that a report was for has gone meanwhile.
                    Err(StorageError::NotFound(Named::Mailbox)) if strayed < MAX_STRAYED_REPORTS => strayed += 1,
                    Err(error) if error.is_passing() => {
                        tracing::error!(%error, "what is overdue cannot be settled yet");
                        tokio::time::sleep(SETTLE_PAUSE).await;
                    }
                    Err(error) => {
                        tracing::error!(%error, "what is overdue cannot be settled");
                        break;
                    }
                }
            }
        }
    }

    /// Settles the entries of one message, with the report that follows.
    async fn end_message(&self, entries: &[QueueEntry]) -> Result<(), StorageError> {
        let now = self.environment.now();
        let mut settlement = Settlement { outcomes: Vec::new(), reports: Vec::new(), trail: Vec::new() };
        let mut told = Vec::new();
        for entry in entries {
            let (mut outcome, mut to_tell) = overdue(entry);
            if outcome == SettlementOutcome::Done
                && let Some(kept) = to_tell.as_ref().and_then(|failure| self.keep_double_bounce(entry, failure, now))
            {
                (outcome, to_tell) = (kept, None);
            }
            if is_kept(entry) || entry.message.deliver_by.is_some() {
                settlement.trail.push(event(entry, &outcome, now));
            }
            settlement.outcomes.push((entry.id, outcome));
            told.extend(to_tell);
        }
        if let Some(first) = entries.first().filter(|_| !told.is_empty()) {
            settlement.reports.extend(report_about(self, first, &told).await?);
        }
        let failed: Vec<_> = settlement.outcomes.iter().map(|(_, one)| is_given_up(one)).collect();
        self.settle_told(settlement).await?;
        self.tell_of_dropped(entries.iter().filter(|entry| is_kept(entry)).count(), "they are too old");
        self.watch_outcomes(entries, &failed).await;
        Ok(())
    }
}

fn is_given_up(outcome: &SettlementOutcome) -> bool {
    matches!(outcome, SettlementOutcome::Done | SettlementOutcome::Hold { .. })
}

fn event(entry: &QueueEntry, outcome: &SettlementOutcome, now: UnixMillis) -> TrailEvent {
    let kind = if is_given_up(outcome) { TrailKind::Failed } else { TrailKind::Deferred };
    let event = TrailEvent::new(entry.message.journey, now, kind)
        .about(&entry.recipient.address)
        .fact("to", format!("<{}>", entry.recipient.address))
        .fact("cause", if is_kept(entry) { NO_LONGER_KEPT } else { OVERDUE });
    match outcome {
        SettlementOutcome::Hold { .. } => event.fact("held", DOUBLE_BOUNCE),
        _ => event,
    }
}
