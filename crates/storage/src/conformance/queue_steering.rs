//! The queue: looking and steering.

use posthouse_model::{JourneyId, TrailKind};

use super::Harness;
use super::queue::{after, all, claim_due, names, queue_each, retry, settlement, steer, submission};
use super::world::{NOW, World, delivery, domain, placement, set};
use crate::{
    Delivery, Detour, HeldBecause, Named, QueueCounts, QueueFilter, QueueSteering, QueueTally, Settlement,
    SettlementOutcome, StorageError, TallyBy,
};

/// By number, after the last of the page before.
pub async fn entries_are_listed_in_pages(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let recipients = ["a@x.example", "b@x.example", "c@y.example", "d@x.example", "e@y.example"];
    let queue = Some(submission(&recipients));
    world.storage.deliver(Delivery { queue, ..delivery("to all", Vec::new()) }).await.unwrap();
    let (mut seen, mut last) = (Vec::new(), None);
    loop {
        let page = world.storage.queue_entries(&QueueFilter::default(), last, 2).await.unwrap();
        let Some(entry) = page.last() else { break };
        assert!(page.len() <= 2);
        last = Some(entry.id);
        seen.extend(names(&page));
    }
    assert_eq!(seen, recipients);
}

/// Each condition by itself, and two together.
pub async fn filters_pick(harness: &dyn Harness) {
    let world = World::new(harness).await;
    queue_each(&world, &[("a@x.example", 0), ("b@y.example", 0), ("c@x.example", 0)]).await;
    let mut queue = submission(&["d@x.example"]);
    queue.message.sender = posthouse_model::ReversePath::Null;
    world.storage.deliver(Delivery { queue: Some(queue), ..delivery("bounce", Vec::new()) }).await.unwrap();
    let entries = all(&world).await;
    let held = QueueFilter { id: Some(entries[2].id), ..QueueFilter::default() };
    assert_eq!(steer(&world, &held, QueueSteering::Hold).await, 1);
    let tried = world.storage.lease(vec![entries[0].id]).await.unwrap();
    let outcomes = vec![(tried[0].id, retry(9, "reply-421", false))];
    world.storage.settle(settlement(outcomes)).await.unwrap();
    let none = QueueFilter::default;
    let cases = [
        (none(), "a b c d"),
        (QueueFilter { id: Some(entries[1].id), ..none() }, "b"),
        (QueueFilter { journey: Some(JourneyId(100)), ..none() }, "a"),
        (QueueFilter { journey: Some(JourneyId(999)), ..none() }, ""),
        (QueueFilter { destination: Some(domain("X.example")), ..none() }, "a c d"),
        (QueueFilter { sender: Some("ann@example.org".to_owned()), ..none() }, "a b c"),
        (QueueFilter { sender: Some("nonsense".to_owned()), ..none() }, ""),
        (QueueFilter { sender_domain: Some(domain("example.org")), ..none() }, "a b c"),
        (QueueFilter { sender_domain: Some(domain("xample.org")), ..none() }, ""),
        (QueueFilter { sender_domain: Some(domain("example")), ..none() }, ""),
        (QueueFilter { cause: Some("reply-421".to_owned()), ..none() }, "a"),
        (QueueFilter { cause: Some("reply-42".to_owned()), ..none() }, ""),
        (QueueFilter { held: Some(true), ..none() }, "c"),
        (QueueFilter { held: Some(true), cause: Some("reply-421".to_owned()), ..none() }, ""),
        (QueueFilter { journey: Some(JourneyId(100)), sender_domain: Some(domain("example.org")), ..none() }, "a"),
        (QueueFilter { id: Some(entries[1].id), journey: Some(JourneyId(100)), ..none() }, ""),
        (QueueFilter { held: Some(false), destination: Some(domain("x.example")), ..none() }, "a d"),
    ];
    for (filter, expected) in cases {
        let found = world.storage.queue_entries(&filter, None, 10).await.unwrap();
        let letters: Vec<_> = found.iter().map(|entry| entry.recipient.address.local_part.as_str()).collect();
        assert_eq!(letters.join(" "), expected, "{filter:?}");
    }
    assert_eq!(world.storage.queue_counts().await.unwrap().held, 1);
}

