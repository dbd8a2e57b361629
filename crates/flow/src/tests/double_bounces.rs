//! Reports that cannot be delivered, where no postmaster is named.

use std::time::Duration;

use posthouse_model::{DsnNotify, TrailKind};
use posthouse_storage::{Queue, QueueFilter};

use super::*;
use crate::{Door, QueueAction};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const SECOND: Duration = Duration::from_secs(1);

/// What `posthouse queue list --cause double-bounce` shows.
fn kept() -> QueueFilter {
    QueueFilter { cause: Some("double-bounce".to_owned()), held: Some(true), ..QueueFilter::default() }
}

async fn addresses(house: &House) -> Vec<String> {
    let entries = house.store.queue_entries(&kept(), None, 100).await.unwrap();
    entries.iter().map(|entry| entry.recipient.address.to_string()).collect()
}

/// A message from outside that an alias leads to a host which refuses it: the report about it is refused, too.
#[tokio::test(start_paused = true)]
async fn a_report_that_cannot_be_delivered_is_kept() {
    let house = House::open().await;
    house.alias("away@ours.example", &["carl@far.example"]).await;
    let dispatching = house.dispatch(answers(Outcome::Reply(550)));
    let from_outside = envelope("x@outside.example", &["away@ours.example"]);
    house.receive(Door::Mx, from_outside, "From: x@outside.example\r\n\r\nthe text\r\n").await.unwrap();
    assert_eq!(dispatching.carried_within(DAY).await.len(), 2, "it is not tried again");
    let queue = house.queue().await;
    assert_eq!((queue.len(), addresses(&house).await), (1, vec!["x@outside.example".to_owned()]));
    assert!(queue[0].held && queue[0].attempts == 1);
    assert!(queue[0].last_outcome.as_ref().unwrap().contains("550"), "{queue:?}");
    assert_eq!((house.flow.double_bounces_kept(), house.flow.double_bounces_dropped()), (1, 0));
    assert_eq!(house.store.queue_counts().await.unwrap().leased, 0);
}

/// Once let go it is tried at once, and kept again if that is of no use; given up by an administrator it is gone.
#[tokio::test(start_paused = true)]
async fn what_is_kept_is_released_and_given_up() {
    let house = House::open().await;
    let dispatching = house.dispatch(|number, _| Outcome::Reply(if number <= 2 { 550 } else { 250 }));
    house.ann_writes(envelope("", &["carl@far.example"])).await;
    for (carried, left) in [(1, 1), (2, 1), (3, 0)] {
        assert_eq!(dispatching.carried_within(SECOND).await.len(), carried);
        assert_eq!(addresses(&house).await.len(), left);
        house.flow.steer_queue(&kept(), &QueueAction::Release, None, 10).await.unwrap();
    }
    for action in [QueueAction::Drop, QueueAction::Bounce("no".to_owned())] {
        let refusing = House::open().await;
        let dispatching = refusing.dispatch(answers(Outcome::Reply(550)));
        refusing.ann_writes(envelope("", &["carl@far.example"])).await;
        dispatching.carried_within(SECOND).await;
        let steered = refusing.flow.steer_queue(&kept(), &action, None, 10).await.unwrap();
        assert_eq!((steered.done, refusing.queue().await.len()), (1, 0), "{action:?}");
    }
}

/// The oldest go first, and all of them in the end.
#[tokio::test(start_paused = true)]
async fn so_many_are_kept_for_so_long() {
    let house = House::open_with(|options| options.max_double_bounces = 2).await;
    let dispatching = house.dispatch(answers(Outcome::Reply(550)));
    let mut received = Vec::new();
    for number in 1..=4 {
        received.push(house.ann_writes(envelope("", &[&format!("x{number}@far.example")])).await);
        dispatching.carried_within(DAY).await;
    }
    assert_eq!(addresses(&house).await, ["x3@far.example", "x4@far.example"]);
    assert_eq!((house.flow.double_bounces_kept(), house.flow.double_bounces_dropped()), (4, 2));
    // They were kept a day apart, and a day has passed since.
    dispatching.carried_within(28 * DAY - 2 * SECOND).await;
    assert_eq!(addresses(&house).await, ["x3@far.example", "x4@far.example"]);
    dispatching.carried_within(4 * SECOND).await;
    assert_eq!(addresses(&house).await, ["x4@far.example"]);
    dispatching.carried_within(DAY).await;
    assert_eq!((house.queue().await.len(), house.flow.double_bounces_dropped()), (0, 4));
    assert_eq!(dispatching.carried_within(SECOND).await.len(), 4);
    assert_eq!(house.trail(received.remove(3)).await.last(), Some(&TrailKind::Failed));
}

/// Released, and waiting for its next attempt, it is mail like other mail: its time as a double bounce is no matter.
#[tokio::test(start_paused = true)]
async fn what_was_released_is_not_dropped_for_its_age() {
    let house = House::open().await;
    let dispatching = house.dispatch(|number, _| Outcome::Reply(if number == 1 { 550 } else { 450 }));
    house.ann_writes(envelope("", &["carl@far.example"])).await;
    dispatching.carried_within(SECOND).await;
    house.flow.steer_queue(&kept(), &QueueAction::Release, None, 10).await.unwrap();
    dispatching.carried_within(SECOND).await;
    let queue = house.queue().await;
    assert_eq!((queue[0].held, queue[0].cause.as_deref()), (false, Some("reply-450")));
    // Its time in the queue ends, and it is kept anew, from then on.
    dispatching.carried_within(29 * DAY).await;
    assert_eq!(addresses(&house).await, ["carl@far.example"]);
    dispatching.carried_within(2 * DAY).await;
    assert_eq!(addresses(&house).await, ["carl@far.example"]);
}

/// Nobody wanted to know; or it is too large to be a report.
#[tokio::test(start_paused = true)]
async fn what_is_not_kept() {
    let house = House::open().await;
    let dispatching = house.dispatch(answers(Outcome::Reply(550)));
    let mut unwanted = envelope("", &["carl@far.example"]);
    unwanted.recipients[0].notify = Some(DsnNotify::NEVER);
    house.ann_writes(unwanted).await;
    let large = format!("From: ann@ours.example\r\n\r\n{}", "x\r\n".repeat(750_000));
    house.receive(house.submission().await, envelope("", &["dora@far.example"]), &large).await.unwrap();
    house.ann_writes(envelope("ann@ours.example", &["emil@far.example"])).await;
    assert_eq!(dispatching.carried_within(DAY).await.len(), 3);
    assert_eq!((house.queue().await.len(), house.flow.double_bounces_dropped()), (0, 1));
}
