use std::time::Duration;

use posthouse_domain_policy::arc::{ArcChain, ArcOutcome};
use posthouse_domain_policy::dkim::DkimAlgorithm;
use posthouse_model::{Domain, ReversePath};

use super::*;
use crate::signing::KeyState;
use crate::{Door, Environment, FlowOptions, MessageRefusal, RecipientVerdict, SystemEnvironment};

const SOON: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const TEXT: &str = "From: x@outside.example\r\nSubject: hi\r\n\r\nthe text\r\n";

/// A house with an alias that leads away.
async fn house_with(change: impl FnOnce(&mut FlowOptions)) -> House {
    let house = House::open_with(change).await;
    house.alias("away@ours.example", &["carl@far.example"]).await;
    house
}

/// What leaves when somebody outside writes to the alias.
async fn led_on(house: &House, sender: &str) -> Carried {
    house.receive(Door::Mx, envelope(sender, &["away@ours.example"]), TEXT).await.unwrap();
    what_leaves(house).await
}

/// The one message that is waiting.
async fn what_leaves(house: &House) -> Carried {
    let out = house.dispatch(answers(Outcome::Reply(250)));
    let carried = out.carried_within(SOON).await;
    assert_eq!(carried.len(), 1);
    out.shutdown.send(true).unwrap();
    out.task.await.unwrap();
    carried[0].clone()
}

fn sender_of(carried: &Carried) -> String {
    carried.consignment.sender.to_string()
}

#[tokio::test(start_paused = true)]
async fn the_sender_of_what_an_alias_leads_on_is_ours() {
    let house = house_with(|_| {}).await;
    house
        .receive(Door::Mx, envelope("x@outside.example", &["away@ours.example", "bob@ours.example"]), TEXT)
        .await
        .unwrap();
    assert_eq!(house.queue().await[0].message.sender.to_string(), "<x@outside.example>");
    assert!(house.inbox("bob").await[0].starts_with("Return-Path: <x@outside.example>\r\n"));
    let carried = house.dispatch(answers(Outcome::Reply(250))).carried_within(SOON).await;
    let sender = sender_of(&carried[0]);
    assert!(sender.starts_with("<SRS0=") && sender.ends_with("=outside.example=x@ours.example>"), "{sender}");
    assert!(!carried[0].text().contains("SRS0"), "{}", carried[0].text());
}

#[tokio::test(start_paused = true)]
async fn senders_that_stay_as_they_are() {
    // Nobody; ourselves; one that would be too long.
    let long = format!("{}@outside.example", "x".repeat(60));
    for sender in ["", "ann@ours.example", &long] {
        let house = house_with(|_| {}).await;
        let expected = envelope(sender, &[]).sender.to_string();
        assert_eq!(sender_of(&led_on(&house, sender).await), expected);
    }
    let off = house_with(|options| options.forwarding.rewrites_senders = false).await;
    assert_eq!(sender_of(&led_on(&off, "x@outside.example").await), "<x@outside.example>");
    // What Ann hands in, to the alias and past it.
    let house = house_with(|_| {}).await;
    house.ann_writes(envelope("ann@ours.example", &["away@ours.example", "other@far.example"])).await;
    let carried = house.dispatch(answers(Outcome::Reply(250))).carried_within(SOON).await;
    assert!(carried.iter().all(|one| sender_of(one) == "<ann@ours.example>"));
}

#[tokio::test(start_paused = true)]
async fn reports_find_the_way_back() {
    for srs_domain in [None, Some("srs.example")] {
        let house = house_with(|options| {
            options.forwarding.srs_domain = srs_domain.map(|name| Domain::parse(name).unwrap());
        })
        .await;
        let sender = led_on(&house, "x@outside.example").await.consignment.sender;
        let ours = sender.address().unwrap();
        assert_eq!(ours.domain.as_str(), srs_domain.unwrap_or("ours.example"));
        assert_eq!(
            house.flow.welcome_recipient(&Door::Mx, &ReversePath::Null, ours, None).await,
            RecipientVerdict::Accepted
        );
        // However the far host writes it.
        let back = ours.to_string().to_uppercase();
        house.receive(Door::Mx, envelope("", &[&back]), "Subject: failed\r\n\r\n").await.unwrap();
        let report = what_leaves(&house).await.consignment;
        assert_eq!((&report.sender, report.recipients.len()), (&ReversePath::Null, 1));
        assert_eq!(report.recipients[0].address.folded(), "x@outside.example");
    }
}

