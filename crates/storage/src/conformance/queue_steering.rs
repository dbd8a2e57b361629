//! The queue: looking and steering.

use posthouse_model::JourneyId;

use super::Harness;
use super::queue::{after, all, names, queue_each, submission};
use super::world::{NOW, World, delivery, domain, placement, set};
use crate::{Delivery, Named, QueueFilter, QueueSteering, Settlement, SettlementOutcome, StorageError};

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
    assert_eq!(world.storage.steer(&held, QueueSteering::Hold).await.unwrap(), 1);
    let none = QueueFilter::default;
    let cases = [
        (none(), "a b c d"),
        (QueueFilter { id: Some(entries[1].id), ..none() }, "b"),
        (QueueFilter { journey: Some(JourneyId(100)), ..none() }, "a"),
        (QueueFilter { journey: Some(JourneyId(999)), ..none() }, ""),
        (QueueFilter { destination: Some(domain("X.example")), ..none() }, "a c d"),
        (QueueFilter { sender: Some("ann@example.org".to_owned()), ..none() }, "a b c"),
        (QueueFilter { held: Some(true), ..none() }, "c"),
        (QueueFilter { held: Some(false), destination: Some(domain("x.example")), ..none() }, "a d"),
    ];
    for (filter, expected) in cases {
        let found = world.storage.queue_entries(&filter, None, 10).await.unwrap();
        let letters: Vec<_> = found.iter().map(|entry| entry.recipient.address.local_part.as_str()).collect();
        assert_eq!(letters.join(" "), expected, "{filter:?}");
    }
    assert_eq!(world.storage.queue_counts().await.unwrap().held, 1);
}

/// Retry, hold, release and drop do what they say to what matches, and say to how many.
pub async fn steering_steers(harness: &dyn Harness) {
    let world = World::new(harness).await;
    queue_each(&world, &[("a@x.example", 500), ("b@y.example", 500), ("c@x.example", 500)]).await;
    let storage = &world.storage;
    let x = QueueFilter { destination: Some(domain("x.example")), ..QueueFilter::default() };
    assert_eq!(storage.steer(&x, QueueSteering::RetryNow(after(NOW, 3))).await.unwrap(), 2);
    assert_eq!(storage.next_due(&[]).await.unwrap(), Some(after(NOW, 3)));
    assert_eq!(storage.steer(&x, QueueSteering::Hold).await.unwrap(), 2);
    assert_eq!(storage.next_due(&[]).await.unwrap(), Some(after(NOW, 500)));
    assert_eq!(storage.steer(&x, QueueSteering::Release).await.unwrap(), 2);
    let due: Vec<_> = all(&world).await.iter().map(|entry| entry.due_at).collect();
    assert_eq!(due, [after(NOW, 3), after(NOW, 500), after(NOW, 3)]);
    assert_eq!(storage.steer(&x, QueueSteering::Drop).await.unwrap(), 2);
    assert_eq!(storage.steer(&x, QueueSteering::Drop).await.unwrap(), 0);
    assert_eq!(names(&all(&world).await), ["b@y.example"]);
}

/// What is being delivered is not taken away from under the delivery.
pub async fn leased_entries_are_not_steered(harness: &dyn Harness) {
    let world = World::new(harness).await;
    queue_each(&world, &[("a@x.example", 0), ("b@x.example", 50)]).await;
    let storage = &world.storage;
    let leased = storage.claim_due(NOW, 10, &[]).await.unwrap();
    let everything = QueueFilter::default();
    for steering in [QueueSteering::Hold, QueueSteering::Release, QueueSteering::RetryNow(NOW), QueueSteering::Drop] {
        assert_eq!(storage.steer(&everything, steering).await.unwrap(), 1, "{steering:?}");
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
    let claimed = storage.claim_due(NOW, 1, &[]).await.unwrap();
    let outcomes = vec![(claimed[0].id, SettlementOutcome::Done)];
    storage.settle(Settlement { outcomes, reports: Vec::new(), trail: Vec::new() }).await.unwrap();
    assert_eq!(world.text(body).await.unwrap(), "text");
    storage.steer(&QueueFilter::default(), QueueSteering::Drop).await.unwrap();
    let gone = world.text(body).await;
    assert!(matches!(gone, Err(StorageError::NotFound(Named::Body))), "{gone:?}");
}
