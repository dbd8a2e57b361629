//! What an administrator does with the queue.

use std::time::Duration;

use posthouse_model::{Domain, TrailKind};
use posthouse_storage::{Detour, Queue, QueueFilter, Trail};

use super::*;
use crate::{DestinationTls, HopTls, QueueAction, Received, Steered};

const SECOND: Duration = Duration::from_secs(1);

fn domain(text: &str) -> Domain {
    Domain::parse(text).unwrap()
}

async fn steer(house: &House, filter: &QueueFilter, action: QueueAction) -> usize {
    house.flow.steer_queue(filter, &action, None, 100).await.unwrap().done
}

async fn queued(house: &House, recipients: &[&str]) -> Received {
    house.ann_writes(envelope("ann@ours.example", recipients)).await
}

#[tokio::test(start_paused = true)]
async fn what_is_held_stays_until_it_is_released() {
    let house = House::open().await;
    let received = queued(&house, &["x@far.example"]).await;
    let all = QueueFilter::default();
    assert_eq!(steer(&house, &all, QueueAction::Hold).await, 1);
    let dispatching = house.dispatch(answers(Outcome::Reply(250)));
    assert_eq!(dispatching.carried_within(600 * SECOND).await.len(), 0);
    assert_eq!(steer(&house, &all, QueueAction::Release).await, 1);
    assert_eq!(dispatching.carried_within(SECOND).await.len(), 1);
    let kinds =
        [TrailKind::Received, TrailKind::Queued, TrailKind::Administered, TrailKind::Administered, TrailKind::Relayed];
    assert_eq!(house.trail(received).await, kinds);
}

#[tokio::test(start_paused = true)]
async fn a_retry_does_not_wait() {
    let house = House::open().await;
    let dispatching = house.dispatch(|number, _| Outcome::Reply(if number == 1 { 450 } else { 250 }));
    queued(&house, &["x@far.example"]).await;
    assert_eq!(dispatching.carried_within(SECOND).await.len(), 1);
    let cause = QueueFilter { cause: Some("reply-450".to_owned()), ..QueueFilter::default() };
    assert_eq!(steer(&house, &cause, QueueAction::Retry).await, 1);
    assert_eq!(dispatching.carried_within(SECOND).await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn rerouted_entries_go_to_the_host_they_are_sent_to() {
    let house = House::open_with(|options| {
        options.destination_tls.insert(domain("strict.example"), DestinationTls::Verified);
    })
    .await;
    queued(&house, &["x@far.example", "y@strict.example", "z@back.example"]).await;
    let detour = Detour { host: domain("[192.0.2.9]"), port: 2525 };
    assert_eq!(steer(&house, &QueueFilter::default(), QueueAction::Reroute(detour)).await, 3);
    let back = house.queue().await.into_iter().find(|entry| entry.recipient.address.domain == domain("back.example"));
    let back = QueueFilter { id: back.map(|entry| entry.id), ..QueueFilter::default() };
    assert_eq!(steer(&house, &back, QueueAction::EndReroute).await, 1);
    // What has no detour is not touched.
    assert_eq!(steer(&house, &back, QueueAction::EndReroute).await, 0);
    let dispatching = house.dispatch(answers(Outcome::Reply(250)));
    let mut hops: Vec<_> = dispatching
        .carried_within(SECOND)
        .await
        .into_iter()
        .map(|one| {
            (one.consignment.recipients[0].address.to_string(), one.host().to_owned(), one.hop.port, one.hop.tls)
        })
        .collect();
    hops.sort_by(|one, other| one.0.cmp(&other.0));
    let literal = "[192.0.2.9]".to_owned();
    let expected = [
        ("x@far.example".to_owned(), literal.clone(), 2525, HopTls::Opportunistic),
        // What a domain requires is required of every host.
        ("y@strict.example".to_owned(), literal, 2525, HopTls::Verified),
        ("z@back.example".to_owned(), "back.example".to_owned(), 25, HopTls::Opportunistic),
    ];
    assert_eq!(hops, expected);
}

#[tokio::test(start_paused = true)]
async fn bounced_entries_are_reported_in_one_message() {
    let house = House::open().await;
    let received = queued(&house, &["x@far.example", "y@near.example"]).await;
    queued(&house, &["other@far.example"]).await;
    let filter = QueueFilter { journey: Some(received.journey), ..QueueFilter::default() };
    assert_eq!(steer(&house, &filter, QueueAction::Bounce("That company\r\n is gone.".to_owned())).await, 2);
    let reports = house.inbox("ann").await;
    assert_eq!(reports.len(), 1);
    for words in ["x@far.example", "y@near.example", "That company is gone.", "Action: failed"] {
        assert!(reports[0].contains(words), "{}", reports[0]);
    }
    let kinds = house.trail(received).await;
    assert_eq!(kinds.iter().filter(|kind| **kind == TrailKind::Failed).count(), 2);
    assert_eq!(house.queue().await.len(), 1);
    assert_eq!(house.store.queue_counts().await.unwrap().leased, 0);
}

#[tokio::test(start_paused = true)]
async fn dropped_entries_are_gone_without_a_word() {
    let house = House::open().await;
    let received = queued(&house, &["x@far.example"]).await;
    assert_eq!(steer(&house, &QueueFilter::default(), QueueAction::Drop).await, 1);
    assert!(house.queue().await.is_empty() && house.inbox("ann").await.is_empty());
    let trail = house.store.trail(received.journey).await.unwrap();
    let last = trail.last().unwrap();
    assert!(last.facts.contains(&("action".to_owned(), "drop".to_owned())), "{last:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_under_way_is_left_alone_and_pages_go_on_after_it() {
    let house = House::open().await;
    let dispatching = house.dispatch(answers(Outcome::After(60 * SECOND)));
    queued(&house, &["x@far.example"]).await;
    dispatching.carried_within(SECOND).await;
    let entry = house.queue().await.remove(0);
    for action in [QueueAction::Drop, QueueAction::Bounce(String::new()), QueueAction::Hold] {
        let steered = house.flow.steer_queue(&QueueFilter::default(), &action, None, 1).await.unwrap();
        assert_eq!(steered, Steered { done: 0, last: Some(entry.id) });
        let after = house.flow.steer_queue(&QueueFilter::default(), &action, steered.last, 1).await.unwrap();
        assert_eq!(after, Steered::default());
    }
    dispatching.carried_within(120 * SECOND).await;
    assert!(house.queue().await.is_empty() && house.inbox("ann").await.is_empty());
}
