//! The queue: submissions, leases and settlements.

use posthouse_model::{
    AccountId, BodyType, ByMode, DeliverBy, DsnNotify, DsnReturn, FutureRelease, HoldRequest, JourneyId, QueueId,
    Recipient, ReversePath, TlsWish, TrailEvent, TrailKind, UnixMillis,
};

use super::Harness;
use super::world::{NOW, World, address, delivery, domain, placement};
use crate::{
    Claim, Delivery, Named, QueueEntry, QueueFilter, QueueSteering, QueueSubmission, QueuedMessage, QueuedRecipient,
    Ripened, Settlement, SettlementOutcome, Storage, StorageError,
};

/// A submission from `ann@example.org` to these addresses, due now.
pub(super) fn submission(recipients: &[&str]) -> QueueSubmission {
    let recipient = |text: &&str| QueuedRecipient {
        recipient: Recipient::new(address(text)),
        destination: address(text).domain,
        due_at: NOW,
        expires_at: after(NOW, 1000),
        deadline: None,
        held: None,
    };
    QueueSubmission {
        message: QueuedMessage {
            journey: JourneyId(7),
            sender: ReversePath::Address(address("Ann@example.org")),
            body_type: BodyType::SevenBit,
            smtputf8: false,
            tls: TlsWish::None,
            may_sign: false,
            submitter: None,
            forwarded_by: None,
            dsn_return: None,
            envelope_id: None,
            size_bytes: 1,
            received_at: NOW,
            future_release: None,
            awaits_release: false,
            deliver_by: None,
        },
        recipients: recipients.iter().map(recipient).collect(),
    }
}

pub(super) fn after(time: UnixMillis, seconds: i64) -> UnixMillis {
    UnixMillis(time.0 + seconds * 1000)
}

/// Queues a message of its own for each address, due `seconds` after [`NOW`].
pub(super) async fn queue_each(world: &World, recipients: &[(&str, i64)]) {
    for (at, (text, seconds)) in recipients.iter().enumerate() {
        let mut queue = submission(&[text]);
        queue.message.journey = JourneyId(100 + at as u64);
        queue.recipients[0].due_at = after(NOW, *seconds);
        let wanted = Delivery { queue: Some(queue), ..delivery(&format!("message {at}"), Vec::new()) };
        world.storage.deliver(wanted).await.unwrap();
    }
}

pub(super) fn names(entries: &[QueueEntry]) -> Vec<String> {
    entries.iter().map(|entry| entry.recipient.address.to_string()).collect()
}

pub(super) async fn all(world: &World) -> Vec<QueueEntry> {
    world.storage.queue_entries(&QueueFilter::default(), None, 1000).await.unwrap()
}

/// Leases what is due at `now`, destination by destination, at most `limit` entries.
pub(super) async fn claim_due(storage: &dyn Storage, now: UnixMillis, limit: usize) -> Vec<QueueEntry> {
    storage.ripen(now, 1000).await.unwrap();
    let mut claimed = Vec::new();
    for destination in storage.ready_destinations(None, 1000).await.unwrap() {
        let left = limit - claimed.len();
        let claim = Claim { destination, messages: left, entries: left };
        claimed.extend(storage.claim(vec![claim]).await.unwrap().remove(0).entries);
    }
    claimed
}

/// Leases the next `messages` messages for one destination; tells whether there are more.
async fn claim_for(world: &World, destination: &str, messages: usize) -> (Vec<String>, bool) {
    let claim = Claim { destination: domain(destination), messages, entries: 1000 };
    let claimed = world.storage.claim(vec![claim]).await.unwrap().remove(0);
    (names(&claimed.entries), claimed.has_more)
}

/// Does something to all that match; says to how many.
pub(super) async fn steer(world: &World, filter: &QueueFilter, steering: QueueSteering) -> usize {
    let entries = world.storage.queue_entries(filter, None, 1000).await.unwrap();
    let event = |journey| TrailEvent::new(journey, NOW, TrailKind::Administered);
    let entries = entries.iter().map(|entry| (entry.id, event(entry.message.journey))).collect();
    world.storage.steer(entries, steering).await.unwrap().len()
}

pub(super) fn settlement(outcomes: Vec<(QueueId, SettlementOutcome)>) -> Settlement {
    Settlement { outcomes, reports: Vec::new(), trail: Vec::new() }
}

