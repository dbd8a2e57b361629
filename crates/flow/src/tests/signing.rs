use std::time::Duration;

use posthouse_domain_policy::dkim::DkimAlgorithm;
use posthouse_model::{Domain, Secret};
use posthouse_storage::{Directory, NewDomain, Settings};

use super::house::{House, Outcome, answers, envelope};
use crate::Door;
use crate::signing::{KeyState, MAX_KEYS_PER_DOMAIN, MAX_SELECTOR_BYTES, RETIRED_KEY_REST, SigningKeyError};

const SOON: Duration = Duration::from_secs(1);

fn ours() -> Domain {
    Domain::parse("ours.example").unwrap()
}

async fn house_with(states: &[(&str, DkimAlgorithm, KeyState)]) -> House {
    let house = House::open().await;
    for (selector, algorithm, state) in states {
        house.flow.add_signing_key(&ours(), Some(selector), *algorithm).await.unwrap();
        house.flow.change_signing_key(&ours(), selector, *state).await.unwrap();
    }
    house
}

/// The selectors of the signatures in what leaves.
async fn selectors_of_what_leaves(house: &House) -> Vec<String> {
    let out = house.dispatch(answers(Outcome::Reply(250)));
    let carried = out.carried_within(SOON).await;
    assert_eq!(carried.len(), 1);
    let text = carried[0].text();
    let (header, _) = text.split_once("\r\n\r\n").unwrap();
    let words = header.split_whitespace();
    words.filter_map(|word| Some(word.strip_prefix("s=")?.strip_suffix(';')?.to_owned())).collect()
}

#[tokio::test(start_paused = true)]
async fn active_keys_sign_what_ann_writes() {
    let house = house_with(&[
        ("one", DkimAlgorithm::Ed25519Sha256, KeyState::Active),
        ("two", DkimAlgorithm::RsaSha256, KeyState::Active),
        ("new", DkimAlgorithm::Ed25519Sha256, KeyState::Pending),
        ("old", DkimAlgorithm::Ed25519Sha256, KeyState::Retired),
    ])
    .await;
    house.ann_writes(envelope("ann@ours.example", &["x@far.example"])).await;
    assert_eq!(selectors_of_what_leaves(&house).await, ["one", "two"]);
}

#[tokio::test(start_paused = true)]
async fn a_change_counts_for_the_next_message() {
    let house = house_with(&[("one", DkimAlgorithm::Ed25519Sha256, KeyState::Active)]).await;
    let out = house.dispatch(answers(Outcome::Reply(250)));
    house.ann_writes(envelope("ann@ours.example", &["x@far.example"])).await;
    assert!(out.carried_within(SOON).await[0].text().contains("DKIM-Signature"));
    house.flow.change_signing_key(&ours(), "one", KeyState::Retired).await.unwrap();
    house.ann_writes(envelope("ann@ours.example", &["x@far.example"])).await;
    assert!(!out.carried_within(SOON).await[1].text().contains("DKIM-Signature"));
}

/// The attack: somebody outside writes in the name of Ann to an alias that leads on, to have it signed.
#[tokio::test(start_paused = true)]
async fn what_strangers_write_in_our_name_is_not_signed() {
    let house = house_with(&[("one", DkimAlgorithm::Ed25519Sha256, KeyState::Active)]).await;
    house.alias("away@ours.example", &["x@far.example"]).await;
    let text = "From: ann@ours.example\r\nMessage-ID: <1@x>\r\n\r\nPay the bill.\r\n";
    house.receive(Door::Mx, envelope("boss@evil.example", &["away@ours.example"]), text).await.unwrap();
    assert_eq!(selectors_of_what_leaves(&house).await, Vec::<String>::new());
}

/// Which domains sign what Ann hands in as an author of this domain.
async fn signed_as(house: &House, author: &str) -> Vec<String> {
    let ann = format!("ann@{author}");
    house.alias(&ann, &["ann@ours.example"]).await;
    let text = format!("From: {ann}\r\nMessage-ID: <1@x>\r\n\r\nthe text\r\n");
    house.receive(house.submission().await, envelope(&ann, &["x@far.example"]), &text).await.unwrap();
    let out = house.dispatch(answers(Outcome::Reply(250)));
    let carried = out.carried_within(SOON).await;
    out.shutdown.send(true).unwrap();
    out.task.await.unwrap();
    let text = carried[0].text();
    let (header, _) = text.split_once("\r\n\r\n").unwrap();
    let words = header.split_whitespace();
    words.filter_map(|word| Some(word.strip_prefix("d=")?.strip_suffix(';')?.to_owned())).collect()
}

/// Whose keys sign for a domain, and how many.
async fn whose(house: &House, domain: &str) -> (String, usize) {
    let (whose, keys) = house.flow.keys_that_sign(&Domain::parse(domain).unwrap()).await.unwrap();
    (whose.to_string(), keys.len())
}

async fn domain(house: &House, name: &str) -> Domain {
    let name = Domain::parse(name).unwrap();
    let domain = NewDomain { name: name.clone(), catch_all: None, subaddress_separator: None, created_at: house.now() };
    house.store.create_domain(domain).await.unwrap();
    name
}

