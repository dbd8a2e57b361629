//! From what became of an attempt to what is done next: a pure function.

use posthouse_model::{ByMode, DsnNotify, UnixMillis};
use posthouse_storage::{QueueEntry, SettlementOutcome};

use super::courier::{Cause, RecipientResult};
use super::double_bounces::is_kept;
use super::report::{Told, Verdict};
use super::schedule::RetrySchedule;

/// What is done with an entry after an attempt.
#[derive(Debug)]
pub(super) struct Decision {
    /// With the entry itself.
    pub outcome: SettlementOutcome,
    /// What the sender is to be told, if anything.
    pub told: Option<Told>,
    /// Whether the entry is given up.
    pub failed: bool,
}

/// An attempt, seen by one entry.
pub(super) struct Attempt<'a> {
    pub entry: &'a QueueEntry,
    pub result: &'a RecipientResult,
    /// The host it was made at, for people.
    pub host: Option<&'a str>,
    /// Whether the host took over what the sender wants to be told.
    pub offers_dsn: bool,
    /// Whether the host took over the time of the message.
    pub offers_deliver_by: bool,
    /// Whether it was made: a route may carry no more for now.
    pub was_tried: bool,
    pub now: UnixMillis,
    pub random: u64,
}

/// Decides.
pub(super) fn decide(attempt: &Attempt<'_>, schedule: &RetrySchedule) -> Decision {
    match attempt.result {
        RecipientResult::Accepted(_) => {
            let wants = (notify(attempt.entry).success && !attempt.offers_dsn) || is_traced(attempt);
            let told = wants.then(|| told(attempt, Verdict::Relayed, None));
            Decision { outcome: SettlementOutcome::Done, told, failed: false }
        }
        RecipientResult::Refused(cause) if !cause.is_passing() => give_up(attempt, cause, Verdict::Failed),
        RecipientResult::Refused(cause) => {
            let attempts = attempt.entry.attempts + u32::from(attempt.was_tried);
            let due_at = schedule.next(attempts, attempt.now, attempt.random);
            if due_at >= attempt.entry.expires_at {
                return give_up(attempt, cause, Verdict::Expired);
            }
            // What was to wait is late only when it has gone on.
            let message = &attempt.entry.message;
            let waited_since =
                message.future_release.map_or(message.received_at, |one| one.at.max(message.received_at));
            let is_late = attempt.now >= waited_since + schedule.report_delay_after;
            let reports_delay = is_late && notify(attempt.entry).delay && !attempt.entry.delay_reported;
            let outcome = SettlementOutcome::Retry {
                due_at,
                outcome: describe(cause, attempt.host),
                cause: cause.code(),
                delay_reported: attempt.entry.delay_reported || reports_delay,
                was_tried: attempt.was_tried,
            };
            let told = reports_delay.then(|| told(attempt, Verdict::Delayed, Some(cause)));
            Decision { outcome, told, failed: false }
        }
    }
}

/// Whether the sender is told that a host has the message, because of the time that the message has. RFC 2852 §4.1.4:
/// where tracing is asked for; §4.1.4.2: where the host does not know of the time, and it is not over.
fn is_traced(attempt: &Attempt<'_>) -> bool {
    let Some(by) = attempt.entry.message.deliver_by else { return false };
    let is_lost = by.mode == ByMode::Notify && !attempt.offers_deliver_by && attempt.now < by.at;
    (by.trace || is_lost) && attempt.entry.recipient.notify != Some(DsnNotify::NEVER)
}

fn give_up(attempt: &Attempt<'_>, cause: &Cause, verdict: Verdict) -> Decision {
    let told = notify(attempt.entry).failure.then(|| told(attempt, verdict, Some(cause)));
    Decision { outcome: SettlementOutcome::Done, told, failed: true }
}

/// What the sender is told of an entry that an administrator gave up, if anything.
pub(super) fn given_up_by_administrator(entry: &QueueEntry, cause: &Cause) -> Option<Told> {
    let told = || Told {
        recipient: entry.recipient.clone(),
        verdict: Verdict::Failed,
        cause: Some(cause.clone()),
        host: None,
        retry_until: None,
    };
    notify(entry).failure.then(told)
}

/// What the sender is told of an entry whose time is over, if anything, and what is done with it (RFC 2852 §4.1.3).
pub(super) fn overdue(entry: &QueueEntry) -> (SettlementOutcome, Option<Told>) {
    if is_kept(entry) {
        return (SettlementOutcome::Done, None);
    }
    // What was kept for a while, and goes on.
    let Some(by) = entry.message.deliver_by else { return (SettlementOutcome::Overdue, None) };
    let (outcome, verdict, wants) = match by.mode {
        ByMode::Return => (SettlementOutcome::Done, Verdict::Expired, notify(entry).failure),
        ByMode::Notify => (SettlementOutcome::Overdue, Verdict::Overdue, notify(entry).delay),
    };
    let told = || Told {
        recipient: entry.recipient.clone(),
        verdict,
        cause: None,
        host: None,
        retry_until: Some(entry.expires_at),
    };
    (outcome, wants.then(told))
}

