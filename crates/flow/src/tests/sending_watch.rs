use std::time::Duration;

use posthouse_model::Domain;
use posthouse_storage::{Directory, FreezeCause, HeldMail, QueueFilter, SendingWatch};

use super::*;
use crate::{Door, MessageRefusal, QueueAction, SendingRefusal, WatchThresholds};

const TEXT: &str = "From: ann@ours.example\r\nSubject: buy\r\n\r\nthe text\r\n";

async fn watchful() -> House {
    let thresholds = WatchThresholds { hour: 3, day: 100, times_usual: 2, bounces: 1, bounce_percent: 50 };
    House::open_with(|options| options.watch = Some(thresholds)).await
}

async fn send(house: &House, recipients: &[&str]) -> Result<(), MessageRefusal> {
    house.receive(house.submission().await, envelope("ann@ours.example", recipients), TEXT).await.map(drop)
}

fn frozen(cause: FreezeCause) -> Result<(), MessageRefusal> {
    Err(MessageRefusal::Sending(SendingRefusal::Frozen(cause)))
}

/// What floods is taken, held, and the end of it; the postmaster reads why, and one word lets it go on.
#[tokio::test(start_paused = true)]
async fn a_flood_freezes() {
    let house = watchful().await;
    house.alias("postmaster@ours.example", &["bob@ours.example"]).await;
    let four = ["a@far.example", "b@far.example", "c@far.example", "d@far.example"];
    send(&house, &four[..3]).await.unwrap();
    assert_eq!(house.store.sending_freezes().await.unwrap(), []);
    send(&house, &four[3..]).await.unwrap();
    assert_eq!(send(&house, &four[..1]).await, frozen(FreezeCause::Flood));
    let room = house.flow.sending_room(&house.submission().await, &envelope("ann@ours.example", &[])).await;
    assert_eq!(room.err(), Some(SendingRefusal::Frozen(FreezeCause::Flood)));
    assert!(house.queue().await.iter().all(|entry| entry.held));
    let notice = house.inbox("bob").await.remove(0);
    for words in
        ["Auto-Submitted: auto-generated", "ann@ours.example may not send", "4 recipients in this hour", "release"]
    {
        assert!(notice.contains(words), "{notice}");
    }
    // It still receives.
    house.receive(Door::Mx, envelope("x@far.example", &["ann@ours.example"]), TEXT).await.unwrap();
    let dispatching = house.dispatch(answers(Outcome::Reply(250)));
    assert_eq!(dispatching.carried_within(Duration::from_secs(60)).await.len(), 0);
    let ann = house.ann().await.account();
    assert_eq!(house.flow.release_sending(ann, HeldMail::GoesOn).await.unwrap(), 4);
    assert_eq!(dispatching.carried_within(Duration::from_secs(60)).await.len(), 2);
    // What was released is usual from now on: twice as much, and no more.
    send(&house, &four).await.unwrap();
    assert_eq!(house.store.sending_freezes().await.unwrap(), []);
    send(&house, &four[..1]).await.unwrap();
    assert_eq!(send(&house, &four[..1]).await, frozen(FreezeCause::Flood));
    assert_eq!(house.flow.release_sending(ann, HeldMail::IsDropped).await.unwrap(), 5);
    assert_eq!(house.queue().await.len(), 0);
}

/// That an account may send again says nothing about what somebody held for a reason of their own, before or after.
#[tokio::test(start_paused = true)]
async fn what_somebody_holds_stays_when_the_account_is_released() {
    let house = watchful().await;
    send(&house, &["a@odd.example", "b@far.example", "c@strange.example"]).await.unwrap();
    let ann = house.ann().await.account();
    let to = |domain: &str| QueueFilter { destination: Some(Domain::parse(domain).unwrap()), ..QueueFilter::default() };
    house.flow.steer_queue(&to("odd.example"), &QueueAction::Hold, None, 10).await.unwrap();
    assert_eq!(house.flow.freeze_sending(ann, FreezeCause::Administrator, "x".to_owned()).await.unwrap(), Some(2));
    house.flow.steer_queue(&to("strange.example"), &QueueAction::Hold, None, 10).await.unwrap();
    assert_eq!(house.flow.release_sending(ann, HeldMail::GoesOn).await.unwrap(), 1);
    let held: Vec<_> = house.queue().await.iter().map(|entry| entry.held).collect();
    assert_eq!(held, [true, false, true]);
    // Whoever drops what an account that was abused has in the queue means all of it.
    house.flow.freeze_sending(ann, FreezeCause::Administrator, "x".to_owned()).await.unwrap();
    assert_eq!(house.flow.release_sending(ann, HeldMail::IsDropped).await.unwrap(), 3);
}

