//! Mail that is to be delivered within a time (RFC 2852).

use std::sync::Arc;
use std::time::Duration;

use posthouse_model::{ByMode, DeliverBy, DsnNotify, Envelope, FutureRelease, HoldRequest, TrailKind};

use super::house::BEGIN;
use super::*;
use crate::QueueAction;

const MINUTE: Duration = Duration::from_secs(60);

/// What Ann wants to be there in `time`.
fn within(house: &House, time: Duration, mode: ByMode, trace: bool, to: &[&str]) -> Envelope {
    let deliver_by = Some(DeliverBy { at: house.now() + time, mode, trace });
    Envelope { deliver_by, ..envelope("ann@ours.example", to) }
}

fn notify(envelope: Envelope, notify: DsnNotify) -> Envelope {
    let mut envelope = envelope;
    envelope.recipients.iter_mut().for_each(|one| one.notify = Some(notify));
    envelope
}

#[track_caller]
fn assert_told(report: &str, action: &str, status: &str) {
    for line in [format!("Action: {action}"), format!("Status: {status}")] {
        assert!(report.contains(&format!("\r\n{line}\r\n")), "{line}: {report}");
    }
    assert!(
        report.contains("\r\nArrival-Date: Tue, 14 Nov 2023 22:13:20 +0000\r\nDeliver-By-Date: Tue, 14 Nov 2023 22:"),
        "{report}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_in_time_is_returned() {
    let house = House::open().await;
    let received = house.ann_writes(within(&house, 7 * MINUTE, ByMode::Return, false, &["x@far.example"])).await;
    let dispatching = house.dispatch(answers(Outcome::Reply(450)));
    let carried = dispatching.carried_within(7 * MINUTE - Duration::from_secs(1)).await.len();
    assert!(carried > 1 && house.inbox("ann").await.is_empty());
    let carried_in_all = dispatching.carried_within(60 * MINUTE).await;
    assert_eq!(carried_in_all.len(), carried, "no further attempts");
    assert_eq!(carried_in_all[0].consignment.deliver_by.unwrap().at, BEGIN + 7 * MINUTE);
    let reports = house.inbox("ann").await;
    assert_eq!((reports.len(), house.queue().await.len()), (1, 0));
    assert_told(&reports[0], "failed", "5.4.7");
    assert_eq!(house.trail(received).await.last(), Some(&TrailKind::Reported));
}

/// At the time itself, whatever its retries wait for, and though a restart lies between.
#[tokio::test(start_paused = true)]
async fn it_is_returned_at_its_time_and_after_a_restart() {
    let mut house = House::open().await;
    house.ann_writes(within(&house, 47 * MINUTE, ByMode::Return, false, &["x@far.example"])).await;
    let dispatching = house.dispatch(answers(Outcome::Unusable));
    assert!(dispatching.carried_within(MINUTE).await.len() == 1);
    dispatching.task.abort();
    house.flow = Arc::new(house.reopened());
    let _dispatching = house.dispatch(answers(Outcome::Unusable));
    tokio::time::sleep(46 * MINUTE - Duration::from_secs(1)).await;
    assert!(house.inbox("ann").await.is_empty());
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!((house.inbox("ann").await.len(), house.queue().await.len()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn what_an_administrator_holds_is_returned_in_time_too() {
    let house = House::open().await;
    house.ann_writes(within(&house, 7 * MINUTE, ByMode::Return, false, &["x@far.example"])).await;
    house.flow.steer_queue(&Default::default(), &QueueAction::Hold, None, 10).await.unwrap();
    let dispatching = house.dispatch(answers(Outcome::Reply(250)));
    assert!(dispatching.carried_within(8 * MINUTE).await.is_empty());
    assert_eq!((house.inbox("ann").await.len(), house.queue().await.len()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn of_what_is_late_the_sender_is_told_and_it_goes_on() {
    let house = House::open().await;
    house.ann_writes(within(&house, 7 * MINUTE, ByMode::Notify, false, &["x@far.example"])).await;
    let answering = |_: usize, carried: &Carried| match carried.at < BEGIN + 60 * MINUTE {
        true => Outcome::Reply(450),
        false => Outcome::Reply(250),
    };
    let dispatching = house.dispatch(answering);
    dispatching.carried_within(7 * MINUTE + Duration::from_secs(1)).await;
    let reports = house.inbox("ann").await;
    assert_eq!((reports.len(), house.queue().await.len()), (1, 1));
    assert_told(&reports[0], "delayed", "4.4.7");
    let carried = dispatching.carried_within(120 * MINUTE).await;
    // That a host without DELIVERBY took it is told only before its time is over.
    assert_eq!((house.inbox("ann").await.len(), house.queue().await.len()), (1, 0));
    assert_eq!(carried.last().unwrap().consignment.deliver_by.unwrap().at, BEGIN + 7 * MINUTE);
}

/// What comes when its time is over already.
#[tokio::test(start_paused = true)]
async fn what_comes_too_late_is_told_at_once() {
    let house = House::open().await;
    let mut late = within(&house, Duration::ZERO, ByMode::Notify, false, &["x@far.example"]);
    late.deliver_by = late.deliver_by.map(|by| DeliverBy { at: posthouse_model::UnixMillis(by.at.0 - 5000), ..by });
    house.ann_writes(late).await;
    let _dispatching = house.dispatch(answers(Outcome::Reply(450)));
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_told(&house.inbox("ann").await.remove(0), "delayed", "4.4.7");
}

#[tokio::test(start_paused = true)]
async fn the_sender_is_told_only_what_it_wants() {
    let failure = DsnNotify { success: false, failure: true, delay: false };
    for (mode, wants, reports) in [
        (ByMode::Return, DsnNotify::NEVER, 0),
        (ByMode::Notify, DsnNotify::NEVER, 0),
        (ByMode::Return, failure, 1),
        (ByMode::Notify, failure, 0),
    ] {
        let house = House::open().await;
        house.ann_writes(notify(within(&house, 7 * MINUTE, mode, true, &["x@far.example"]), wants)).await;
        let _dispatching = house.dispatch(answers(Outcome::Reply(450)));
        tokio::time::sleep(30 * MINUTE).await;
        assert_eq!(house.inbox("ann").await.len(), reports, "{mode:?} {wants:?}");
        assert_eq!(house.queue().await.len(), usize::from(mode == ByMode::Notify));
        assert!(house.queue().await.iter().all(|entry| entry.deadline.is_none()));
    }
}

/// RFC 2852 §4.1.4 and §4.1.4.2.
#[tokio::test(start_paused = true)]
async fn the_sender_hears_of_hosts() {
    let knows = || Outcome::ReplyWithDeliverBy(250);
    for (mode, trace, outcome, told) in [
        (ByMode::Notify, false, Outcome::Reply(250), true),
        (ByMode::Notify, false, Outcome::ReplyWithDsn(250), true),
        (ByMode::Notify, false, knows(), false),
        (ByMode::Notify, true, knows(), true),
        (ByMode::Return, false, knows(), false),
        (ByMode::Return, true, knows(), true),
    ] {
        for wants in [None, Some(DsnNotify::NEVER)] {
            let house = House::open().await;
            let mut message = within(&house, 7 * MINUTE, mode, trace, &["x@far.example"]);
            message.recipients[0].notify = wants;
            house.ann_writes(message).await;
            let _dispatching = house.dispatch(answers(outcome.clone()));
            tokio::time::sleep(MINUTE).await;
            let reports = house.inbox("ann").await;
            assert_eq!(reports.len(), usize::from(told && wants.is_none()), "{mode:?} {trace} {outcome:?}");
            reports.iter().for_each(|report| assert_told(report, "relayed", "2.0.0"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_lives_here_gets_it_in_time() {
    let house = House::open().await;
    let message = within(&house, MINUTE, ByMode::Return, true, &["bob@ours.example"]);
    house.ann_writes(notify(message, DsnNotify { success: true, failure: true, delay: true })).await;
    assert_eq!(house.inbox("bob").await.len(), 1);
    assert_told(&house.inbox("ann").await.remove(0), "delivered", "2.0.0");
}

#[tokio::test(start_paused = true)]
async fn what_waits_first_has_the_rest_of_its_time() {
    let house = House::open().await;
    let release = FutureRelease { request: HoldRequest::For(600), at: house.now() + 10 * MINUTE };
    let message = within(&house, 12 * MINUTE, ByMode::Return, false, &["x@far.example", "bob@ours.example"]);
    house.ann_writes(Envelope { future_release: Some(release), ..message }).await;
    let dispatching = house.dispatch(answers(Outcome::Reply(450)));
    assert_eq!(dispatching.carried_within(11 * MINUTE).await.len(), 1);
    assert_eq!(house.inbox("bob").await.len(), 1);
    assert!(house.inbox("ann").await.is_empty());
    dispatching.carried_within(2 * MINUTE).await;
    let reports = house.inbox("ann").await;
    assert_eq!((reports.len(), house.queue().await.len()), (1, 0));
    assert_told(&reports[0], "failed", "5.4.7");
    assert!(reports[0].contains("\r\nFuture-Release-Request: for;600\r\n"));
}