fn to_x() -> QueueFilter {
    QueueFilter { destination: Some(domain("x.example")), ..QueueFilter::default() }
}

/// What is held from the beginning is counted, found by its cause, given to nobody, and goes when it is released.
pub async fn entries_are_held_from_the_beginning(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let mut queue = submission(&["a@x.example", "b@x.example"]);
    queue.recipients[0].held = Some(HeldBecause { outcome: "looks odd".to_owned(), cause: "odd".to_owned() });
    world.storage.deliver(Delivery { queue: Some(queue), ..delivery("held", Vec::new()) }).await.unwrap();
    let storage = &*world.storage;
    assert_eq!(names(&claim_due(storage, after(NOW, 5000), 9).await), ["b@x.example"]);
    let counts = storage.queue_counts().await.unwrap();
    assert_eq!((counts.entries, counts.held), (2, 1));
    let tally = |name: &str| QueueTally { name: name.to_owned(), entries: 1, held: 1 };
    assert_eq!(storage.queue_tallies(TallyBy::Cause, 9).await.unwrap(), [tally("odd")]);
    let filter = QueueFilter { cause: Some("odd".to_owned()), held: Some(true), ..QueueFilter::default() };
    let found = storage.queue_entries(&filter, None, 9).await.unwrap();
    assert_eq!((names(&found), found[0].last_outcome.as_deref()), (vec!["a@x.example".to_owned()], Some("looks odd")));
    assert_eq!((found[0].attempts, found[0].held), (0, true));
    assert_eq!(steer(&world, &filter, QueueSteering::Release).await, 1);
    assert_eq!(names(&claim_due(storage, NOW, 9).await), ["a@x.example"]);
    let outcomes = vec![(found[0].id, SettlementOutcome::Done)];
    storage.settle(settlement(outcomes)).await.unwrap();
    assert_eq!(storage.queue_tallies(TallyBy::Cause, 9).await.unwrap(), []);
    assert_eq!(storage.queue_counts().await.unwrap().held, 0);
}

/// Retry, hold, release and drop do what they say to what matches, and say to how many.
pub async fn steering_steers(harness: &dyn Harness) {
    let world = World::new(harness).await;
    queue_each(&world, &[("a@x.example", 500), ("b@y.example", 500), ("c@x.example", 500)]).await;
    let storage = &*world.storage;
    let x = to_x();
    assert_eq!(steer(&world, &x, QueueSteering::Hold).await, 2);
    assert_eq!(steer(&world, &x, QueueSteering::RetryNow(after(NOW, 3))).await, 2);
    assert_eq!(storage.ready_destinations(None, 9).await.unwrap(), []);
    assert_eq!(steer(&world, &x, QueueSteering::Release).await, 2);
    assert_eq!(storage.ripen(NOW, 9).await.unwrap().next_due, Some(after(NOW, 3)));
    let due: Vec<_> = all(&world).await.iter().map(|entry| entry.due_at).collect();
    assert_eq!(due, [after(NOW, 3), after(NOW, 500), after(NOW, 3)]);
    assert_eq!(steer(&world, &x, QueueSteering::RetryNow(NOW)).await, 2);
    assert_eq!(storage.ready_destinations(None, 9).await.unwrap(), [domain("x.example")]);
    assert_eq!(steer(&world, &x, QueueSteering::Hold).await, 2);
    assert_eq!(claim_due(storage, NOW, 9).await, []);
    assert_eq!(steer(&world, &x, QueueSteering::Drop).await, 2);
    assert_eq!(steer(&world, &x, QueueSteering::Drop).await, 0);
    assert_eq!(names(&all(&world).await), ["b@y.example"]);
}

