use posthouse_model::MailboxName;
use posthouse_storage::Recovery;

use super::*;
use crate::{MailboxError, RecoveryFilter};

async fn lose(house: &House) {
    house.store.keep_expunged(true);
    for (from, subject) in [("carl@x.example", "Rechnung"), ("=?utf-8?q?J=C3=BCrgen?= <j@x.example>", "Re: lunch")] {
        house.append("INBOX", format!("From: {from}\r\nSubject: {subject}\r\n\r\ntext\r\n"), "").await;
    }
    house.inbox().await.remove(&uids(&[1, 2])).await.unwrap();
}

async fn subjects(house: &House, filter: &RecoveryFilter) -> Vec<String> {
    let permit = house.identity.recovery(house.ann.address()).await.unwrap();
    let page = house.mailboxes.recoverable(&permit, filter, None).await.unwrap();
    assert_eq!(page.next_after, None);
    page.messages.into_iter().map(|one| one.subject).collect()
}

#[tokio::test]
async fn what_was_lost_is_found_by_what_people_remember() {
    let house = House::open().await;
    lose(&house).await;
    let all = RecoveryFilter::default();
    assert_eq!(subjects(&house, &all).await, ["Rechnung", "Re: lunch"]);
    let from = RecoveryFilter { from: Some("jÜrgen".to_owned()), ..all.clone() };
    assert_eq!(subjects(&house, &from).await, ["Re: lunch"]);
    let subject = RecoveryFilter { subject: Some("rechnung".to_owned()), ..all.clone() };
    assert_eq!(subjects(&house, &subject).await, ["Rechnung"]);
    let late = RecoveryFilter { since: Some(UnixMillis(i64::MAX)), ..all.clone() };
    assert!(subjects(&house, &late).await.is_empty());
    let elsewhere = RecoveryFilter { mailbox: Some(MailboxName::parse("Trash").unwrap()), ..all };
    assert!(subjects(&house, &elsewhere).await.is_empty());
}

#[tokio::test]
async fn an_open_mailbox_sees_what_comes_back() {
    let house = House::open().await;
    lose(&house).await;
    let inbox = house.inbox().await;
    assert_eq!(inbox.snapshot().uids.len(), 0);
    let permit = house.identity.recovery(house.ann.address()).await.unwrap();
    let page = house.mailboxes.recoverable(&permit, &RecoveryFilter::default(), None).await.unwrap();
    let keys: Vec<_> = page.messages.iter().map(|one| one.message.key).collect();
    assert_eq!(house.mailboxes.put_back(&permit, keys).await.unwrap().len(), 2);
    assert_eq!(inbox.snapshot().uids.len(), 2);
    assert_eq!(house.mailboxes.forget_expunged(&permit).await.unwrap(), 0);
}

#[tokio::test]
async fn a_removed_account_has_nowhere_to_go_until_its_address_is_taken() {
    let house = House::open().await;
    lose(&house).await;
    let address = house.ann.address().clone();
    house.identity.delete_account(&address).await.unwrap();
    assert!(house.identity.recovery(&address).await.is_err());
    let permits = house.identity.recovery_of_removed(&address).await.unwrap();
    assert_eq!((permits.len(), permits[0].to()), (1, None));
    let page = house.mailboxes.recoverable(&permits[0], &RecoveryFilter::default(), None).await.unwrap();
    let keys: Vec<_> = page.messages.iter().map(|one| one.message.key).collect();
    let nowhere = house.mailboxes.put_back(&permits[0], keys.clone()).await;
    assert!(matches!(nowhere, Err(MailboxError::Storage(_))), "{nowhere:?}");
    account(&house.store, &house.identity, "ann@example.org").await;
    let permits = house.identity.recovery_of_removed(&address).await.unwrap();
    assert_eq!(house.mailboxes.put_back(&permits[0], keys).await.unwrap().len(), 2);
}
