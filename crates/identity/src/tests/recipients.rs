//! Who gets mail.

use posthouse_storage::{AccountStatus, Directory};

use super::*;
use crate::RecipientLookup;

/// A lookup in words: `ann@example.org`, `ann@example.org +detail`, `-> target, target`, or its name.
async fn check(house: &House, to: &str, expected: &str) {
    let words = match house.identity.recipient(&address(to)).await.unwrap() {
        RecipientLookup::Account { permit, detail: None } => permit.address().to_string(),
        RecipientLookup::Account { permit, detail: Some(detail) } => format!("{} +{detail}", permit.address()),
        RecipientLookup::Alias(targets) => {
            format!("-> {}", targets.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
        }
        RecipientLookup::NoSuchAddress => "no such address".to_owned(),
        RecipientLookup::Suspended => "suspended".to_owned(),
        RecipientLookup::DomainSendsOnly => "sends only".to_owned(),
        RecipientLookup::NotOurs => "not ours".to_owned(),
    };
    assert_eq!(words, expected, "{to}");
}

async fn alias(house: &House, from: &str, targets: &[&str]) {
    let targets = targets.iter().map(|target| address(target)).collect();
    house.identity.put_alias(address(from), targets, NOW).await.unwrap();
}

#[tokio::test]
async fn addresses_find_their_mailbox() {
    let house = House::open().await;
    alias(&house, "sales@example.org", &["ann@example.org", "far@elsewhere.example"]).await;
    alias(&house, "ann+vip@example.org", &["bob@example.org"]).await;
    for (to, expected) in [
        ("ann@example.org", "ann@example.org"),
        ("ANN@EXAMPLE.org", "ann@example.org"),
        ("ann+lists@example.org", "ann@example.org +lists"),
        ("Ann+Lists+More@example.org", "ann@example.org +Lists+More"),
        ("ann+@example.org", "ann@example.org +"),
        ("ann+vip@example.org", "-> bob@example.org"),
        ("sales@example.org", "-> ann@example.org, far@elsewhere.example"),
        ("sales+x@example.org", "-> ann@example.org, far@elsewhere.example"),
        ("ghost@example.org", "no such address"),
        ("ghost+x@example.org", "no such address"),
        ("+x@example.org", "no such address"),
        ("ann@example.net", "no such address"),
        ("ann@elsewhere.example", "not ours"),
        ("ann@[192.0.2.1]", "not ours"),
    ] {
        check(&house, to, expected).await;
    }
    assert!(house.identity.is_ours(&domain("example.org")).await.unwrap());
    assert!(!house.identity.is_ours(&domain("elsewhere.example")).await.unwrap());
}

#[tokio::test]
async fn a_suspended_account_takes_no_mail_and_a_disabled_one_does() {
    let house = House::open().await;
    for (status, expected) in [
        (AccountStatus::Suspended, "suspended"),
        (AccountStatus::SendOnly, "suspended"),
        (AccountStatus::LoginDisabled, "ann@example.org"),
        (AccountStatus::Active, "ann@example.org"),
    ] {
        house.identity.change_account(&address("ann@example.org"), |account| account.status = status).await.unwrap();
        check(&house, "ann@example.org", expected).await;
    }
}

/// Mail to who sends only goes where the domain's unclaimed mail goes.
#[tokio::test]
async fn answers_to_a_sender_without_a_mailbox_go_to_the_catch_all() {
    let house = House::open().await;
    let send_only = |account: &mut AccountRecord| account.status = AccountStatus::SendOnly;
    house.identity.change_account(&address("ann@example.org"), send_only).await.unwrap();
    let mut record = house.store.domain(&domain("example.org")).await.unwrap().unwrap();
    record.catch_all = Some(address("bob@example.org"));
    house.store.update_domain(record.clone()).await.unwrap();
    check(&house, "ann@example.org", "-> bob@example.org").await;
    check(&house, "ann+x@example.org", "-> bob@example.org").await;
    record.catch_all = Some(address("ann@example.org"));
    house.store.update_domain(record).await.unwrap();
    check(&house, "ann@example.org", "suspended").await;
    check(&house, "ghost@example.org", "-> ann@example.org").await;
}

/// RFC 5321 §4.5.1, RFC 2142 §4: who answers for the domain can be reached, if they are elsewhere.
#[tokio::test]
async fn a_domain_that_only_sends_has_no_recipients() {
    let house = House::open().await;
    alias(&house, "team@example.org", &["carl@far.example"]).await;
    alias(&house, "Abuse@example.org", &["desk@far.example"]).await;
    let mut record = house.store.domain(&domain("example.org")).await.unwrap().unwrap();
    record.catch_all = Some(address("bob@example.net"));
    record.sends_only = true;
    house.store.update_domain(record).await.unwrap();
    for to in
        ["ann@example.org", "ann+x@example.org", "team@example.org", "ghost@example.org", "postmaster@example.org"]
    {
        check(&house, to, "sends only").await;
    }
    check(&house, "abuse@example.org", "-> desk@far.example").await;
    alias(&house, "postmaster@example.org", &["ann@example.org"]).await;
    check(&house, "postmaster@EXAMPLE.org", "-> ann@example.org").await;
}

#[tokio::test]
async fn what_nobody_claims_goes_to_the_catch_all() {
    let house = House::open().await;
    let mut record = house.store.domain(&domain("example.org")).await.unwrap().unwrap();
    record.catch_all = Some(address("bob@example.org"));
    record.subaddress_separator = Some('-');
    house.store.update_domain(record).await.unwrap();
    for (to, expected) in [
        ("ann@example.org", "ann@example.org"),
        ("ann-lists@example.org", "ann@example.org +lists"),
        ("ann+lists@example.org", "-> bob@example.org"),
        ("ghost@example.org", "-> bob@example.org"),
        ("postmaster@example.org", "-> bob@example.org"),
        ("ghost@example.net", "no such address"),
    ] {
        check(&house, to, expected).await;
    }
}

#[tokio::test]
async fn sub_addresses_can_be_off() {
    let house = House::open().await;
    let mut record = house.store.domain(&domain("example.org")).await.unwrap().unwrap();
    record.subaddress_separator = None;
    house.store.update_domain(record).await.unwrap();
    check(&house, "ann+lists@example.org", "no such address").await;
}

#[tokio::test]
async fn postmaster_always_finds_somebody() {
    let house = House::open().await;
    check(&house, "Postmaster@example.org", "-> ann@example.org").await;
    check(&house, "postmaster@example.net", "no such address").await;
    let boss = AccountDraft { administrator: true, ..draft("boss@example.org", BOBS_PASSWORD) };
    house.identity.create_account(boss, NOW).await.unwrap();
    check(&house, "postmaster@example.org", "-> boss@example.org").await;
    check(&house, "postmaster@example.net", "-> boss@example.org").await;
    check(&house, "postmaster@elsewhere.example", "not ours").await;
    let suspend = |account: &mut AccountRecord| account.status = AccountStatus::Suspended;
    house.identity.change_account(&address("boss@example.org"), suspend).await.unwrap();
    check(&house, "postmaster@example.org", "-> ann@example.org").await;
    alias(&house, "postmaster@example.org", &["bob@example.org"]).await;
    check(&house, "postmaster@example.org", "-> bob@example.org").await;
}
