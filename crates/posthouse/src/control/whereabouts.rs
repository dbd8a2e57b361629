//! Where a message is now, for each of its recipients: what its trail and the queue say together.

use posthouse_flow::queue::double_bounces::DOUBLE_BOUNCE;
use posthouse_model::{Address, JourneyId, TrailEvent, TrailKind};
use posthouse_storage::{Directory, Queue, QueueEntry, QueueFilter, SendingFreeze, SendingWatch, StorageError};
use serde::{Deserialize, Serialize};

use crate::house::House;

/// Most entries of one message that are looked at.
const MAX_ENTRIES: usize = 10_000;

/// Where one recipient's mail is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhereView {
    /// Whose; empty for a message that was refused before a recipient was named.
    pub recipient: String,
    /// What became of it.
    pub state: State,
    /// Since when, in milliseconds since 1970.
    pub since: i64,
    /// What was said last: by the next host, or why it was refused, given up or held.
    pub why: Option<String>,
    /// The host that took it, or the account that has it; for what is held with its sender, the sender's account.
    pub at: Option<String>,
    /// Its number in the queue.
    pub entry: Option<u64>,
    /// How often it was tried.
    pub attempts: u32,
    /// When it goes, or is tried next, in milliseconds since 1970.
    pub due_at: Option<i64>,
    /// When it is given up, likewise.
    pub expires_at: Option<i64>,
    /// The id of the report that told its sender.
    pub report: Option<String>,
    /// Why its sender got no report.
    pub report_left_out: Option<String>,
}

/// What became of a recipient's mail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Nothing that would be known.
    #[default]
    Unknown,
    /// Never taken in.
    Refused,
    /// In a mailbox here.
    Delivered,
    /// Left out of a mailbox that has it already.
    Suppressed,
    /// With another host.
    Relayed,
    /// Given up, or returned.
    Failed,
    /// Taken out of the queue by an administrator.
    Dropped,
    /// An alias led it on to other addresses.
    LedOn,
    /// In the queue.
    Waiting,
    /// In the queue until the time that its sender wants.
    WaitingForItsTime,
    /// Held back by an administrator or a content filter.
    Held,
    /// Held back because its sender may not send.
    HeldWithSender,
    /// A report that nobody could be sent, kept for the postmaster.
    Kept,
}

/// Where a message is.
pub async fn whereabouts(
    house: &House,
    journey: JourneyId,
    events: &[TrailEvent],
) -> Result<Vec<WhereView>, StorageError> {
    let filter = QueueFilter { journey: Some(journey), ..QueueFilter::default() };
    let entries = house.store.queue_entries(&filter, None, MAX_ENTRIES).await?;
    let mut views = of_recipients(events, &entries);
    let submitter = entries.iter().find(|entry| entry.held_with_account).and_then(|entry| entry.message.submitter);
    let freeze = match submitter {
        Some(account) => house.store.sending_freezes().await?.into_iter().find(|one| one.account == account),
        None => None,
    };
    let sender = match &freeze {
        Some(freeze) => house.store.account(freeze.account).await?.map(|record| record.address),
        None => None,
    };
    tell_of_freeze(&mut views, sender.zip(freeze).as_ref());
    Ok(views)
}

/// Says why what is held with its sender is. If the account was removed since, there is nobody to wait for any more.
fn tell_of_freeze(views: &mut [WhereView], freeze: Option<&(Address, SendingFreeze)>) {
    for view in views.iter_mut().filter(|view| view.state == State::HeldWithSender) {
        let Some((sender, freeze)) = freeze else {
            view.state = State::Held;
            continue;
        };
        view.at = Some(sender.to_string());
        view.why = Some(match freeze.words.is_empty() {
            true => freeze.cause.name().to_owned(),
            false => format!("{}: {}", freeze.cause.name(), freeze.words),
        });
    }
}

/// The same, whoever may send.
fn of_recipients(events: &[TrailEvent], entries: &[QueueEntry]) -> Vec<WhereView> {
    let mut views: Vec<WhereView> =
        recipients_of(events).into_iter().map(|one| of_recipient(one, events, entries)).collect();
    // Of an alias nothing is told but that it was named.
    let has_ends = views.iter().any(|view| view.state != State::Unknown);
    views.iter_mut().filter(|view| view.state == State::Unknown && has_ends).for_each(|view| view.state = State::LedOn);
    if views.is_empty() {
        let refused = events.iter().rfind(|event| event.kind == TrailKind::Refused);
        views.extend(refused.map(|event| end(String::new(), State::Refused, event)));
    }
    views
}

/// All to whom it was to go, in the order in which they were named.
fn recipients_of(events: &[TrailEvent]) -> Vec<String> {
    let mut recipients = Vec::new();
    for event in events.iter().filter(|event| event.kind != TrailKind::Reported) {
        for (_, value) in event.facts.iter().filter(|(name, _)| name == "to") {
            let address = value.trim_matches(['<', '>']).to_owned();
            if !recipients.contains(&address) {
                recipients.push(address);
            }
        }
    }
    recipients
}

fn of_recipient(recipient: String, events: &[TrailEvent], entries: &[QueueEntry]) -> WhereView {
    let about = |event: &&TrailEvent| {
        event.facts.iter().any(|(name, value)| name == "to" && value.trim_matches(['<', '>']) == recipient)
    };
    if let Some(entry) = entries.iter().find(|entry| entry.recipient.address.to_string() == recipient) {
        return waiting(recipient.clone(), entry, events.iter().filter(about));
    }
    let last = events.iter().filter(about).filter_map(|event| Some((state_after(event)?, event))).next_back();
    let Some((state, event)) = last else { return WhereView { recipient, ..WhereView::default() } };
    let mut view = end(recipient, state, event);
    if state == State::Failed {
        let report = events.iter().rfind(|one| one.kind == TrailKind::Reported && one.at >= event.at);
        view.report = report.and_then(|report| fact(report, "report"));
        view.report_left_out = report.and_then(|report| fact(report, "left-out"));
    }
    view
}