/// What was under way when the server was killed is no way around a freeze.
#[tokio::test(start_paused = true)]
async fn a_restart_sends_nothing_of_a_frozen_account() {
    let house = watchful().await;
    send(&house, &["a@far.example"]).await.unwrap();
    let ann = house.ann().await.account();
    house.flow.freeze_sending(ann, FreezeCause::Flood, "much".to_owned()).await.unwrap();
    // As a lease leaves it.
    house.flow.steer_queue(&QueueFilter::default(), &QueueAction::Release, None, 10).await.unwrap();
    house.flow.hold_frozen().await.unwrap();
    assert!(house.queue().await[0].held);
    house.flow.release_sending(ann, HeldMail::GoesOn).await.unwrap();
    house.flow.hold_frozen().await.unwrap();
    assert!(!house.queue().await[0].held);
}

/// Mail that comes back in masses freezes; what was under way then is held when it comes back to the queue.
#[tokio::test(start_paused = true)]
async fn bounces_freeze() {
    let house = watchful().await;
    let dispatching =
        house.dispatch(|_, carried: &Carried| match carried.consignment.recipients[0].address.domain.as_str() {
            "slow.example" => Outcome::After(Duration::from_secs(5)),
            "wait.example" => Outcome::Reply(450),
            _ => Outcome::Reply(550),
        });
    send(&house, &["a@gone.example"]).await.unwrap();
    dispatching.carried_within(Duration::from_secs(1)).await;
    assert_eq!(house.store.sending_freezes().await.unwrap(), []);
    send(&house, &["b@gone.example", "a@slow.example"]).await.unwrap();
    dispatching.carried_within(Duration::from_secs(1)).await;
    let freeze = house.store.sending_freezes().await.unwrap().remove(0);
    assert_eq!(
        (freeze.cause, freeze.words.as_str()),
        (FreezeCause::Bounces, "2 of 3 recipients of this day came back")
    );
    assert_eq!(send(&house, &["x@far.example"]).await, frozen(FreezeCause::Bounces));
    // Reports about what came back still reach her.
    assert_eq!(house.inbox("ann").await.len(), 3);
    let ann = house.ann().await.account();
    house.flow.release_sending(ann, HeldMail::GoesOn).await.unwrap();
    send(&house, &["x@wait.example"]).await.unwrap();
    house.flow.freeze_sending(ann, FreezeCause::Administrator, "holiday".to_owned()).await.unwrap();
    dispatching.carried_within(Duration::from_secs(600)).await;
    assert!(house.queue().await.iter().all(|entry| entry.held));
    assert_eq!(send(&house, &["x@far.example"]).await, frozen(FreezeCause::Administrator));
    house.store.delete_account(ann).await.unwrap();
}

/// Nor is a delivery in which the server itself fails.
#[tokio::test(start_paused = true)]
async fn what_a_fault_gives_back_is_held_too() {
    let house = watchful().await;
    send(&house, &["a@slow.example"]).await.unwrap();
    let dispatching = house.dispatch(answers(Outcome::PanicAfter(Duration::from_secs(5))));
    dispatching.carried_within(Duration::from_secs(1)).await;
    let ann = house.ann().await.account();
    house.flow.freeze_sending(ann, FreezeCause::Administrator, String::new()).await.unwrap();
    assert_eq!(dispatching.carried_within(Duration::from_secs(24 * 3600)).await.len(), 1);
    assert!(house.queue().await[0].held);
}

/// A delivery that has worked long enough gives back what it has not come to: that is no way around a freeze either.
#[tokio::test(start_paused = true)]
async fn what_a_delivery_gives_back_is_held_too() {
    let house = House::open_with(|options| options.max_deliveries_per_destination = 2).await;
    for _ in 0..8 {
        send(&house, &["a@slow.example"]).await.unwrap();
    }
    let dispatching = house.dispatch(answers(Outcome::After(Duration::from_secs(6))));
    dispatching.carried_within(Duration::from_secs(1)).await;
    let ann = house.ann().await.account();
    let held = house.flow.freeze_sending(ann, FreezeCause::Administrator, String::new()).await.unwrap();
    assert_eq!(held, Some(4), "two deliveries have two messages each");
    let gone = dispatching.carried_within(Duration::from_secs(600)).await.len();
    assert_eq!(gone, 2, "what is under way goes, and not what was given back");
    assert!(house.queue().await.len() == 6 && house.queue().await.iter().all(|entry| entry.held));
}