/// The attack: a way to others through us.
#[tokio::test(start_paused = true)]
async fn a_rewritten_sender_is_no_open_relay() {
    let house = house_with(|_| {}).await;
    let sender = led_on(&house, "x@outside.example").await.consignment.sender;
    let ours = sender.address().unwrap().to_string();
    let verdict = async |from: &str, to: &str| {
        house.flow.welcome_recipient(&Door::Mx, &envelope(from, &[]).sender, &address(to), None).await
    };
    assert_eq!(verdict("", &ours).await, RecipientVerdict::Accepted);
    for (from, to) in [
        // Mail that is no report.
        ("spammer@evil.example", ours.clone()),
        ("ann@ours.example", ours.clone()),
        // Other people than the one whose address it is.
        ("", ours.replace("outside.example", "victim.example")),
        ("", ours.replace("=x@", "=victim@")),
        ("", "SRS0=aaaaaa=aa=victim.example=x@ours.example".to_owned()),
        ("", "SRS1=aaaaaa=victim.example==aaaaaa=aa=a.example=x@ours.example".to_owned()),
    ] {
        assert_eq!(verdict(from, &to).await, RecipientVerdict::NoSuchMailbox, "{from} {to}");
        let refused = house.receive(Door::Mx, envelope(from, &[&to]), TEXT).await;
        assert_eq!(refused, Err(MessageRefusal::NoSuchMailbox), "{from} {to}");
    }
    let elsewhere = ours.replace("@ours.example", "@far.example");
    assert_eq!(verdict("", &elsewhere).await, RecipientVerdict::RelayDenied);
    tokio::time::sleep(25 * DAY).await;
    assert_eq!(verdict("", &ours).await, RecipientVerdict::NoSuchMailbox);
}

#[tokio::test(start_paused = true)]
async fn the_key_outlives_the_process() {
    let house = house_with(|_| {}).await;
    let sender = led_on(&house, "x@outside.example").await.consignment.sender;
    let again = house.reopened();
    let verdict = again.welcome_recipient(&Door::Mx, &ReversePath::Null, sender.address().unwrap(), None).await;
    assert_eq!(verdict, RecipientVerdict::Accepted);
}

/// Whether a report to this address would be taken.
async fn is_known(flow: &crate::Flow, ours: &ReversePath) -> bool {
    let ours = ours.address().unwrap();
    flow.welcome_recipient(&Door::Mx, &ReversePath::Null, ours, None).await == RecipientVerdict::Accepted
}

/// What left with a former key finds its way back for as long as its address holds.
#[tokio::test(start_paused = true)]
async fn the_key_changes() {
    let house = house_with(|_| {}).await;
    let first = led_on(&house, "x@outside.example").await.consignment.sender;
    let keys = house.flow.rotate_srs_key(false).await.unwrap();
    assert_eq!(
        keys.iter().map(|key| (key.number, key.known_until.is_some())).collect::<Vec<_>>(),
        [(2, false), (1, true)]
    );
    let second = led_on(&house, "x@outside.example").await.consignment.sender;
    assert_ne!(first, second);
    let again = house.reopened();
    for flow in [&*house.flow, &again] {
        assert!(is_known(flow, &first).await && is_known(flow, &second).await);
        assert_eq!(flow.srs_keys().await.unwrap(), keys);
    }
    tokio::time::sleep(20 * DAY).await;
    assert!(is_known(&house.flow, &first).await, "it is still on its way");
    tokio::time::sleep(5 * DAY).await;
    assert!(!is_known(&house.flow, &first).await);
    assert_eq!(house.flow.srs_keys().await.unwrap().len(), 1);
}

