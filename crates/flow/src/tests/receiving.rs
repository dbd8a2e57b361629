use std::time::Duration;

use posthouse_model::trail::message_id_key;
use posthouse_model::{ReversePath, TrailKind};
use posthouse_storage::Trail;

use super::*;
use crate::{Door, MessageRefusal, RecipientVerdict, SenderVerdict};

const PLAIN: &str = "From: x@far.example\r\nSubject: hi\r\n\r\nthe text\r\n";

#[tokio::test(start_paused = true)]
async fn trace_fields_stand_on_top() {
    let house = House::open().await;
    let received = house.receive(Door::Mx, envelope("x@far.example", &["ann@ours.example"]), PLAIN).await.unwrap();
    let expected = format!(
        "Return-Path: <x@far.example>\r\n\
         Received: from client.example ([192.0.2.7])\r\n\tby mx.ours.example (Posthouse) with ESMTP\r\n\
         \tid {}\r\n\tfor <ann@ours.example>;\r\n\tTue, 14 Nov 2023 22:13:20 +0000\r\n{PLAIN}",
        received.journey
    );
    assert_eq!(house.inbox("ann").await, [expected]);
    assert_eq!(house.trail(received).await, [TrailKind::Received, TrailKind::Delivered]);
}

#[tokio::test(start_paused = true)]
async fn recipients_do_not_learn_of_each_other() {
    let house = House::open().await;
    let to_both = envelope("", &["ann@ours.example", "bob@ours.example"]);
    house.receive(Door::Mx, to_both, PLAIN).await.unwrap();
    let (ann, bob) = (house.inbox("ann").await, house.inbox("bob").await);
    assert_eq!(ann, bob);
    assert!(ann[0].starts_with("Return-Path: <>\r\nReceived: "), "{}", ann[0]);
    assert!(!ann[0].contains("ours.example>") && !ann[0].contains("\tfor"), "{}", ann[0]);
    assert_eq!(house.store.body_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_goes_on_has_no_return_path() {
    let house = House::open().await;
    let dispatching = house.dispatch(answers(Outcome::Reply(250)));
    house.ann_writes(envelope("ann@ours.example", &["bob@ours.example", "carl@far.example"])).await;
    assert!(house.inbox("bob").await[0].starts_with("Return-Path: <ann@ours.example>\r\nReceived: "));
    let carried = dispatching.carried_within(Duration::from_secs(1)).await;
    assert!(carried[0].text().starts_with("Received: "), "{}", carried[0].text());
    assert!(carried[0].text().ends_with("\r\n\r\nthe text\r\n"));
    assert!(house.inbox("bob").await[0].ends_with(&carried[0].text()));
    assert!(house.queue().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn who_is_welcome() {
    let house = House::open().await;
    house.alias("team@ours.example", &["ann@ours.example"]).await;
    let submission = house.submission().await;
    let cases = [
        ("ann@ours.example", RecipientVerdict::Accepted, RecipientVerdict::Accepted),
        ("ANN@OURS.EXAMPLE", RecipientVerdict::Accepted, RecipientVerdict::Accepted),
        ("ann+lists@ours.example", RecipientVerdict::Accepted, RecipientVerdict::Accepted),
        ("team@ours.example", RecipientVerdict::Accepted, RecipientVerdict::Accepted),
        ("nobody@ours.example", RecipientVerdict::NoSuchMailbox, RecipientVerdict::NoSuchMailbox),
        ("carl@far.example", RecipientVerdict::RelayDenied, RecipientVerdict::Accepted),
        ("ann%ours.example@far.example", RecipientVerdict::RelayDenied, RecipientVerdict::Accepted),
        ("carl%far.example@ours.example", RecipientVerdict::NoSuchMailbox, RecipientVerdict::NoSuchMailbox),
        ("\"carl@far.example\"@ours.example", RecipientVerdict::NoSuchMailbox, RecipientVerdict::NoSuchMailbox),
        ("carl@sub.ours.example", RecipientVerdict::RelayDenied, RecipientVerdict::Accepted),
    ];
    for (text, outside, inside) in cases {
        let one = address(text);
        assert_eq!(house.flow.welcome_recipient(&Door::Mx, &ReversePath::Null, &one, None).await, outside, "{text}");
        assert_eq!(house.flow.welcome_recipient(&Door::Lmtp, &ReversePath::Null, &one, None).await, outside, "{text}");
        assert_eq!(house.flow.welcome_recipient(&submission, &ReversePath::Null, &one, None).await, inside, "{text}");
    }
    let senders = [
        ("ann@ours.example", SenderVerdict::Accepted),
        ("bob@ours.example", SenderVerdict::NotOwned),
        ("x@far.example", SenderVerdict::NotOwned),
        ("", SenderVerdict::Accepted),
    ];
    for (text, verdict) in senders {
        assert_eq!(house.flow.welcome_sender(&submission, &envelope(text, &[]).sender).await, verdict, "{text}");
        let outside = house.flow.welcome_sender(&Door::Mx, &envelope(text, &[]).sender).await;
        assert_eq!(outside, SenderVerdict::Accepted, "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_found_by_its_message_id() {
    let house = House::open().await;
    let circling = "Received: from a by b; now\r\n".repeat(50) + "Message-ID: <round@far.example>\r\n" + PLAIN;
    let refused = house.receive(Door::Mx, envelope("x@far.example", &["ann@ours.example"]), &circling).await;
    assert_eq!(refused, Err(MessageRefusal::RoutingLoop));
    let key = message_id_key("round@far.example").unwrap();
    let journey = house.store.journeys(&key, 9).await.unwrap().remove(0).journey;
    let kinds: Vec<_> = house.store.trail(journey).await.unwrap().iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [TrailKind::Refused]);
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_leaves_nothing() {
    let house = House::open().await;
    let to_ann = || envelope("x@far.example", &["ann@ours.example"]);
    let circling = "Received: from a by b; now\r\n".repeat(50) + PLAIN;
    let refused = house.receive(Door::Mx, to_ann(), &circling).await;
    assert_eq!(refused, Err(MessageRefusal::RoutingLoop));
    let gone = envelope("x@far.example", &["ann@ours.example", "gone@ours.example"]);
    assert_eq!(house.receive(Door::Mx, gone, PLAIN).await, Err(MessageRefusal::NoSuchMailbox));
    house.store.set_broken(true);
    assert_eq!(house.receive(Door::Mx, to_ann(), PLAIN).await, Err(MessageRefusal::Unavailable));
    house.store.set_broken(false);
    assert_eq!((house.inbox("ann").await.len(), house.queue().await.len(), house.store.body_count()), (0, 0, 0));
    assert!(house.receive(Door::Mx, to_ann(), PLAIN).await.is_ok());
}
