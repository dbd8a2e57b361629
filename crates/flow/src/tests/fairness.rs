//! Nobody waits for others longer than it takes to let everybody have a turn.

use std::time::Duration;

use posthouse_model::{Domain, UnixMillis};

use super::*;
use crate::DestinationRate;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// Where the message from `sender` comes among those carried to `host`.
fn place_of(carried: &[Carried], host: &str, sender: &str) -> usize {
    let mut to_host = carried.iter().filter(|one| one.host() == host);
    to_host.position(|one| one.consignment.sender.to_string().contains(sender)).unwrap()
}

/// Many messages of one sender, then one of another.
async fn much_and_little(house: &House, much: usize) {
    for number in 0..much {
        house.ann_writes(envelope("ann@ours.example", &[&format!("u{number}@far.example")])).await;
    }
    house.ann_writes(envelope("bob@ours.example", &["carl@far.example"])).await;
}

#[tokio::test(start_paused = true)]
async fn a_single_message_does_not_wait_for_a_thousand_of_another_sender() {
    let house = House::open_with(|options| {
        options.max_deliveries_per_destination = 2;
        // Nobody is to be frozen for it here.
        options.watch = None;
    })
    .await;
    much_and_little(&house, 1000).await;
    let dispatching = house.dispatch(answers(Outcome::After(SECOND)));
    let carried = dispatching.carried_within(20 * SECOND).await;
    assert!(place_of(&carried, "far.example", "bob@") < 4, "{}", place_of(&carried, "far.example", "bob@"));
}

#[tokio::test(start_paused = true)]
async fn nor_does_it_where_a_pace_is_set() {
    let house = House::open_with(|options| {
        options.default_rate = Some(DestinationRate::per_minute(6.try_into().unwrap()));
    })
    .await;
    much_and_little(&house, 50).await;
    let dispatching = house.dispatch(answers(Outcome::Reply(250)));
    let carried = dispatching.carried_within(60 * SECOND).await;
    assert!(place_of(&carried, "far.example", "bob@") <= 1);
}

/// A delivery that takes long gives back what it has not come to.
#[tokio::test(start_paused = true)]
async fn a_message_that_comes_later_does_not_wait_for_all_that_were_taken_out() {
    let house = House::open_with(|options| options.max_deliveries_per_destination = 8).await;
    for number in 0..200 {
        house.ann_writes(envelope("ann@ours.example", &[&format!("u{number}@far.example")])).await;
    }
    let dispatching = house.dispatch(answers(Outcome::After(4 * SECOND)));
    dispatching.carried_within(60 * SECOND).await;
    house.ann_writes(envelope("bob@ours.example", &["carl@far.example"])).await;
    let before = dispatching.carried_within(Duration::ZERO).await.len();
    let carried = dispatching.carried_within(30 * SECOND).await;
    let place = place_of(&carried, "far.example", "bob@");
    assert!(place <= before + 16, "{place} after {before}");
    assert_eq!(dispatching.carried_within(HOUR).await.len(), 201);
    assert!(house.queue().await.is_empty());
}

/// More hosts than there are deliveries never answer; the others get their mail at once all the same.
#[tokio::test(start_paused = true)]
async fn hosts_that_never_answer_do_not_use_up_all_deliveries() {
    let house = House::open_with(|options| {
        options.max_deliveries = 10;
        options.schedule.waits = vec![SECOND];
    })
    .await;
    let dispatching = house.dispatch(|_, carried| match carried.host().starts_with("dead") {
        true => Outcome::UnusableAfter(30 * SECOND),
        false => Outcome::Reply(250),
    });
    for number in 0..40 {
        house.ann_writes(envelope("ann@ours.example", &[&format!("x@dead{number}.example")])).await;
    }
    // Nothing is known of them before each was tried once.
    dispatching.carried_within(5 * 60 * SECOND).await;
    let mut waits = Vec::new();
    for number in 0..20 {
        let host = format!("good{number}.example");
        house.ann_writes(envelope("ann@ours.example", &[&format!("x@{host}")])).await;
        let carried = dispatching.carried_within(SECOND).await;
        waits.push(carried.iter().any(|one| one.host() == host));
    }
    assert!(waits.iter().all(|&got| got), "{waits:?}");
    assert!(dispatching.most_at_once() <= 10);
}

/// One attempt speaks for all that wait for a host that cannot be reached, and it is not hammered.
#[tokio::test(start_paused = true)]
async fn a_dead_destination_is_not_tried_for_each_message() {
    let house = House::open().await;
    let dispatching = house.dispatch(answers(Outcome::Unusable));
    for number in 0..300 {
        house.ann_writes(envelope("ann@ours.example", &[&format!("u{number}@far.example")])).await;
    }
    let attempts = dispatching.carried_within(4 * 60 * SECOND).await.len();
    assert!(attempts <= 10, "{attempts}");
    assert!(house.queue().await.iter().all(|entry| entry.attempts == 1 && entry.cause.as_deref() == Some("connect")));
}

#[tokio::test(start_paused = true)]
async fn a_destination_shows_that_it_can_take_more() {
    let house = House::open_with(|options| options.max_deliveries_per_destination = 12).await;
    for number in 0..400 {
        house.ann_writes(envelope("ann@ours.example", &[&format!("u{number}@far.example")])).await;
    }
    let dispatching = house.dispatch(answers(Outcome::After(SECOND)));
    dispatching.carried_within(SECOND / 2).await;
    assert_eq!(dispatching.most_at_once(), 4);
    dispatching.carried_within(HOUR).await;
    assert_eq!(dispatching.most_at_once(), 12);
    assert!(house.queue().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_pushes_back_gets_less() {
    let house = House::open_with(|options| options.schedule.waits = vec![SECOND]).await;
    for number in 0..40 {
        house.ann_writes(envelope("ann@ours.example", &[&format!("u{number}@far.example")])).await;
    }
    let dispatching = house.dispatch(answers(Outcome::ReplyAfter(421, SECOND)));
    dispatching.carried_within(20 * SECOND).await;
    dispatching.forget_most_at_once();
    dispatching.carried_within(20 * SECOND).await;
    assert_eq!(dispatching.most_at_once(), 1);
}

/// What came before the process began, and what nobody told of, is found.
#[tokio::test(start_paused = true)]
async fn what_is_there_at_the_start_is_sent() {
    let house = House::open().await;
    for number in 0..250 {
        house.ann_writes(envelope("ann@ours.example", &[&format!("x@d{number}.example")])).await;
    }
    let dispatching = house.dispatch(answers(Outcome::Reply(250)));
    assert_eq!(dispatching.carried_within(SECOND).await.len(), 250);
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_its_time_is_sent_then() {
    let house = House::open_with(|options| options.schedule.waits = vec![90 * SECOND]).await;
    let dispatching = house.dispatch(|number, _| Outcome::Reply(if number == 1 { 450 } else { 250 }));
    house.ann_writes(envelope("ann@ours.example", &["x@far.example"])).await;
    dispatching.carried_within(SECOND).await;
    let due = house.queue().await[0].due_at;
    let carried = dispatching.carried_within(120 * SECOND).await;
    let late = |at: UnixMillis| at.0 - due.0;
    assert!((0..1000).contains(&late(carried[1].at)), "{}", late(carried[1].at));
    assert_eq!(carried[1].hop.host, Domain::parse("far.example").unwrap());
}
