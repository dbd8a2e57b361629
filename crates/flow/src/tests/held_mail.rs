//! Mail that waits until its sender wants it to go (RFC 4865).

use std::sync::Arc;
use std::time::Duration;

use posthouse_model::{DsnNotify, Envelope, FutureRelease, HoldRequest, ReversePath, TrailKind};
use posthouse_storage::{
    AccountQuotaSettings, Detour, Directory, FreezeCause, HeldMail, QueueFilter, QuotaSetting, Quotas,
};

use super::house::BEGIN;
use super::*;
use crate::queue::steering::QueueAction;
use crate::{Door, HeldRoom, MessageRefusal};

const HOUR: Duration = Duration::from_secs(3600);

/// What Ann wants to go in an hour.
fn in_an_hour(house: &House, recipients: &[&str]) -> Envelope {
    let request = HoldRequest::For(3600);
    let at = house.now() + HOUR;
    Envelope { future_release: Some(FutureRelease { request, at }), ..envelope("ann@ours.example", recipients) }
}

async fn steer(house: &House, action: QueueAction) -> usize {
    house.flow.steer_queue(&QueueFilter::default(), &action, None, 100).await.unwrap().done
}

#[tokio::test(start_paused = true)]
async fn local_and_remote_recipients_get_it_at_its_time() {
    let house = House::open().await;
    house.alias("both@ours.example", &["bob@ours.example", "carl@far.example"]).await;
    let to = ["bob@ours.example", "both@ours.example", "dora@far.example"];
    let received = house.ann_writes(in_an_hour(&house, &to)).await;
    let waiting = house.queue().await;
    assert_eq!(waiting.iter().map(|entry| entry.recipient.address.to_string()).collect::<Vec<_>>(), to);
    assert!(waiting.iter().all(|entry| entry.message.awaits_release && entry.due_at == BEGIN + HOUR));
    let dispatching = house.dispatch(answers(Outcome::Reply(250)));
    assert!(dispatching.carried_within(HOUR - Duration::from_secs(1)).await.is_empty());
    assert!(house.inbox("bob").await.is_empty());
    let carried = dispatching.carried_within(Duration::from_secs(5)).await;
    let mut remote: Vec<_> =
        carried.iter().flat_map(|one| &one.consignment.recipients).map(|one| one.address.to_string()).collect();
    remote.sort();
    assert_eq!(remote, ["carl@far.example", "dora@far.example"]);
    let inbox = house.inbox("bob").await;
    assert_eq!(inbox.len(), 1, "whom two recipients lead to gets it once");
    assert!(inbox[0].starts_with("Return-Path: <ann@ours.example>\r\nReceived: "), "{}", inbox[0]);
    assert!(inbox[0].contains("\r\n\t(held until 2023-11-14T23:13:20Z);\r\n\tTue, 14 Nov 2023 22:13:20 +0000\r\n"));
    assert!(carried[0].text().starts_with("Received: "), "{}", carried[0].text());
    assert!(house.queue().await.is_empty());
    let trail = house.trail(received).await;
    let count = |kind| trail.iter().filter(|one| **one == kind).count();
    assert_eq!((count(TrailKind::Received), count(TrailKind::Queued)), (1, 3 + 2));
    assert_eq!((count(TrailKind::Delivered), count(TrailKind::Relayed)), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn it_waits_over_a_restart() {
    let mut house = House::open().await;
    house.ann_writes(in_an_hour(&house, &["bob@ours.example", "carl@far.example"])).await;
    let dispatching = house.dispatch(answers(Outcome::Reply(250)));
    assert!(dispatching.carried_within(HOUR / 2).await.is_empty());
    dispatching.task.abort();
    house.flow = Arc::new(house.reopened());
    // The process is away when its time comes.
    tokio::time::sleep(2 * HOUR).await;
    assert!(house.inbox("bob").await.is_empty());
    let dispatching = house.dispatch(answers(Outcome::Reply(250)));
    assert_eq!(dispatching.carried_within(Duration::from_secs(5)).await.len(), 1);
    assert_eq!(house.inbox("bob").await.len(), 1);
    assert!(house.queue().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_administrator_lets_it_go_at_once_or_drops_it() {
    let house = House::open().await;
    house.ann_writes(in_an_hour(&house, &["bob@ours.example"])).await;
    let _dispatching = house.dispatch(answers(Outcome::Reply(250)));
    let detour = Detour::parse("elsewhere.example:25").unwrap();
    assert_eq!(steer(&house, QueueAction::Reroute(detour)).await, 0);
    assert_eq!(steer(&house, QueueAction::Hold).await, 1);
    assert_eq!(steer(&house, QueueAction::Release).await, 1);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(house.inbox("bob").await.is_empty(), "what was held besides waits for its time as before");
    assert_eq!(steer(&house, QueueAction::Release).await, 1);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(house.inbox("bob").await.len(), 1);
    house.ann_writes(in_an_hour(&house, &["bob@ours.example"])).await;
    assert_eq!(steer(&house, QueueAction::Drop).await, 1);
    tokio::time::sleep(2 * HOUR).await;
    assert_eq!((house.inbox("bob").await.len(), house.queue().await.len()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn its_time_in_the_queue_begins_when_it_is_let_go() {
    let house = House::open().await;
    house.ann_writes(in_an_hour(&house, &["carl@far.example"])).await;
    let _dispatching = house.dispatch(answers(Outcome::Reply(450)));
    tokio::time::sleep(HOUR + Duration::from_secs(5)).await;
    let entry = house.queue().await.remove(0);
    assert!(!entry.message.awaits_release && entry.attempts == 1);
    let let_go = entry.message.future_release.unwrap().at;
    assert!(let_go >= BEGIN + HOUR && entry.expires_at == let_go + house.flow.options().schedule.lifetime);
    // Four hours after it was let go, and not after it came, it is late.
    tokio::time::sleep(3 * HOUR + HOUR / 2).await;
    assert!(house.inbox("ann").await.is_empty());
    tokio::time::sleep(3 * HOUR).await;
    let report = house.inbox("ann").await.remove(0);
    assert!(report.contains("\r\nArrival-Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"), "{report}");
    assert!(report.contains("\r\nFuture-Release-Request: for;3600\r\n"), "{report}");
    assert!(report.contains("\r\nAction: delayed\r\n"), "{report}");
}

#[tokio::test(start_paused = true)]
async fn the_sender_is_told_what_it_wants_to_be_told() {
    let house = House::open().await;
    house.alias("gone@ours.example", &["bob@ours.example"]).await;
    let mut held = in_an_hour(&house, &["bob@ours.example", "gone@ours.example"]);
    held.recipients[0].notify = Some(DsnNotify { success: true, failure: true, delay: false });
    held.future_release = held.future_release.map(|one| FutureRelease { request: HoldRequest::Until(one.at), ..one });
    house.ann_writes(held).await;
    house.store.delete_alias(&address("gone@ours.example")).await.unwrap();
    let _dispatching = house.dispatch(answers(Outcome::Reply(250)));
    tokio::time::sleep(HOUR + Duration::from_secs(5)).await;
    assert_eq!(house.inbox("bob").await.len(), 1);
    let reports = house.inbox("ann").await;
    assert_eq!(reports.len(), 1);
    for field in [
        "Future-Release-Request: until;2023-11-14T23:13:20Z",
        "Arrival-Date: Tue, 14 Nov 2023 22:13:20 +0000",
        "Final-Recipient: rfc822; bob@ours.example\r\nAction: delivered\r\nStatus: 2.0.0",
        "Final-Recipient: rfc822; gone@ours.example\r\nAction: failed\r\nStatus: 5.1.1",
    ] {
        assert!(reports[0].contains(&format!("\r\n{field}\r\n")), "{field}: {}", reports[0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_that_is_full_at_that_time_does_not_get_it() {
    let house = House::open().await;
    house.ann_writes(in_an_hour(&house, &["bob@ours.example", "ann@ours.example"])).await;
    let none = AccountQuotaSettings { messages: QuotaSetting::AtMost(0), ..Default::default() };
    house.store.set_account_quota(house.account_of("bob").await, none).await.unwrap();
    let _dispatching = house.dispatch(answers(Outcome::Reply(250)));
    tokio::time::sleep(HOUR + Duration::from_secs(5)).await;
    assert!(house.inbox("bob").await.is_empty());
    let inbox = house.inbox("ann").await;
    assert_eq!(inbox.len(), 2);
    assert!(inbox.iter().any(|one| one.contains("Action: failed\r\nStatus: 5.2.2\r\n")));
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_made_anew_meanwhile_gets_it() {
    let house = House::open().await;
    house.ann_writes(envelope("ann@ours.example", &["bob@ours.example"])).await;
    house.ann_writes(in_an_hour(&house, &["bob@ours.example"])).await;
    house.delete_inbox("bob", true).await;
    let _dispatching = house.dispatch(answers(Outcome::Reply(250)));
    tokio::time::sleep(HOUR + Duration::from_secs(5)).await;
    assert_eq!((house.inbox("bob").await.len(), house.queue().await.len()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn only_so_much_waits() {
    let house = House::open_with(|options| options.max_held_messages = 2).await;
    let door = house.submission().await;
    let held = in_an_hour(&house, &["bob@ours.example"]);
    for _ in 0..2 {
        assert_eq!(house.flow.held_room(&door, &held).await, HeldRoom::Enough);
        house.ann_writes(held.clone()).await;
    }
    assert_eq!(house.flow.held_room(&door, &held).await, HeldRoom::UsedUp);
    let text = "From: ann@ours.example\r\n\r\nx\r\n";
    assert_eq!(house.receive(door.clone(), held, text).await, Err(MessageRefusal::TooMuchHeld));
    let ordinary = envelope("ann@ours.example", &["bob@ours.example"]);
    assert_eq!(house.flow.held_room(&door, &ordinary).await, HeldRoom::Enough);
    house.ann_writes(ordinary).await;
    assert_eq!(house.inbox("bob").await.len(), 1);
}

/// Whoever did not sign in cannot have mail kept here, whatever the session lets through.
#[tokio::test(start_paused = true)]
async fn strangers_cannot_have_mail_wait() {
    let house = House::open().await;
    let envelope = Envelope { sender: ReversePath::Null, ..in_an_hour(&house, &["bob@ours.example"]) };
    house.receive(Door::Mx, envelope, "Subject: x\r\n\r\nx\r\n").await.unwrap();
    assert_eq!((house.inbox("bob").await.len(), house.queue().await.len()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn what_a_frozen_account_had_waiting_is_held() {
    let house = House::open().await;
    house.ann_writes(in_an_hour(&house, &["bob@ours.example"])).await;
    let account = house.account_of("ann").await;
    house.flow.freeze_sending(account, FreezeCause::Administrator, String::new()).await.unwrap();
    let _dispatching = house.dispatch(answers(Outcome::Reply(250)));
    tokio::time::sleep(2 * HOUR).await;
    assert!(house.inbox("bob").await.is_empty());
    house.flow.release_sending(account, HeldMail::GoesOn).await.unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(house.inbox("bob").await.len(), 1);
}
