//! Hearing of many mailboxes at once.

use posthouse_model::MailboxId;
use posthouse_model::flag::FlagChange;

use super::*;
use crate::AccountNews;

/// `1=mf 2=m names`.
fn words(news: &AccountNews) -> String {
    let mailbox = |(id, news): (&MailboxId, &crate::MailboxNews)| {
        format!("{id}={}{}", if news.messages { "m" } else { "" }, if news.flags { "f" } else { "" })
    };
    let mut words: Vec<String> = news.mailboxes.iter().map(mailbox).collect();
    words.extend(news.names.then(|| "names".to_owned()));
    words.extend(news.overflow.then(|| "overflow".to_owned()));
    words.join(" ")
}

#[tokio::test]
async fn what_is_watched_is_noted() {
    let house = House::open().await;
    let box_id = house.mailboxes.create(&house.ann, &name("Box"), None).await.unwrap();
    let inbox = house.inbox().await;
    let inbox_id = inbox.id();
    let mut watch = house.mailboxes.watch_account(&house.ann);
    assert_eq!(words(&watch.take()), "");
    house.append("INBOX", "a: b\r\n\r\n", "").await;
    assert_eq!(words(&watch.take()), "", "only names are watched yet");

    watch.set_mailboxes(vec![inbox_id, box_id, inbox_id]);
    house.append("Box", "a: b\r\n\r\n", "").await;
    watch.changed().await;
    assert_eq!(words(&watch.take()), format!("{box_id}=m"));
    inbox.store_flags(&uids(&[1]), FlagChange::Add, &flags("\\Deleted"), None).await.unwrap();
    watch.changed().await;
    inbox.expunge(None).await.unwrap();
    assert_eq!(words(&watch.take()), format!("{inbox_id}=mf"));
    assert_eq!(words(&watch.take()), "");

    // What is watched no longer is not noted, and what was noted stays.
    house.append("Box", "a: b\r\n\r\n", "").await;
    watch.set_mailboxes(vec![inbox_id]);
    house.append("Box", "a: b\r\n\r\n", "").await;
    assert_eq!(words(&watch.take()), format!("{box_id}=m"));
}

#[tokio::test]
async fn names_and_subscriptions_are_noted() {
    let house = House::open().await;
    let watch = house.mailboxes.watch_account(&house.ann);
    house.mailboxes.create(&house.ann, &name("Box"), None).await.unwrap();
    assert_eq!(words(&watch.take()), "names");
    house.mailboxes.rename(&house.ann, &name("Box"), &name("Case")).await.unwrap();
    assert_eq!(words(&watch.take()), "names");
    house.mailboxes.set_subscribed(&house.ann, &name("Case"), true).await.unwrap();
    assert_eq!(words(&watch.take()), "names");
    house.mailboxes.delete(&house.ann, &name("Case")).await.unwrap();
    assert_eq!(words(&watch.take()), "names");
    // Another account's are its own business.
    house.mailboxes.create(&house.bob, &name("Box"), None).await.unwrap();
    house.mailboxes.set_subscribed(&house.bob, &name("Box"), true).await.unwrap();
    assert_eq!(words(&watch.take()), "");
}

#[tokio::test]
async fn who_leaves_leaves_nothing_behind() {
    let house = House::open().await;
    let inbox = house.inbox().await.id();
    let mut first = house.mailboxes.watch_account(&house.ann);
    let mut second = house.mailboxes.watch_account(&house.ann);
    first.set_mailboxes(vec![inbox]);
    second.set_mailboxes(vec![inbox, MailboxId(77)]);
    assert_eq!(house.mailboxes.watched(), (2, 1));
    drop(first);
    house.fill_inbox(1).await;
    assert_eq!(words(&second.take()), format!("{inbox}=m"));
    drop(second);
    assert_eq!(house.mailboxes.watched(), (0, 0));
}
