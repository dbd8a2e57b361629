//! Where mail from outside goes, and what is worked out about it.

use posthouse_identity::{DeliveryPermit, RecipientLookup};
use posthouse_storage::{Body, Delivery, Mail, Named, Placement, StorageError};

use super::samples::{crlf, mixed};
use super::*;
use crate::{MailboxError, parse_message};

impl House {
    async fn delivery_permit(&self, to: &str) -> DeliveryPermit {
        match self.identity.recipient(&Address::parse(to).unwrap()).await.unwrap() {
            RecipientLookup::Account { permit, .. } => permit,
            other => panic!("{other:?}"),
        }
    }
}

fn delivery(raw: &'static str, placement: Placement) -> Delivery {
    Delivery {
        body: Body::from_bytes(raw),
        parsed: parse_message(raw.as_bytes()).stored,
        placements: vec![placement],
        queue: None,
        trail: Vec::new(),
    }
}

#[tokio::test]
async fn mail_goes_to_the_inbox() {
    let house = House::open().await;
    let permit = house.delivery_permit("ann+lists@example.org").await;
    for number in 1..=2 {
        let placement = house.mailboxes.placement(&permit, UnixMillis(number)).await.unwrap();
        assert_eq!(placement.account, house.ann.account());
        assert_eq!(placement.internal_date, UnixMillis(number));
        assert!(placement.flags.is_empty());
        house.store.deliver(delivery("Subject: x\r\n\r\n", placement)).await.unwrap();
    }
    assert_eq!(house.inbox().await.snapshot().uids, uids(&[1, 2]));
    assert!(house.mailboxes.open(&house.bob, &name("INBOX"), true).await.unwrap().snapshot().uids.is_empty());
}

#[tokio::test]
async fn an_inbox_that_was_replaced_is_found_again() {
    let house = House::open().await;
    let (ann, inbox) = (house.ann.account(), name("INBOX"));
    let permit = house.delivery_permit("ann@example.org").await;
    let stale = house.mailboxes.placement(&permit, NOW).await.unwrap();
    house.store.delete_mailbox(ann, stale.mailbox).await.unwrap();
    let refused = house.store.deliver(delivery("\r\nx", stale)).await;
    assert!(matches!(refused, Err(StorageError::NotFound(Named::Mailbox))));
    house.mailboxes.forget_inbox(ann);
    let missing = house.mailboxes.placement(&permit, NOW).await;
    assert!(matches!(missing, Err(MailboxError::NoSuchMailbox)));
    house.store.create_mailbox(ann, &inbox, None).await.unwrap();
    let placement = house.mailboxes.placement(&permit, NOW).await.unwrap();
    house.store.deliver(delivery("\r\nx", placement)).await.unwrap();
    assert_eq!(house.inbox().await.snapshot().uids, uids(&[1]));
}

#[test]
fn the_day_of_sending_is_the_senders_own() {
    for (date, expected) in [
        ("Thu, 01 Jan 1970 00:00:10 +0000", Some(10)),
        ("Thu, 01 Jan 1970 00:00:10 +0200", Some(10)),
        ("Wed, 31 Dec 1969 23:59:59 -1100", Some(-1)),
        ("yesterday", None),
    ] {
        let parsed = parse_message(crlf(&format!("Date: {date}\n\n")).as_bytes());
        assert_eq!(parsed.stored.sent_local_seconds, expected, "{date}");
    }
    assert_eq!(parse_message(b"\r\n").stored.sent_local_seconds, None);
}

#[test]
fn what_is_stored_reads_back_as_the_structure() {
    for raw in [mixed().as_bytes(), b"", b"\r\n", b"no header at all", b"\0\xff\xfe: \r\n\r\n\xff"] {
        let parsed = parse_message(raw);
        let stored = posthouse_mime::Structure::decode(&parsed.stored.structure).unwrap();
        assert_eq!(stored, parsed.structure);
    }
}