/// What is held with its account is told from what somebody holds, whichever was first.
pub async fn what_is_held_with_its_account_is_told_from_the_rest(harness: &dyn Harness) {
    let world = World::new(harness).await;
    queue_each(&world, &[("a@x.example", 0), ("b@y.example", 0), ("c@x.example", 0), ("d@y.example", 0)]).await;
    let (storage, each) = (&*world.storage, QueueFilter::default());
    let held = || async { all(&world).await.iter().map(|one| (one.held, one.held_with_account)).collect::<Vec<_>>() };
    assert_eq!(steer(&world, &to_x(), QueueSteering::Hold).await, 2);
    assert_eq!(steer(&world, &each, QueueSteering::HoldWithAccount).await, 4);
    assert_eq!(held().await, [(true, false), (true, true), (true, false), (true, true)]);
    assert_eq!(storage.queue_counts().await.unwrap().held, 4);
    let ids: Vec<_> = all(&world).await.iter().map(|entry| entry.id).collect();
    let only = |id| QueueFilter { id: Some(id), ..QueueFilter::default() };
    // Somebody holds it after all.
    assert_eq!(steer(&world, &only(ids[1]), QueueSteering::Hold).await, 1);
    assert_eq!(steer(&world, &only(ids[3]), QueueSteering::HoldWithAccount).await, 1);
    assert_eq!(held().await, [(true, false), (true, false), (true, false), (true, true)]);
    assert_eq!(steer(&world, &each, QueueSteering::Release).await, 4);
    assert_eq!(held().await, [(false, false); 4]);
    assert_eq!(steer(&world, &only(ids[0]), QueueSteering::HoldWithAccount).await, 1);
    let mut claimed = names(&claim_due(storage, NOW, 9).await);
    claimed.sort();
    assert_eq!(claimed, ["b@y.example", "c@x.example", "d@y.example"]);
}

/// Entries go to another host, are grouped by it, and go back.
pub async fn entries_are_diverted(harness: &dyn Harness) {
    let world = World::new(harness).await;
    queue_each(&world, &[("a@x.example", 0), ("b@x.example", 500)]).await;
    let storage = &*world.storage;
    let detour = Detour { host: domain("relay.example"), port: 2525 };
    assert_eq!(steer(&world, &to_x(), QueueSteering::Divert(detour.clone())).await, 2);
    assert_eq!(storage.ready_destinations(None, 9).await.unwrap(), [domain("relay.example")]);
    for entry in all(&world).await {
        assert_eq!((entry.destination, entry.detour), (domain("relay.example"), Some(detour.clone())));
    }
    let tallies = storage.queue_tallies(TallyBy::Destination, 9).await.unwrap();
    assert_eq!(tallies, [QueueTally { name: "relay.example".to_owned(), entries: 2, held: 0 }]);
    let back = QueueSteering::EndDetour { destination: domain("x.example") };
    assert_eq!(steer(&world, &QueueFilter::default(), back).await, 2);
    let entries = claim_due(storage, NOW, 9).await;
    assert_eq!(names(&entries), ["a@x.example"]);
    assert_eq!((&entries[0].destination, &entries[0].detour), (&domain("x.example"), &None));
}

/// What an administrator did is in the trail of those it was done to, and of no others.
pub async fn steering_is_in_the_trail(harness: &dyn Harness) {
    let world = World::new(harness).await;
    queue_each(&world, &[("a@x.example", 0), ("b@x.example", 0)]).await;
    let entries = all(&world).await;
    world.storage.lease(vec![entries[1].id]).await.unwrap();
    assert_eq!(steer(&world, &QueueFilter::default(), QueueSteering::Hold).await, 1);
    let kinds = async |journey| {
        let trail = world.storage.trail(journey).await.unwrap();
        trail.iter().map(|event| event.kind).collect::<Vec<_>>()
    };
    assert_eq!(kinds(entries[0].message.journey).await, [TrailKind::Administered]);
    assert_eq!(kinds(entries[1].message.journey).await, []);
}

