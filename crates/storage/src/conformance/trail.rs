//! The trail.

use std::sync::Arc;

use parking_lot::Mutex;
use posthouse_model::trail::{MAX_MESSAGE_ID_KEY_BYTES, MESSAGE_ID_FACT};
use posthouse_model::{JourneyId, MailboxId, TrailEvent, TrailKind, UnixMillis};

use super::Harness;
use super::world::{NOW, World, address, delivery, placement};
use crate::{Delivery, Settlement, TrailObserver};

fn event(journey: u64, at: i64, kind: TrailKind, about: &[&str]) -> TrailEvent {
    let mut event = TrailEvent::new(JourneyId(journey), UnixMillis(at), kind);
    for text in about {
        event = event.about(&address(text));
    }
    event.fact("number", at.to_string())
}

async fn journeys(world: &World, about: &str, limit: usize) -> Vec<(u64, i64)> {
    let found = world.storage.journeys(about, limit).await.unwrap();
    found.iter().map(|summary| (summary.journey.0, summary.began_at.0)).collect()
}

/// Events come back whole and in the order in which they were written, each journey by itself.
pub async fn events_are_kept_in_order(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let odd = event(1, -5, TrailKind::Received, &["\"odd one\"@x.example", "ann@example.org"])
        .fact("tls", "TLS1.3 \u{1f512}\r\n")
        .fact("", "");
    let placed = vec![placement(world.ann, world.inbox, "")];
    let first = Delivery { trail: vec![odd.clone(), event(1, 1, TrailKind::Delivered, &[])], ..delivery("a", placed) };
    world.storage.deliver(first).await.unwrap();
    let mixed = vec![event(2, 2, TrailKind::Refused, &[]), event(1, 3, TrailKind::Reported, &[])];
    world.storage.record(mixed);
    world.storage.record(vec![event(1, 2, TrailKind::Failed, &[])]);
    let expected = [
        odd,
        event(1, 1, TrailKind::Delivered, &[]),
        event(1, 3, TrailKind::Reported, &[]),
        event(1, 2, TrailKind::Failed, &[]),
    ];
    assert_eq!(world.storage.trail(JourneyId(1)).await.unwrap(), expected);
    assert_eq!(world.storage.trail(JourneyId(2)).await.unwrap(), [event(2, 2, TrailKind::Refused, &[])]);
    assert_eq!(world.storage.trail(JourneyId(3)).await.unwrap(), []);
}

/// Whoever asks after recording sees what was recorded.
pub async fn recorded_events_are_found(harness: &dyn Harness) {
    let world = World::new(harness).await;
    for at in 0..50 {
        world.storage.record(vec![event(9, at, TrailKind::Deferred, &["x@y.example"])]);
    }
    world.storage.record(Vec::new());
    assert_eq!(world.storage.trail(JourneyId(9)).await.unwrap().len(), 50);
    world.storage.record(vec![event(u64::MAX, NOW.0, TrailKind::Refused, &["x@y.example"])]);
    assert_eq!(journeys(&world, "x@y.example", 9).await, [(u64::MAX, NOW.0), (9, 0)]);
}

/// Newest first, each once, under the folded address.
pub async fn journeys_are_found_by_address(harness: &dyn Harness) {
    let world = World::new(harness).await;
    world.storage.record(vec![
        event(1, 10, TrailKind::Received, &["Ann@Example.org", "bob@example.org"]),
        event(2, 20, TrailKind::Received, &["ann@example.org"]),
        event(3, 30, TrailKind::Received, &["bob@example.org"]),
        event(1, 40, TrailKind::Relayed, &["ANN@example.org"]),
    ]);
    world.storage.trail(JourneyId(1)).await.unwrap();
    world.storage.record(vec![event(1, 50, TrailKind::Failed, &["ann@example.org", "carl@example.org"])]);
    assert_eq!(journeys(&world, "ann@example.org", 10).await, [(2, 20), (1, 10)]);
    assert_eq!(journeys(&world, "ann@example.org", 1).await, [(2, 20)]);
    assert_eq!(journeys(&world, "bob@example.org", 10).await, [(3, 30), (1, 10)]);
    assert_eq!(journeys(&world, "carl@example.org", 10).await, [(1, 10)]);
    assert_eq!(journeys(&world, "eve@example.org", 10).await, []);
}

