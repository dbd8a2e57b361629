//! The queue: submissions, leases and settlements.

use posthouse_model::{
    AccountId, BodyType, Domain, DsnNotify, DsnReturn, JourneyId, QueueId, Recipient, ReversePath, TrailEvent,
    TrailKind, UnixMillis,
};

use super::Harness;
use super::world::{NOW, World, address, delivery, domain, placement};
use crate::{
    Delivery, Named, QueueEntry, QueueFilter, QueueSteering, QueueSubmission, QueuedMessage, QueuedRecipient,
    Settlement, SettlementOutcome, StorageError,
};

/// A submission from `ann@example.org` to these addresses, due now.
pub(super) fn submission(recipients: &[&str]) -> QueueSubmission {
    let recipient = |text: &&str| QueuedRecipient {
        recipient: Recipient::new(address(text)),
        destination: address(text).domain,
        due_at: NOW,
        expires_at: after(NOW, 1000),
    };
    QueueSubmission {
        message: QueuedMessage {
            journey: JourneyId(7),
            sender: ReversePath::Address(address("Ann@example.org")),
            body_type: BodyType::SevenBit,
            smtputf8: false,
            require_tls: false,
            may_sign: false,
            submitter: None,
            dsn_return: None,
            envelope_id: None,
            size_bytes: 1,
            received_at: NOW,
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

fn settlement(outcomes: Vec<(QueueId, SettlementOutcome)>) -> Settlement {
    Settlement { outcomes, reports: Vec::new(), trail: Vec::new() }
}

fn retry(seconds: i64, outcome: &str, delay_reported: bool) -> SettlementOutcome {
    SettlementOutcome::Retry { due_at: after(NOW, seconds), outcome: outcome.to_owned(), delay_reported }
}

/// Every parameter of message and recipient survives.
pub async fn a_submission_comes_back_as_it_was(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let full = QueuedMessage {
        journey: JourneyId(u64::MAX),
        sender: ReversePath::Null,
        body_type: BodyType::BinaryMime,
        smtputf8: true,
        require_tls: true,
        may_sign: true,
        submitter: Some(AccountId(3)),
        dsn_return: Some(DsnReturn::Headers),
        envelope_id: Some("id+2B1".to_owned()),
        size_bytes: u64::from(u32::MAX) + 1,
        received_at: UnixMillis(1),
    };
    let notify = DsnNotify { success: true, failure: false, delay: true };
    let mut queue = submission(&["\"odd one\"@elsewhere.example", "b@[192.0.2.1]"]);
    queue.message = full.clone();
    queue.recipients[0].recipient.notify = Some(notify);
    queue.recipients[0].recipient.original = Some("rfc822;x@y.example".to_owned());
    queue.recipients[0].destination = domain("smart.route");
    queue.recipients[1].recipient.notify = Some(DsnNotify::NEVER);
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
        assert_eq!((entry.attempts, &entry.last_outcome), (0, &None));
        assert!(!entry.delay_reported && !entry.held);
    }
    assert!(entries[0].id < entries[1].id);
    assert_eq!(world.storage.claim_due(NOW, 10, &[]).await.unwrap(), entries);
}

/// Oldest due first; what is leased is given to nobody else; what is not due waits.
pub async fn due_entries_are_claimed_once_and_in_order(harness: &dyn Harness) {
    let world = World::new(harness).await;
    queue_each(&world, &[("c@x.example", -1), ("a@x.example", -3), ("d@x.example", 1), ("b@y.example", -2)]).await;
    let storage = &world.storage;
    assert_eq!(storage.claim_due(NOW, 0, &[]).await.unwrap(), []);
    let first = storage.claim_due(NOW, 2, &[]).await.unwrap();
    assert_eq!(names(&first), ["a@x.example", "b@y.example"]);
    let counts = storage.queue_counts().await.unwrap();
    assert_eq!((counts.entries, counts.held, counts.leased), (4, 0, 2));
    assert_eq!(names(&storage.claim_due(NOW, 10, &[]).await.unwrap()), ["c@x.example"]);
    assert_eq!(storage.claim_due(NOW, 10, &[]).await.unwrap(), []);
    assert_eq!(names(&storage.claim_due(after(NOW, 1), 10, &[]).await.unwrap()), ["d@x.example"]);
}

/// `except` passes over destinations, `held` over entries.
pub async fn excepted_destinations_and_held_entries_wait(harness: &dyn Harness) {
    let world = World::new(harness).await;
    queue_each(&world, &[("a@x.example", 0), ("a@y.example", 0), ("a@z.example", 0), ("b@z.example", 0)]).await;
    let storage = &world.storage;
    let hold = QueueFilter { destination: Some(domain("y.example")), ..QueueFilter::default() };
    storage.steer(&hold, QueueSteering::Hold).await.unwrap();
    let except: Vec<Domain> = vec![domain("z.example"), domain("w.example")];
    assert_eq!(names(&storage.claim_due(NOW, 10, &except).await.unwrap()), ["a@x.example"]);
    assert_eq!(storage.claim_due_for(&domain("y.example"), NOW, 10).await.unwrap(), []);
    storage.steer(&hold, QueueSteering::Release).await.unwrap();
    assert_eq!(names(&storage.claim_due(NOW, 10, &except).await.unwrap()), ["a@y.example"]);
    assert_eq!(storage.claim_due(NOW, 10, &[]).await.unwrap().len(), 2);
}

/// More of one destination, to share a connection.
pub async fn a_destination_is_claimed_by_itself(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let wanted = [("b@x.example", 0), ("a@x.example", -1), ("a@y.example", -5), ("later@x.example", 9)];
    queue_each(&world, &wanted).await;
    let storage = &world.storage;
    assert_eq!(names(&storage.claim_due_for(&domain("x.example"), NOW, 1).await.unwrap()), ["a@x.example"]);
    assert_eq!(names(&storage.claim_due_for(&domain("x.example"), NOW, 9).await.unwrap()), ["b@x.example"]);
    assert_eq!(storage.claim_due_for(&domain("x.example"), NOW, 9).await.unwrap(), []);
    assert_eq!(storage.claim_due_for(&domain("w.example"), NOW, 9).await.unwrap(), []);
    assert_eq!(names(&storage.claim_due(NOW, 9, &[]).await.unwrap()), ["a@y.example"]);
}

/// Done goes, retry waits with what happened, untouched is due as before.
pub async fn settling_ends_leases(harness: &dyn Harness) {
    let world = World::new(harness).await;
    queue_each(&world, &[("done@x.example", 0), ("retry@x.example", 0), ("untouched@x.example", 0)]).await;
    let storage = &world.storage;
    let claimed = storage.claim_due(NOW, 10, &[]).await.unwrap();
    let outcomes = vec![
        (claimed[0].id, SettlementOutcome::Done),
        (claimed[1].id, retry(60, "451 busy", true)),
        (claimed[2].id, SettlementOutcome::Untouched),
    ];
    let event = TrailEvent::new(JourneyId(5), NOW, TrailKind::Deferred);
    storage.settle(Settlement { trail: vec![event.clone()], ..settlement(outcomes) }).await.unwrap();
    assert_eq!(storage.trail(JourneyId(5)).await.unwrap(), [event]);
    let left = all(&world).await;
    assert_eq!(names(&left), ["retry@x.example", "untouched@x.example"]);
    let retried = &left[0];
    assert_eq!((retried.attempts, retried.due_at, retried.delay_reported), (1, after(NOW, 60), true));
    assert_eq!(retried.last_outcome.as_deref(), Some("451 busy"));
    assert_eq!(left[1], claimed[2]);
    assert_eq!(storage.queue_counts().await.unwrap().leased, 0);
    assert_eq!(names(&storage.claim_due(NOW, 10, &[]).await.unwrap()), ["untouched@x.example"]);
    let again = storage.claim_due(after(NOW, 60), 10, &[]).await.unwrap();
    assert_eq!(names(&again), ["retry@x.example"]);
    storage.settle(settlement(vec![(again[0].id, retry(90, "452 full", true))])).await.unwrap();
    assert_eq!(all(&world).await[0].attempts, 2);
}

/// A bounce is delivered in the transaction that takes the entry out.
pub async fn settling_delivers_reports(harness: &dyn Harness) {
    let world = World::new(harness).await;
    queue_each(&world, &[("gone@x.example", 0)]).await;
    let claimed = world.storage.claim_due(NOW, 10, &[]).await.unwrap();
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
    let claimed = storage.claim_due(NOW, 10, &[]).await.unwrap();
    let impossible = delivery("report", vec![placement(world.ann, world.bobs_inbox, "")]);
    let outcomes = vec![(claimed[0].id, SettlementOutcome::Done), (claimed[1].id, SettlementOutcome::Untouched)];
    let reports = vec![impossible];
    let refused = storage.settle(Settlement { reports, ..settlement(outcomes.clone()) }).await;
    assert!(matches!(refused, Err(StorageError::NotFound(Named::Mailbox))), "{refused:?}");
    assert_eq!(all(&world).await, claimed);
    assert_eq!(storage.queue_counts().await.unwrap().leased, 2);
    assert_eq!(storage.claim_due(NOW, 10, &[]).await.unwrap(), []);
    storage.settle(settlement(outcomes)).await.unwrap();
    assert_eq!(names(&all(&world).await), ["b@x.example"]);
}

/// Of entries that are neither held nor leased.
pub async fn the_next_due_time_is_known(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let storage = &world.storage;
    assert_eq!(storage.next_due(&[]).await.unwrap(), None);
    queue_each(&world, &[("later@x.example", 50), ("held@y.example", -9), ("now@x.example", 0)]).await;
    let hold = QueueFilter { destination: Some(domain("y.example")), ..QueueFilter::default() };
    storage.steer(&hold, QueueSteering::Hold).await.unwrap();
    assert_eq!(storage.next_due(&[]).await.unwrap(), Some(NOW));
    let claimed = storage.claim_due(NOW, 10, &[]).await.unwrap();
    assert_eq!(storage.next_due(&[]).await.unwrap(), Some(after(NOW, 50)));
    storage.settle(settlement(vec![(claimed[0].id, retry(20, "busy", false))])).await.unwrap();
    assert_eq!(storage.next_due(&[]).await.unwrap(), Some(after(NOW, 20)));
    storage.steer(&hold, QueueSteering::Release).await.unwrap();
    assert_eq!(storage.next_due(&[]).await.unwrap(), Some(after(NOW, -9)));
    let except = [domain("y.example")];
    assert_eq!(storage.next_due(&except).await.unwrap(), Some(after(NOW, 20)));
    let all = [domain("x.example"), domain("y.example")];
    assert_eq!(storage.next_due(&all).await.unwrap(), None);
}