/// Counts follow all that happens to entries.
pub async fn entries_are_counted(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let storage = &*world.storage;
    assert_eq!(storage.queue_counts().await.unwrap(), QueueCounts::default());
    let wanted = [("a@x.example", 0), ("b@x.example", 0), ("c@y.example", 0), ("d@x.example", 0)];
    queue_each(&world, &wanted).await;
    let tallies = async |by, limit| {
        let tallies = storage.queue_tallies(by, limit).await.unwrap();
        let one = |tally: &QueueTally| format!("{} {} {}", tally.name, tally.entries, tally.held);
        tallies.iter().map(one).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(tallies(TallyBy::Destination, 9).await, "x.example 3 0, y.example 1 0");
    assert_eq!(tallies(TallyBy::Destination, 1).await, "x.example 3 0");
    assert_eq!(tallies(TallyBy::Cause, 9).await, "");
    let claimed = claim_due(storage, NOW, 9).await;
    let outcomes = vec![
        (claimed[0].id, SettlementOutcome::Done),
        (claimed[1].id, retry(0, "dns", false)),
        (claimed[2].id, retry(0, "dns", false)),
        (claimed[3].id, retry(0, "connect", false)),
    ];
    storage.settle(settlement(outcomes)).await.unwrap();
    assert_eq!(tallies(TallyBy::Cause, 9).await, "dns 2 0, connect 1 0");
    let y = QueueFilter { destination: Some(domain("y.example")), ..QueueFilter::default() };
    for _ in 0..2 {
        steer(&world, &y, QueueSteering::Hold).await;
        assert_eq!(tallies(TallyBy::Cause, 9).await, "dns 2 0, connect 1 1");
        assert_eq!(tallies(TallyBy::Destination, 9).await, "x.example 2 0, y.example 1 1");
    }
    let counts = storage.queue_counts().await.unwrap();
    assert_eq!((counts.entries, counts.held), (3, 1));
    let claimed = claim_due(storage, NOW, 9).await;
    storage.settle(settlement(vec![(claimed[0].id, retry(0, "connect", false))])).await.unwrap();
    assert_eq!(tallies(TallyBy::Cause, 9).await, "connect 2 1, dns 1 0");
    steer(&world, &y, QueueSteering::Drop).await;
    assert_eq!(tallies(TallyBy::Destination, 9).await, "x.example 2 0");
    storage.settle(settlement(vec![(claimed[1].id, SettlementOutcome::Done)])).await.unwrap();
    assert_eq!(tallies(TallyBy::Cause, 9).await, "connect 1 0");
    let counts = storage.queue_counts().await.unwrap();
    assert_eq!((counts.entries, counts.held, counts.leased), (1, 0, 0));
}

/// What is being delivered is not taken away from under the delivery.
pub async fn leased_entries_are_not_steered(harness: &dyn Harness) {
    let world = World::new(harness).await;
    queue_each(&world, &[("a@x.example", 0), ("b@x.example", 50)]).await;
    let leased = claim_due(&*world.storage, NOW, 10).await;
    let everything = QueueFilter::default();
    for steering in [QueueSteering::Hold, QueueSteering::Release, QueueSteering::RetryNow(NOW), QueueSteering::Drop] {
        assert_eq!(steer(&world, &everything, steering.clone()).await, 1, "{steering:?}");
    }
    assert_eq!(all(&world).await, leased);
}

/// A body in the queue stays until its last entry is gone, and its last placement.
pub async fn the_last_entry_frees_the_body(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let storage = &world.storage;
    let queue = Some(submission(&["a@x.example", "b@x.example"]));
    let placements = vec![placement(world.ann, world.inbox, "")];
    let body = storage.deliver(Delivery { queue, ..delivery("text", placements) }).await.unwrap().body;
    storage.expunge(world.ann, world.inbox, &set("1"), false).await.unwrap();
    assert_eq!(world.text(body).await.unwrap(), "text");
    let claimed = claim_due(&**storage, NOW, 1).await;
    let outcomes = vec![(claimed[0].id, SettlementOutcome::Done)];
    storage.settle(Settlement { outcomes, reports: Vec::new(), trail: Vec::new() }).await.unwrap();
    assert_eq!(world.text(body).await.unwrap(), "text");
    steer(&world, &QueueFilter::default(), QueueSteering::Drop).await;
    let gone = world.text(body).await;
    assert!(matches!(gone, Err(StorageError::NotFound(Named::Body))), "{gone:?}");
}