#[tokio::test(start_paused = true)]
async fn a_subdomain_without_keys_borrows_those_above_it() {
    let house = house_with(&[("one", DkimAlgorithm::Ed25519Sha256, KeyState::Active)]).await;
    // What is not ours is not ours to speak for, but for the host itself, which writes reports.
    for stranger in ["news.ours.example", "notours.example", "example"] {
        assert_eq!(whose(&house, stranger).await, (stranger.to_owned(), 0));
    }
    assert_eq!(whose(&house, "mx.ours.example").await, ("ours.example".to_owned(), 1));
    let news = domain(&house, "news.ours.example").await;
    domain(&house, "a.b.news.ours.example").await;
    assert_eq!(signed_as(&house, "news.ours.example").await, ["ours.example"]);
    assert_eq!(signed_as(&house, "a.b.news.ours.example").await, ["ours.example"]);
    // Its own go before, once they sign; and the nearest one's.
    house.flow.add_signing_key(&news, Some("own"), DkimAlgorithm::Ed25519Sha256).await.unwrap();
    assert_eq!(signed_as(&house, "news.ours.example").await, ["ours.example"]);
    house.flow.change_signing_key(&news, "own", KeyState::Active).await.unwrap();
    assert_eq!(signed_as(&house, "news.ours.example").await, ["news.ours.example"]);
    assert_eq!(signed_as(&house, "a.b.news.ours.example").await, ["news.ours.example"]);
    // A domain does not sign with the keys of one below it.
    house.flow.change_signing_key(&ours(), "one", KeyState::Retired).await.unwrap();
    assert_eq!(whose(&house, "ours.example").await, ("ours.example".to_owned(), 0));
}

#[tokio::test(start_paused = true)]
async fn other_domains_do_not_sign_for_ann() {
    let house = House::open().await;
    let other = Domain::parse("other.example").unwrap();
    house.flow.add_signing_key(&other, Some("one"), DkimAlgorithm::Ed25519Sha256).await.unwrap();
    house.flow.change_signing_key(&other, "one", KeyState::Active).await.unwrap();
    house.ann_writes(envelope("ann@ours.example", &["x@far.example"])).await;
    assert_eq!(selectors_of_what_leaves(&house).await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_key_that_cannot_be_read_delays_mail_and_says_so() {
    let house = House::open().await;
    house.store.put_setting("dkim-keys ours.example", Secret::new("nonsense")).await.unwrap();
    house.ann_writes(envelope("ann@ours.example", &["x@far.example"])).await;
    let out = house.dispatch(answers(Outcome::Reply(250)));
    assert!(out.carried_within(SOON).await.is_empty());
    let waiting = house.queue().await;
    let why = waiting[0].last_outcome.clone().unwrap();
    assert!(why.contains("DKIM keys of ours.example"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn a_key_that_somebody_has_seen_goes_at_once_and_all_go_with_the_domain() {
    let state = KeyState::Retired;
    let house =
        house_with(&[("one", DkimAlgorithm::Ed25519Sha256, state), ("two", DkimAlgorithm::Ed25519Sha256, state)]).await;
    house.flow.remove_signing_key(&ours(), "one", true).await.unwrap();
    house.flow.forget_signing_keys(&ours()).await.unwrap();
    assert_eq!(house.flow.signing_keys(&ours()).await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn keys_live_and_end() {
    let house = House::open().await;
    let flow = &house.flow;
    let made = flow.add_signing_key(&ours(), None, DkimAlgorithm::Ed25519Sha256).await.unwrap();
    assert_eq!((made.selector.as_str(), made.state), ("20231114e", KeyState::Pending));
    assert_eq!(made.record_name(&ours()), "20231114e._domainkey.ours.example");
    assert!(made.record.starts_with("v=DKIM1; k=ed25519; p="), "{}", made.record);
    let second = flow.add_signing_key(&ours(), None, DkimAlgorithm::Ed25519Sha256).await.unwrap();
    assert_eq!(second.selector, "20231114e2");
    let taken = flow.add_signing_key(&ours(), Some("20231114E"), DkimAlgorithm::Ed25519Sha256).await;
    assert!(matches!(taken, Err(SigningKeyError::Taken(_))));
    flow.change_signing_key(&ours(), "20231114e", KeyState::Active).await.unwrap();
    let domain = ours();
    let remove = |early| flow.remove_signing_key(&domain, "20231114e", early);
    assert!(matches!(remove(true).await, Err(SigningKeyError::Active(_))));
    flow.change_signing_key(&ours(), "20231114e", KeyState::Retired).await.unwrap();
    let refused = remove(false).await.unwrap_err();
    assert!(
        matches!(refused, SigningKeyError::TooEarly { .. }) && refused.to_string().contains("2023-11-2"),
        "{refused}"
    );
    tokio::time::advance(RETIRED_KEY_REST).await;
    assert_eq!(remove(false).await.unwrap().selector, "20231114e");
    assert!(matches!(remove(false).await, Err(SigningKeyError::NoSuchKey(_))));
    assert_eq!(flow.signing_keys(&ours()).await.unwrap(), [second]);
}

#[tokio::test(start_paused = true)]
async fn bounds() {
    let house = House::open().await;
    for bad in ["", "a b", "a.b", "-a", "ä", "a\nb", &"a".repeat(MAX_SELECTOR_BYTES + 1)] {
        let refused = house.flow.add_signing_key(&ours(), Some(bad), DkimAlgorithm::Ed25519Sha256).await;
        assert!(matches!(refused, Err(SigningKeyError::BadSelector(_))), "{bad:?}");
    }
    for number in 0..MAX_KEYS_PER_DOMAIN {
        let selector = format!("k{number}");
        house.flow.add_signing_key(&ours(), Some(&selector), DkimAlgorithm::RsaSha256).await.unwrap();
    }
    let refused = house.flow.add_signing_key(&ours(), None, DkimAlgorithm::Ed25519Sha256).await;
    assert!(matches!(refused, Err(SigningKeyError::TooMany)));
}