fn told(attempt: &Attempt<'_>, verdict: Verdict, cause: Option<&Cause>) -> Told {
    Told {
        recipient: attempt.entry.recipient.clone(),
        verdict,
        cause: cause.cloned(),
        host: attempt.host.map(str::to_owned),
        retry_until: Some(attempt.entry.expires_at),
    }
}

fn notify(entry: &QueueEntry) -> DsnNotify {
    entry.recipient.notify.unwrap_or(DsnNotify::DEFAULT)
}

/// What happened, in words for the queue listing.
pub(super) fn describe(cause: &Cause, host: Option<&str>) -> String {
    match host {
        Some(host) => format!("{host}: {cause}"),
        None => cause.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use posthouse_model::{Address, BodyType, Domain, JourneyId, QueueId, Recipient, ReversePath};
    use posthouse_storage::{BodyKey, QueuedMessage};

    use super::*;
    use crate::queue::courier::PeerReply;

    const HOUR: i64 = 3_600_000;

    fn entry(notify: Option<DsnNotify>, delay_reported: bool) -> QueueEntry {
        let address = Address::parse("bob@far.example").unwrap();
        let message = QueuedMessage {
            journey: JourneyId(1),
            sender: ReversePath::Null,
            body_type: BodyType::SevenBit,
            smtputf8: false,
            tls: posthouse_model::TlsWish::None,
            may_sign: false,
            submitter: None,
            forwarded_by: None,
            dsn_return: None,
            envelope_id: None,
            size_bytes: 1,
            received_at: UnixMillis(0),
            future_release: None,
            awaits_release: false,
            deliver_by: None,
        };
        QueueEntry {
            id: QueueId(1),
            message: Arc::new(message),
            body: BodyKey(1),
            recipient: Recipient { notify, ..Recipient::new(address) },
            destination: Domain::parse("far.example").unwrap(),
            due_at: UnixMillis(0),
            expires_at: UnixMillis(5 * 24 * HOUR),
            deadline: None,
            attempts: 0,
            last_outcome: None,
            cause: None,
            detour: None,
            delay_reported,
            held: false,
            held_with_account: false,
        }
    }

    fn check(entry: &QueueEntry, code: u16, now: i64, expected: (Option<Verdict>, bool, bool)) {
        let reply = PeerReply { code, enhanced: None, text: "x".to_owned() };
        let result =
            if code < 300 { RecipientResult::Accepted(reply) } else { RecipientResult::Refused(Cause::Reply(reply)) };
        let attempt = Attempt {
            entry,
            result: &result,
            host: None,
            offers_dsn: false,
            offers_deliver_by: false,
            was_tried: true,
            now: UnixMillis(now),
            random: 5,
        };
        let decision = decide(&attempt, &RetrySchedule::default());
        let is_done = decision.outcome == SettlementOutcome::Done;
        assert_eq!((decision.told.map(|told| told.verdict), is_done, decision.failed), expected, "{code} at {now}");
    }

    /// RFC 2852 §4.1.4.1: no other host is asked, and the sender is told.
    #[test]
    fn a_time_that_no_host_promises_is_final() {
        let entry = entry(None, false);
        let result = RecipientResult::Refused(Cause::NoDeliverBy);
        let now = UnixMillis(0);
        let attempt = Attempt {
            entry: &entry,
            result: &result,
            host: None,
            offers_dsn: false,
            offers_deliver_by: false,
            was_tried: true,
            now,
            random: 5,
        };
        let decision = decide(&attempt, &RetrySchedule::default());
        assert!(decision.failed && decision.outcome == SettlementOutcome::Done);
        assert_eq!(
            (decision.told.unwrap().verdict, Cause::NoDeliverBy.status()),
            (Verdict::Failed, "5.3.3".to_owned())
        );
    }

    #[test]
    fn decisions() {
        let plain = entry(None, false);
        check(&plain, 250, 0, (None, true, false));
        check(&plain, 550, 0, (Some(Verdict::Failed), true, true));
        check(&plain, 450, 0, (None, false, false));
        check(&plain, 450, 4 * HOUR, (Some(Verdict::Delayed), false, false));
        check(&entry(None, true), 450, 5 * HOUR, (None, false, false));
        check(&plain, 450, 5 * 24 * HOUR - 1000, (Some(Verdict::Expired), true, true));
        let never = entry(Some(DsnNotify::NEVER), false);
        check(&never, 550, 0, (None, true, true));
        check(&never, 450, 8 * HOUR, (None, false, false));
        let success = entry(Some(DsnNotify { success: true, failure: false, delay: false }), false);
        check(&success, 250, 0, (Some(Verdict::Relayed), true, false));
    }
}
