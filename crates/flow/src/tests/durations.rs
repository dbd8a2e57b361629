//! How long things took, for whoever follows the trail.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use posthouse_model::{TrailEvent, TrailKind};
use posthouse_storage::{Trail, TrailObserver};

use super::*;

#[derive(Default)]
struct Follower(Mutex<Vec<TrailEvent>>);

impl TrailObserver for Follower {
    fn recorded(&self, events: &[TrailEvent]) {
        self.0.lock().extend_from_slice(events);
    }
}

impl Follower {
    /// How long events of this kind took, in milliseconds.
    fn took(&self, kind: TrailKind) -> Vec<Option<i64>> {
        let events = self.0.lock();
        let of_kind = events.iter().filter(|event| event.kind == kind);
        of_kind.map(|event| event.began_at.map(|began_at| event.at.0 - began_at.0)).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn attempts_and_receptions_take_time() {
    let house = House::open().await;
    let follower = Arc::new(Follower::default());
    house.store.observe_trail(Arc::clone(&follower) as _);
    house.ann_writes(envelope("ann@ours.example", &["a@slow.example", "b@dead.example", "c@later.example"])).await;
    let dispatching = house.dispatch(|_, carried: &Carried| match carried.host() {
        "slow.example" => Outcome::ReplyAfter(250, Duration::from_millis(2_500)),
        "later.example" => Outcome::ReplyAfter(450, Duration::from_millis(700)),
        _ => Outcome::UnusableAfter(Duration::from_secs(30)),
    });
    dispatching.carried_within(Duration::from_secs(60)).await;
    assert_eq!(follower.took(TrailKind::Received), [Some(0)]);
    assert_eq!(follower.took(TrailKind::Queued), [None; 3]);
    assert_eq!(follower.took(TrailKind::Relayed), [Some(2_500)]);
    assert_eq!(follower.took(TrailKind::Deferred), [Some(700), Some(30_000)]);
}

/// Its text may come slowly, whatever becomes of it.
#[tokio::test(start_paused = true)]
async fn what_comes_slowly_began_when_it_came() {
    let house = House::open().await;
    let follower = Arc::new(Follower::default());
    house.store.observe_trail(Arc::clone(&follower) as _);
    let slow = Duration::from_secs(7);
    for (from, kind) in [("ann", TrailKind::Received), ("bob", TrailKind::Refused)] {
        let text = format!("From: {from}@ours.example\r\n\r\nx\r\n");
        let door = house.submission().await;
        let envelope = envelope("ann@ours.example", &["bob@ours.example"]);
        let received = house.receive_within(door, envelope, &text, slow).await;
        assert_eq!(received.is_ok(), kind == TrailKind::Received);
        assert_eq!(follower.took(kind), [Some(7_000)], "{kind:?}");
    }
}