pub(super) fn retry(seconds: i64, cause: &str, delay_reported: bool) -> SettlementOutcome {
    let outcome = format!("451 {cause}");
    let (due_at, cause) = (after(NOW, seconds), cause.to_owned());
    SettlementOutcome::Retry { due_at, outcome, cause, delay_reported, was_tried: true }
}

/// What was put off without an attempt waits, says why, and counts for none.
pub async fn what_is_put_off_is_no_attempt(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let placements = vec![placement(world.ann, world.inbox, "")];
    let queue = Some(submission(&["a@elsewhere.example"]));
    world.storage.deliver(Delivery { queue, ..delivery("x", placements) }).await.unwrap();
    for (was_tried, expected) in [(false, 0), (true, 1), (false, 1)] {
        let entry = claim_due(&*world.storage, after(NOW, 5000), 1).await.remove(0);
        let (outcome, cause) = ("later".to_owned(), "route-limit".to_owned());
        let put_off =
            SettlementOutcome::Retry { due_at: after(NOW, 1000), outcome, cause, delay_reported: false, was_tried };
        world.storage.settle(settlement(vec![(entry.id, put_off)])).await.unwrap();
        let entry = all(&world).await.remove(0);
        assert_eq!((entry.attempts, entry.due_at), (expected, after(NOW, 1000)));
        assert_eq!((entry.last_outcome.as_deref(), entry.cause.as_deref()), (Some("later"), Some("route-limit")));
    }
}

/// Every parameter of message and recipient survives.
pub async fn a_submission_comes_back_as_it_was(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let full = QueuedMessage {
        journey: JourneyId(u64::MAX),
        sender: ReversePath::Null,
        body_type: BodyType::BinaryMime,
        smtputf8: true,
        tls: TlsWish::Required,
        may_sign: true,
        submitter: Some(AccountId(3)),
        forwarded_by: Some(domain("ours.example")),
        dsn_return: Some(DsnReturn::Headers),
        envelope_id: Some("id+2B1".to_owned()),
        size_bytes: u64::from(u32::MAX) + 1,
        received_at: UnixMillis(1),
        future_release: Some(FutureRelease { request: HoldRequest::For(3600), at: UnixMillis(3_600_001) }),
        awaits_release: true,
        deliver_by: Some(DeliverBy { at: UnixMillis(7_200_001), mode: ByMode::Return, trace: true }),
    };
    let notify = DsnNotify { success: true, failure: false, delay: true };
    let mut queue = submission(&["\"odd one\"@elsewhere.example", "b@[192.0.2.1]"]);
    queue.message = full.clone();
    queue.recipients[0].recipient.notify = Some(notify);
    queue.recipients[0].recipient.original = Some("rfc822;x@y.example".to_owned());
    queue.recipients[0].destination = domain("smart.route");
    queue.recipients[1].recipient.notify = Some(DsnNotify::NEVER);
    queue.recipients[1].deadline = Some(after(NOW, 500));
    let recipients = queue.recipients.clone();
    let placements = vec![placement(world.ann, world.inbox, "")];
    let delivered =
        world.storage.deliver(Delivery { queue: Some(queue), ..delivery("both", placements) }).await.unwrap();
    let entries = all(&world).await;
    assert_eq!(entries.len(), 2);
    for (entry, queued) in entries.iter().zip(&recipients) {
        assert_eq!((&*entry.message, entry.body), (&full, delivered.body));
        assert_eq!((&entry.recipient, &entry.destination), (&queued.recipient, &queued.destination));
        assert_eq!((entry.due_at, entry.expires_at), (queued.due_at, queued.expires_at));
        assert_eq!(entry.deadline, queued.deadline);
        assert_eq!((entry.attempts, &entry.last_outcome, &entry.cause, &entry.detour), (0, &None, &None, &None));
        assert!(!entry.delay_reported && !entry.held);
    }
    assert!(entries[0].id < entries[1].id);
    let mut claimed = claim_due(&*world.storage, NOW, 10).await;
    claimed.sort_by_key(|entry| entry.id);
    assert_eq!(claimed, entries);
}