/// The attack: somebody has the key, and makes addresses with it.
#[tokio::test(start_paused = true)]
async fn a_key_that_somebody_saw_is_forgotten() {
    let house = house_with(|_| {}).await;
    let first = led_on(&house, "x@outside.example").await.consignment.sender;
    let keys = house.flow.rotate_srs_key(true).await.unwrap();
    assert_eq!(keys.len(), 1);
    assert!(!is_known(&house.flow, &first).await);
    assert!(is_known(&house.flow, &led_on(&house, "x@outside.example").await.consignment.sender).await);
    // However new an address with the former key is: it counts no more after its time.
    let other = house_with(|_| {}).await;
    let first = led_on(&other, "x@outside.example").await.consignment.sender;
    other.flow.rotate_srs_key(false).await.unwrap();
    tokio::time::sleep(25 * DAY).await;
    assert!(!is_known(&other.flow, &first).await);
}

async fn key(house: &House, algorithm: DkimAlgorithm) {
    let ours = Domain::parse("ours.example").unwrap();
    let key = house.flow.add_signing_key(&ours, Some(algorithm.key_type()), algorithm).await.unwrap();
    house.flow.change_signing_key(&ours, &key.selector, KeyState::Active).await.unwrap();
    house.dns.texts.lock().insert(key.record_name(&ours), key.record);
}

#[tokio::test(start_paused = true)]
async fn what_an_alias_leads_on_is_sealed() {
    let house = house_with(|_| {}).await;
    key(&house, DkimAlgorithm::RsaSha256).await;
    key(&house, DkimAlgorithm::Ed25519Sha256).await;
    let carried = led_on(&house, "x@outside.example").await;
    let text = carried.text();
    let unfolded = text.replace("\r\n\t", " ");
    assert!(unfolded.starts_with("ARC-Seal: i=1; a=rsa-sha256; cv=none; d=ours.example; s=rsa;"), "{text}");
    assert!(
        unfolded.contains("\r\nARC-Authentication-Results: i=1; mx.ours.example; dkim=none; arc=none\r\n"),
        "{text}"
    );
    let found = ArcChain::read(&[&text]).verify(&house.dns, SystemEnvironment.now()).await;
    assert_eq!(found.outcome, ArcOutcome::Pass);
    assert!(!text.contains("DKIM-Signature"), "{text}");
    // Once more, by way of an alias elsewhere that leads back to us.
    house.receive(Door::Mx, envelope("y@far.example", &["away@ours.example"]), &text).await.unwrap();
    let again = what_leaves(&house).await.text();
    assert!(again.starts_with("ARC-Seal: i=2; a=rsa-sha256; cv=pass;"), "{again}");
    assert!(again.contains("arc=pass\r\n"), "{again}");
    let found = ArcChain::read(&[&again]).verify(&house.dns, SystemEnvironment.now()).await;
    assert_eq!((found.outcome, found.sealers.len()), (ArcOutcome::Pass, 2));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_sealed() {
    // Without a key that everybody knows; where it is not wanted.
    for (algorithm, seals) in [(DkimAlgorithm::Ed25519Sha256, true), (DkimAlgorithm::RsaSha256, false)] {
        let house = house_with(|options| options.forwarding.seals = seals).await;
        key(&house, algorithm).await;
        assert!(!led_on(&house, "x@outside.example").await.text().contains("ARC-"));
    }
    // What Ann hands in is signed instead.
    let house = house_with(|_| {}).await;
    key(&house, DkimAlgorithm::RsaSha256).await;
    house.ann_writes(envelope("ann@ours.example", &["away@ours.example"])).await;
    let text = what_leaves(&house).await.text();
    assert!(text.contains("DKIM-Signature") && !text.contains("ARC-"), "{text}");
}