/// A journey goes whole when its last event is old enough.
pub async fn old_journeys_are_forgotten(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let about = &["ann@example.org"];
    world.storage.record(vec![event(1, 10, TrailKind::Received, about), event(2, 10, TrailKind::Received, about)]);
    world.storage.trail(JourneyId(1)).await.unwrap();
    world.storage.record(vec![event(1, 30, TrailKind::Relayed, about), event(3, 19, TrailKind::Refused, about)]);
    assert_eq!(world.storage.prune_trail(UnixMillis(10)).await.unwrap(), 0);
    assert_eq!(world.storage.prune_trail(UnixMillis(20)).await.unwrap(), 2);
    assert_eq!(journeys(&world, "ann@example.org", 10).await, [(1, 10)]);
    assert_eq!(world.storage.trail(JourneyId(2)).await.unwrap(), []);
    assert_eq!(world.storage.trail(JourneyId(1)).await.unwrap().len(), 2);
    assert_eq!(world.storage.prune_trail(UnixMillis(31)).await.unwrap(), 1);
    assert_eq!(world.storage.prune_trail(UnixMillis(31)).await.unwrap(), 0);
    assert_eq!(journeys(&world, "ann@example.org", 10).await, []);
}

/// A Message-ID leads to every journey that had it, as long as that is known.
pub async fn journeys_are_found_by_message_id(harness: &dyn Harness) {
    let world = World::new(harness).await;
    for journey in [1, 2] {
        let event = event(journey, 10 * i64::try_from(journey).unwrap(), TrailKind::Received, &["ann@example.org"]);
        world.storage.record(vec![event.fact(MESSAGE_ID_FACT, "A.b@host")]);
    }
    let long = "x".repeat(MAX_MESSAGE_ID_KEY_BYTES + 1);
    world.storage.record(vec![event(3, 30, TrailKind::Received, &[]).fact(MESSAGE_ID_FACT, long.clone())]);
    assert_eq!(journeys(&world, "<A.b@host>", 9).await, [(2, 20), (1, 10)]);
    assert_eq!(journeys(&world, "A.b@host", 9).await, []);
    assert_eq!(journeys(&world, &format!("<{long}>"), 9).await, []);
    assert_eq!(world.storage.prune_trail(UnixMillis(15)).await.unwrap(), 1);
    assert_eq!(journeys(&world, "<A.b@host>", 9).await, [(2, 20)]);
}

/// Keeps what it is told.
#[derive(Default)]
struct Follower(Mutex<Vec<TrailEvent>>);

impl TrailObserver for Follower {
    fn recorded(&self, events: &[TrailEvent]) {
        assert!(!events.is_empty());
        self.0.lock().extend_from_slice(events);
    }
}

/// Whichever way events come, whoever follows the trail hears of them once, in order; and of none that was not kept.
pub async fn followers_hear_of_what_is_kept(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let storage = &world.storage;
    storage
        .deliver(Delivery { trail: vec![event(1, 0, TrailKind::Received, &[])], ..delivery("a", vec![]) })
        .await
        .unwrap();
    let follower = Arc::new(Follower::default());
    storage.observe_trail(Arc::clone(&follower) as _);
    let settled = |events| Settlement { outcomes: Vec::new(), reports: Vec::new(), trail: events };
    let told = |at| event(1, at, TrailKind::Received, &["ann@example.org"]).since(Some(UnixMillis(at - 1)));
    let kept: Vec<TrailEvent> = (1..6).map(told).collect();
    let placed = vec![placement(world.ann, world.inbox, "")];
    let first = Delivery { trail: kept[..2].to_vec(), ..delivery("b", placed) };
    storage.deliver(first).await.unwrap();
    // Nobody has this mailbox: all of it fails.
    let nowhere = vec![placement(world.ann, MailboxId(999_999), "")];
    let lost = Delivery { trail: vec![event(2, 9, TrailKind::Received, &[])], ..delivery("c", nowhere) };
    storage.deliver(lost).await.unwrap_err();
    storage.settle(settled(Vec::new())).await.unwrap();
    storage.settle(settled(vec![kept[2].clone()])).await.unwrap();
    storage.record(vec![kept[3].clone()]);
    storage.trail(JourneyId(1)).await.unwrap();
    let report =
        Delivery { trail: vec![kept[4].clone()], ..delivery("d", vec![placement(world.ann, world.inbox, "")]) };
    storage.settle(Settlement { reports: vec![report], ..settled(Vec::new()) }).await.unwrap();
    assert_eq!(*follower.0.lock(), kept);
    // When it had begun is for followers only.
    let found = storage.trail(JourneyId(1)).await.unwrap();
    assert!(found.len() == 6 && found.iter().all(|event| event.began_at.is_none()), "{found:?}");
}