/// What is leased is given to nobody else; what is not due waits; what is claimed comes in turn.
pub async fn due_entries_are_claimed_once_and_in_order(harness: &dyn Harness) {
    let world = World::new(harness).await;
    queue_each(&world, &[("c@x.example", -1), ("a@x.example", -3), ("d@x.example", 1), ("b@y.example", -2)]).await;
    let storage = &*world.storage;
    assert_eq!(claim_due(storage, NOW, 0).await, []);
    assert_eq!(names(&claim_due(storage, NOW, 2).await), ["c@x.example", "a@x.example"]);
    let counts = storage.queue_counts().await.unwrap();
    assert_eq!((counts.entries, counts.held, counts.leased, counts.oldest_received_at), (4, 0, 2, Some(NOW)));
    assert_eq!(names(&claim_due(storage, NOW, 10).await), ["b@y.example"]);
    assert_eq!(claim_due(storage, NOW, 10).await, []);
    assert_eq!(names(&claim_due(storage, after(NOW, 1), 10).await), ["d@x.example"]);
}

/// What waits becomes ready when its time comes, earliest first; what comes next is told.
pub async fn entries_become_ready_when_their_time_comes(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let storage = &world.storage;
    assert_eq!(storage.ripen(NOW, 10).await.unwrap(), Ripened::default());
    queue_each(&world, &[("c@x.example", 30), ("a@x.example", 10), ("b@y.example", 20), ("now@z.example", 0)]).await;
    let ripened = |entries, next: Option<i64>| Ripened { entries, next_due: next.map(|next| after(NOW, next)) };
    assert_eq!(storage.ripen(after(NOW, 9), 10).await.unwrap(), ripened(0, Some(10)));
    assert_eq!(storage.ready_destinations(None, 10).await.unwrap(), [domain("z.example")]);
    assert_eq!(storage.ripen(after(NOW, 30), 2).await.unwrap(), ripened(2, Some(30)));
    assert_eq!(claim_for(&world, "x.example", 9).await, (vec!["a@x.example".to_owned()], false));
    assert_eq!(storage.ripen(after(NOW, 30), 2).await.unwrap(), ripened(1, None));
    assert_eq!(claim_for(&world, "x.example", 9).await, (vec!["c@x.example".to_owned()], false));
    let hold = QueueFilter { destination: Some(domain("z.example")), ..QueueFilter::default() };
    steer(&world, &hold, QueueSteering::Hold).await;
    steer(&world, &hold, QueueSteering::Release).await;
    assert_eq!(storage.ripen(NOW, 2).await.unwrap(), ripened(1, None));
}

/// One after the other by name, from where the last page ended.
pub async fn ready_destinations_are_listed_in_pages(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let wanted =
        [("a@y.example", 0), ("a@x.example", 0), ("b@y.example", 0), ("a@later.example", 9), ("a@z.example", 0)];
    queue_each(&world, &wanted).await;
    let storage = &world.storage;
    let hold = QueueFilter { destination: Some(domain("z.example")), ..QueueFilter::default() };
    steer(&world, &hold, QueueSteering::Hold).await;
    assert_eq!(storage.ready_destinations(None, 0).await.unwrap(), []);
    assert_eq!(storage.ready_destinations(None, 1).await.unwrap(), [domain("x.example")]);
    let x = domain("x.example");
    assert_eq!(storage.ready_destinations(Some(&x), 9).await.unwrap(), [domain("y.example")]);
    // What is leased may be given back at any time.
    claim_due(&**storage, NOW, 10).await;
    assert_eq!(storage.ready_destinations(None, 9).await.unwrap(), [x, domain("y.example")]);
}

/// So many messages and entries, for several destinations at once.
pub async fn claims_are_bounded(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let queue = Some(submission(&["a@x.example", "b@x.example", "c@x.example"]));
    world.storage.deliver(Delivery { queue, ..delivery("to three", Vec::new()) }).await.unwrap();
    queue_each(&world, &[("d@x.example", 0), ("a@y.example", 0), ("e@x.example", 0)]).await;
    let claim = |destination, messages, entries| Claim { destination: domain(destination), messages, entries };
    let claims = vec![claim("x.example", 9, 2), claim("y.example", 9, 9), claim("w.example", 9, 9)];
    let claimed = world.storage.claim(claims).await.unwrap();
    let told: Vec<_> = claimed.iter().map(|one| (names(&one.entries).join(" "), one.has_more)).collect();
    let expected = [("a@x.example b@x.example", true), ("a@y.example", false), ("", false)];
    assert_eq!(told, expected.map(|(names, has_more)| (names.to_owned(), has_more)));
    let (names, has_more) = claim_for(&world, "x.example", 2).await;
    assert_eq!((names.join(" ").as_str(), has_more), ("c@x.example d@x.example", true));
    assert_eq!(claim_for(&world, "x.example", 0).await, (Vec::new(), true));
    assert_eq!(claim_for(&world, "x.example", 1).await, (vec!["e@x.example".to_owned()], false));
}