fn state_after(event: &TrailEvent) -> Option<State> {
    Some(match event.kind {
        TrailKind::Refused => State::Refused,
        TrailKind::Delivered => State::Delivered,
        TrailKind::Suppressed => State::Suppressed,
        TrailKind::Relayed => State::Relayed,
        TrailKind::Failed => State::Failed,
        TrailKind::Administered if fact(event, "action").as_deref() == Some("drop") => State::Dropped,
        _ => return None,
    })
}

fn end(recipient: String, state: State, event: &TrailEvent) -> WhereView {
    WhereView {
        recipient,
        state,
        since: event.at.0,
        why: fact(event, "cause").or_else(|| fact(event, "reply")),
        at: fact(event, "host").or_else(|| fact(event, "account")),
        ..WhereView::default()
    }
}

fn waiting<'a>(recipient: String, entry: &QueueEntry, events: impl Iterator<Item = &'a TrailEvent>) -> WhereView {
    let held_at = events.filter(|event| fact(event, "action").as_deref() == Some("hold")).last().map(|event| event.at);
    let awaits = entry.message.awaits_release;
    let state = match (entry.held, entry.cause.as_deref()) {
        (true, Some(DOUBLE_BOUNCE)) => State::Kept,
        (true, _) if entry.held_with_account => State::HeldWithSender,
        (true, _) => State::Held,
        (false, _) if awaits => State::WaitingForItsTime,
        (false, _) => State::Waiting,
    };
    WhereView {
        recipient,
        state,
        since: held_at.filter(|_| entry.held).unwrap_or(entry.message.received_at).0,
        why: entry.last_outcome.clone(),
        entry: Some(entry.id.0),
        attempts: entry.attempts,
        due_at: Some(entry.due_at.0),
        expires_at: Some(entry.expires_at.0),
        ..WhereView::default()
    }
}

fn fact(event: &TrailEvent, name: &str) -> Option<String> {
    event.facts.iter().find(|(one, _)| one == name).map(|(_, value)| value.clone())
}

#[cfg(test)]
mod tests {
    use posthouse_model::{AccountId, UnixMillis};
    use posthouse_storage::FreezeCause;

    use super::*;

    fn event(at: i64, kind: TrailKind, facts: &[(&str, &str)]) -> TrailEvent {
        let event = TrailEvent::new(JourneyId(1), UnixMillis(at), kind);
        facts.iter().fold(event, |event, (name, value)| event.fact(name, *value))
    }

    fn check(events: &[TrailEvent], expected: &[(&str, State)]) {
        let found = of_recipients(events, &[]);
        let found: Vec<_> = found.iter().map(|view| (view.recipient.as_str(), view.state)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn mail_of_a_frozen_account_that_was_removed_is_held_like_any_other() {
        let views = || [State::HeldWithSender, State::Held].map(|state| WhereView { state, ..WhereView::default() });
        let (mut frozen, mut removed) = (views(), views());
        let ann = Address::parse("ann@x.example").unwrap();
        let (account, cause, words) = (AccountId(1), FreezeCause::Flood, "much".to_owned());
        tell_of_freeze(&mut frozen, Some(&(ann, SendingFreeze { account, cause, words, at: UnixMillis(1) })));
        tell_of_freeze(&mut removed, None);
        assert_eq!(frozen.each_ref().map(|view| view.state), [State::HeldWithSender, State::Held]);
        assert_eq!(frozen.map(|view| view.at), [Some("ann@x.example".to_owned()), None]);
        assert_eq!(removed.map(|view| (view.state, view.at)), [(State::Held, None), (State::Held, None)]);
    }

    #[test]
    fn each_recipient_has_its_own_end() {
        let events = [
            event(1, TrailKind::Received, &[("to", "<a@x>"), ("to", "<b@x>"), ("to", "<all@x>")]),
            event(1, TrailKind::Delivered, &[("to", "<a@x>"), ("account", "a@x")]),
            event(1, TrailKind::Queued, &[("to", "<b@x>")]),
            event(1, TrailKind::Delivered, &[("to", "<c@x>"), ("account", "c@x")]),
            event(2, TrailKind::Deferred, &[("to", "<b@x>"), ("cause", "450 later")]),
            event(3, TrailKind::Failed, &[("to", "<b@x>"), ("cause", "550 no")]),
            event(4, TrailKind::Reported, &[("to", "<s@x>"), ("report", "r")]),
        ];
        check(
            &events,
            &[("a@x", State::Delivered), ("b@x", State::Failed), ("all@x", State::LedOn), ("c@x", State::Delivered)],
        );
        let failed = &of_recipients(&events, &[])[1];
        assert_eq!((failed.why.as_deref(), failed.report.as_deref()), (Some("550 no"), Some("r")));
    }

    #[test]
    fn what_was_refused_has_an_end_too() {
        let refused = [event(1, TrailKind::Refused, &[("at", "MAIL"), ("cause", "NotOwned")])];
        check(&refused, &[("", State::Refused)]);
        // A recipient that was refused and then taken has come.
        let taken = [
            event(1, TrailKind::Refused, &[("to", "<a@x>"), ("cause", "MailboxFull")]),
            event(2, TrailKind::Delivered, &[("to", "<a@x>"), ("account", "a@x")]),
        ];
        check(&taken, &[("a@x", State::Delivered)]);
        check(&[event(1, TrailKind::Administered, &[("action", "sending frozen")])], &[]);
    }
}
