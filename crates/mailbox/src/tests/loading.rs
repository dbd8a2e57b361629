//! Opening a mailbox while others write to it.

use std::pin::pin;
use std::task::Poll;

use posthouse_model::flag::FlagChange;
use posthouse_storage::{FlagsWanted, Mail};

use super::*;
use crate::MailboxError;

/// Polls once; the result if it is there already.
async fn poll_once<F: Future>(mut future: std::pin::Pin<&mut F>) -> Option<F::Output> {
    std::future::poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

#[tokio::test]
async fn commits_during_the_loading_are_not_missed() {
    let house = House::open().await;
    house.fill_inbox(3).await;
    let inbox = name("INBOX");
    let id = house.mailboxes.status(&house.ann, &inbox).await.unwrap().id;

    let pause = house.store.pause_loading();
    let mut opening = pin!(house.mailboxes.open(&house.ann, &inbox, false));
    assert!(poll_once(opening.as_mut()).await.is_none());
    house.fill_inbox(1).await;
    let wanted =
        FlagsWanted { uids: uids(&[3, 4]), change: FlagChange::Add, flags: flags("$mid"), unchanged_since: None };
    house.store.store_flags(house.ann.account(), id, wanted).await.unwrap();
    house.store.expunge(house.ann.account(), id, &uids(&[2]), false).await.unwrap();
    // Who comes second waits as well, and does not see a mailbox that looks empty.
    let mut second = pin!(house.mailboxes.open(&house.ann, &inbox, true));
    assert!(poll_once(second.as_mut()).await.is_none());
    drop(pause);

    let (first, second) = (opening.await.unwrap(), second.await.unwrap());
    let cold = Mailboxes::new(house.store.clone()).open(&house.ann, &inbox, true).await.unwrap().snapshot();
    assert_eq!(cold.uids, uids(&[1, 3, 4]));
    assert_eq!(cold.keywords, [Keyword::parse("$mid").unwrap()]);
    assert_eq!(first.snapshot(), cold);
    assert_eq!(second.snapshot(), cold);
    house.fill_inbox(1).await;
    assert_eq!(first.snapshot().uids, uids(&[1, 3, 4, 5]));
    assert_eq!(second.snapshot().uids, uids(&[1, 3, 4, 5]));
}

#[tokio::test]
async fn a_loading_that_is_given_up_leaves_nothing_behind() {
    let house = House::open().await;
    house.fill_inbox(2).await;
    let inbox = name("INBOX");
    let pause = house.store.pause_loading();
    {
        let mut opening = pin!(house.mailboxes.open(&house.ann, &inbox, false));
        assert!(poll_once(opening.as_mut()).await.is_none());
    }
    drop(pause);
    house.fill_inbox(1).await;
    assert_eq!(house.inbox().await.snapshot().uids, uids(&[1, 2, 3]));
}

#[tokio::test]
async fn a_loading_that_fails_leaves_nothing_behind() {
    let house = House::open().await;
    house.fill_inbox(2).await;
    house.store.set_broken(true);
    assert!(matches!(house.mailboxes.open(&house.ann, &name("INBOX"), false).await, Err(MailboxError::Storage(_))));
    house.store.set_broken(false);
    assert_eq!(house.inbox().await.snapshot().uids, uids(&[1, 2]));
}

#[tokio::test]
async fn a_mailbox_deleted_during_the_loading_is_gone() {
    let house = House::open().await;
    let short = name("short");
    house.mailboxes.create(&house.ann, &short, None).await.unwrap();
    let pause = house.store.pause_loading();
    let mut opening = pin!(house.mailboxes.open(&house.ann, &short, false));
    assert!(poll_once(opening.as_mut()).await.is_none());
    house.mailboxes.delete(&house.ann, &short).await.unwrap();
    drop(pause);
    match opening.await {
        Ok(mailbox) => assert!(mailbox.is_gone()),
        Err(error) => assert!(matches!(error, MailboxError::NoSuchMailbox), "{error}"),
    }
    assert!(matches!(house.mailboxes.open(&house.ann, &short, false).await, Err(MailboxError::NoSuchMailbox)));
}

/// Real threads: mailboxes are opened cold again and again while mail comes in and goes.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_opens_at_whatever_moment_sees_everything() {
    const MESSAGES: u32 = 400;
    let house = Arc::new(House::open().await);
    let writer = tokio::spawn({
        let house = Arc::clone(&house);
        async move {
            let inbox = house.inbox().await;
            for number in 1..=MESSAGES {
                house.append("INBOX", format!("\r\n{number}"), "").await;
                if number % 3 == 0 {
                    inbox.remove(&uids(&[number - 1])).await.unwrap();
                }
                tokio::task::yield_now().await;
            }
        }
    });
    let mut open = Vec::new();
    while !writer.is_finished() {
        let cold = Arc::new(Mailboxes::new(house.store.clone()));
        let openings = [0, 1].map(|_| {
            let (cold, house) = (Arc::clone(&cold), Arc::clone(&house));
            tokio::spawn(async move { cold.open(&house.ann, &name("INBOX"), true).await.unwrap() })
        });
        for opening in openings {
            let mailbox = opening.await.unwrap();
            let snapshot = mailbox.snapshot();
            // What is there now was there or came after: a later look may only add and remove.
            assert!(snapshot.highest_modseq > posthouse_model::ModSeq(0), "it was shown before it was loaded");
            open.push((Arc::clone(&cold), mailbox));
        }
        open.truncate(60);
    }
    writer.await.unwrap();
    let expected = house.inbox().await.snapshot();
    assert_eq!(expected.uids.len(), u64::from(MESSAGES - MESSAGES / 3));
    for (_, mailbox) in &open {
        assert_eq!(mailbox.snapshot(), expected);
    }
}