/// Queues a message of this sender to each address.
async fn queue_from(world: &World, sender: &str, recipients: &[&str]) {
    for text in recipients {
        let mut queue = submission(&[text]);
        queue.message.sender = ReversePath::Address(address(sender));
        let wanted = Delivery { queue: Some(queue), ..delivery(&format!("{sender} {text}"), Vec::new()) };
        world.storage.deliver(wanted).await.unwrap();
    }
}

/// Who sends little does not wait for who sends much.
pub async fn senders_take_turns(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let many: Vec<_> = (0..20).map(|at| format!("much{at}@x.example")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    queue_from(&world, "much@example.org", &many).await;
    assert_eq!(claim_for(&world, "x.example", 5).await.0, many[..5]);
    queue_from(&world, "little@example.org", &["l1@x.example", "l2@x.example"]).await;
    queue_from(&world, "less@example.org", &["less@x.example"]).await;
    let next = claim_for(&world, "x.example", 3).await.0;
    assert_eq!(next, ["l1@x.example", "less@x.example", "l2@x.example"]);
    assert_eq!(claim_for(&world, "x.example", 2).await.0, many[5..7]);
    // What waited for its time has its turn too.
    let mut queue = submission(&["late@x.example"]);
    queue.message.sender = ReversePath::Address(address("late@example.org"));
    queue.recipients[0].due_at = after(NOW, 5);
    world.storage.deliver(Delivery { queue: Some(queue), ..delivery("late", Vec::new()) }).await.unwrap();
    world.storage.ripen(after(NOW, 5), 10).await.unwrap();
    let next = claim_for(&world, "x.example", 2).await.0;
    assert_eq!(next, ["late@x.example", many[7]]);
}

/// Recipients of one message at one destination are claimed together, a transaction at a time.
pub async fn recipients_of_a_message_share_a_turn(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let many: Vec<_> = (0..150).map(|at| format!("u{at}@x.example")).collect();
    let queue = Some(submission(&many.iter().map(String::as_str).collect::<Vec<_>>()));
    world.storage.deliver(Delivery { queue, ..delivery("to many", Vec::new()) }).await.unwrap();
    queue_from(&world, "other@example.org", &["other@x.example"]).await;
    let claimed = claim_due(&*world.storage, NOW, 1000).await;
    let at = names(&claimed).iter().position(|name| name == "other@x.example").unwrap();
    assert_eq!((at, claimed.len()), (100, 151));
}

/// Whatever its state, an entry can be leased by its number, once.
pub async fn entries_are_leased_by_number(harness: &dyn Harness) {
    let world = World::new(harness).await;
    queue_each(&world, &[("ready@x.example", 0), ("waiting@x.example", 9), ("held@y.example", 0)]).await;
    let hold = QueueFilter { destination: Some(domain("y.example")), ..QueueFilter::default() };
    steer(&world, &hold, QueueSteering::Hold).await;
    let storage = &world.storage;
    let before = all(&world).await;
    let ids: Vec<_> = before.iter().map(|entry| entry.id).chain([QueueId(u64::from(u32::MAX))]).collect();
    assert_eq!(storage.lease(ids.clone()).await.unwrap(), before);
    assert_eq!(storage.lease(ids.clone()).await.unwrap(), []);
    assert_eq!(claim_due(&**storage, after(NOW, 9), 10).await, []);
    let untouched = ids[..3].iter().map(|&id| (id, SettlementOutcome::Untouched)).collect();
    storage.settle(settlement(untouched)).await.unwrap();
    assert_eq!(all(&world).await, before);
    assert_eq!(names(&claim_due(&**storage, after(NOW, 9), 10).await), ["ready@x.example", "waiting@x.example"]);
    assert_eq!(storage.lease(ids).await.unwrap().len(), 1);
}

/// Done goes, retry waits with what happened, untouched is due as before.
pub async fn settling_ends_leases(harness: &dyn Harness) {
    let world = World::new(harness).await;
    queue_each(&world, &[("done@x.example", 0), ("retry@x.example", 0), ("untouched@x.example", 0)]).await;
    let storage = &world.storage;
    let claimed = claim_due(&**storage, NOW, 10).await;
    let outcomes = vec![
        (claimed[0].id, SettlementOutcome::Done),
        (claimed[1].id, retry(60, "busy", true)),
        (claimed[2].id, SettlementOutcome::Untouched),
    ];
    let event = TrailEvent::new(JourneyId(5), NOW, TrailKind::Deferred);
    storage.settle(Settlement { trail: vec![event.clone()], ..settlement(outcomes) }).await.unwrap();
    assert_eq!(storage.trail(JourneyId(5)).await.unwrap(), [event]);
    let left = all(&world).await;
    assert_eq!(names(&left), ["retry@x.example", "untouched@x.example"]);
    let retried = &left[0];
    assert_eq!((retried.attempts, retried.due_at, retried.delay_reported), (1, after(NOW, 60), true));
    assert_eq!((retried.last_outcome.as_deref(), retried.cause.as_deref()), (Some("451 busy"), Some("busy")));
    assert_eq!(left[1], claimed[2]);
    assert_eq!(storage.queue_counts().await.unwrap().leased, 0);
    assert_eq!(names(&claim_due(&**storage, NOW, 10).await), ["untouched@x.example"]);
    let again = claim_due(&**storage, after(NOW, 60), 10).await;
    assert_eq!(names(&again), ["retry@x.example"]);
    storage.settle(settlement(vec![(again[0].id, retry(90, "full", true))])).await.unwrap();
    assert_eq!(all(&world).await[0].attempts, 2);
}

/// A bounce is delivered in the transaction that takes the entry out.
pub async fn settling_delivers_reports(harness: &dyn Harness) {
    let world = World::new(harness).await;
    queue_each(&world, &[("gone@x.example", 0)]).await;
    let claimed = claim_due(&*world.storage, NOW, 10).await;
    let local = delivery("report for ann", vec![placement(world.ann, world.inbox, "")]);
    let queue = Some(submission(&["postmaster@y.example"]));
    let remote = Delivery { queue, ..delivery("report for another", Vec::new()) };
    let outcomes = vec![(claimed[0].id, SettlementOutcome::Done)];
    world.storage.settle(Settlement { reports: vec![local, remote], ..settlement(outcomes) }).await.unwrap();
    let messages = world.messages(world.inbox).await;
    assert_eq!(messages.len(), 1);
    assert_eq!(world.text(messages[0].body).await.unwrap(), "report for ann");
    let left = all(&world).await;
    assert_eq!(names(&left), ["postmaster@y.example"]);
    assert_eq!(world.text(left[0].body).await.unwrap(), "report for another");
}

/// A report that cannot be delivered leaves entries and leases as they were.
pub async fn settling_is_all_or_nothing(harness: &dyn Harness) {
    let world = World::new(harness).await;
    queue_each(&world, &[("a@x.example", 0), ("b@x.example", 0)]).await;
    let storage = &world.storage;
    let claimed = claim_due(&**storage, NOW, 10).await;
    let impossible = delivery("report", vec![placement(world.ann, world.bobs_inbox, "")]);
    let outcomes = vec![(claimed[0].id, SettlementOutcome::Done), (claimed[1].id, SettlementOutcome::Untouched)];
    let reports = vec![impossible];
    let refused = storage.settle(Settlement { reports, ..settlement(outcomes.clone()) }).await;
    assert!(matches!(refused, Err(StorageError::NotFound(Named::Mailbox))), "{refused:?}");
    assert_eq!(all(&world).await, claimed);
    assert_eq!(storage.queue_counts().await.unwrap().leased, 2);
    assert_eq!(claim_due(&**storage, NOW, 10).await, []);
    storage.settle(settlement(outcomes)).await.unwrap();
    assert_eq!(names(&all(&world).await), ["b@x.example"]);
}
