use std::time::Duration;

use posthouse_model::UnixMillis;
use posthouse_storage::{Counted, LimitHolder, LimitKind, Period, SendingLimit, SendingQuotas, SendingUnit, Storage};

use super::*;
use crate::{Door, MessageRefusal, SendingRefusal};

const AN_HOUR: LimitKind = LimitKind::Sent(Period::Hour, Counted::Recipients);
const TEXT: &str = "From: ann@ours.example\r\nSubject: hi\r\n\r\nthe text\r\n";

async fn limited(kind: LimitKind, most: u64) -> House {
    let house = House::open().await;
    let limit = SendingLimit { holder: LimitHolder::EachAccount, kind, most: Some(most), until: None };
    house.store.set_sending_limit(limit).await.unwrap();
    house
}

/// What the house says to a message of Ann's.
async fn check_message(kind: LimitKind, most: u64, text: &str, expected: Option<SendingRefusal>) {
    let house = limited(kind, most).await;
    let envelope = envelope("ann@ours.example", &["bob@ours.example", "x@far.example"]);
    let outcome = house.receive(house.submission().await, envelope, text).await;
    assert_eq!(outcome.err(), expected.map(MessageRefusal::Sending), "{kind} {most}");
    let is_kept = (house.inbox("bob").await.len(), house.queue().await.len());
    assert_eq!(is_kept, if expected.is_none() { (1, 1) } else { (0, 0) });
}

#[tokio::test(start_paused = true)]
async fn single_messages_have_caps() {
    let size = TEXT.len() as u64;
    check_message(LimitKind::MessageBytes, size, TEXT, None).await;
    check_message(LimitKind::MessageBytes, size - 1, TEXT, Some(SendingRefusal::MessageTooLarge(size - 1))).await;
    let header = TEXT.find("the text").unwrap() as u64;
    check_message(LimitKind::HeaderBytes, header, TEXT, None).await;
    check_message(LimitKind::HeaderBytes, header - 1, TEXT, Some(SendingRefusal::HeaderTooLarge(header - 1))).await;
    check_message(LimitKind::MessageRecipients, 2, TEXT, None).await;
    check_message(LimitKind::MessageRecipients, 1, TEXT, Some(SendingRefusal::TooManyRecipients(1))).await;
}

/// Whatever it calls itself, what is not text to be read is attached.
#[tokio::test(start_paused = true)]
async fn attachments_do_not_hide() {
    let refused = Some(SendingRefusal::AttachmentTooLarge(11));
    for (fields, most, expected) in [
        ("Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n", 12, None),
        ("Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n", 11, refused),
        ("Content-Type: text/plain; name=x\r\nContent-Transfer-Encoding: base64\r\n", 11, refused),
        ("Content-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n", 11, refused),
        ("Content-Disposition: inline; filename=x\r\n", 11, refused),
        ("Content-Type: image/png\r\nContent-Disposition: inline\r\n", 11, refused),
        ("Content-Type: text/html\r\n", 11, None),
    ] {
        let text = format!(
            "From: ann@ours.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n{}\r\n--b\r\n{fields}\r\n\
             QUJDREVGR0hJSktM\r\n--b--\r\n",
            "long text ".repeat(20),
        );
        check_message(LimitKind::AttachmentBytes, most, &text, expected).await;
    }
}

#[tokio::test(start_paused = true)]
async fn quotas_are_told_early_and_held_at_the_end() {
    let house = limited(AN_HOUR, 3).await;
    let door = house.submission().await;
    let two = || envelope("ann@ours.example", &["bob@ours.example", "x@far.example"]);
    let room = house.flow.sending_room(&door, &two()).await.unwrap();
    assert_eq!((room.admit(0), room.admit(2)), (Ok(()), Ok(())));
    let Err(SendingRefusal::QuotaUsedUp { over, wait }) = room.admit(3) else { panic!("{:?}", room.admit(3)) };
    assert_eq!((over.most, over.used, over.period), (3, 0, Period::Hour));
    // 22:13:20 until 23:00:00.
    assert_eq!(wait, Duration::from_secs(46 * 60 + 40));
    house.receive(door.clone(), two(), TEXT).await.unwrap();
    // Another session began when there was room still.
    let refused = house.receive(door.clone(), two(), TEXT).await;
    let Err(MessageRefusal::Sending(SendingRefusal::QuotaUsedUp { over, .. })) = refused else { panic!("{refused:?}") };
    assert_eq!(over.used, 2);
    assert_eq!((house.inbox("bob").await.len(), house.queue().await.len()), (1, 1));
    house.receive(door.clone(), envelope("ann@ours.example", &["x@far.example"]), TEXT).await.unwrap();
    assert!(house.flow.sending_room(&door, &two()).await.is_err());
    // Mail that comes in counts for nobody, and so do reports.
    house.receive(Door::Mx, envelope("x@far.example", &["ann@ours.example"]), TEXT).await.unwrap();
    house.receive(Door::Mx, envelope("", &["ann@ours.example"]), TEXT).await.unwrap();
    tokio::time::sleep(wait).await;
    house.receive(door, two(), TEXT).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_announced_too_large_does_not_begin() {
    let house = limited(LimitKind::MessageBytes, 100).await;
    let mut large = envelope("ann@ours.example", &[]);
    large.declared_size_bytes = Some(101);
    let door = house.submission().await;
    assert_eq!(house.flow.sending_room(&door, &large).await.err(), Some(SendingRefusal::MessageTooLarge(100)));
    assert!(house.flow.sending_room(&Door::Mx, &large).await.is_ok());
    large.declared_size_bytes = Some(100);
    assert!(house.flow.sending_room(&door, &large).await.is_ok());
    house.store.set_broken(true);
    assert_eq!(house.flow.sending_room(&door, &large).await.err(), Some(SendingRefusal::Unavailable));
}

/// One message to many by way of an alias is what the client said it is; nothing is counted twice when a mailbox is full.
#[tokio::test(start_paused = true)]
async fn what_is_counted_is_what_was_taken() {
    let house = House::open().await;
    house.alias("all@ours.example", &["ann@ours.example", "bob@ours.example", "x@far.example"]).await;
    house.receive(house.submission().await, envelope("ann@ours.example", &["all@ours.example"]), TEXT).await.unwrap();
    house
        .receive(house.submission().await, envelope("ann@ours.example", &["gone@ours.example"]), TEXT)
        .await
        .unwrap_err();
    let store: &dyn Storage = &*house.store;
    let standing = store.sending_standing(SendingUnit::Server, UnixMillis(1_700_000_000_000)).await.unwrap();
    let hour = standing.used(SendingUnit::Server, Period::Hour);
    assert_eq!((hour.messages, hour.recipients), (1, 1));
}
