//! Hearing of many mailboxes at once.

use posthouse_model::flag::FlagChange;
use posthouse_model::{GroupName, MailboxId, Rights, RightsChange};
use posthouse_storage::{Access, Groups, SharedArea};

use super::*;
use crate::{AccountNews, Interest};

/// `1=mf 2=m names`.
fn words(news: &AccountNews) -> String {
    let mailbox = |(id, news): (&MailboxId, &crate::MailboxNews)| {
        format!("{id}={}{}", if news.messages { "m" } else { "" }, if news.flags { "f" } else { "" })
    };
    let mut words: Vec<String> = news.mailboxes.iter().map(mailbox).collect();
    words.extend(news.annotations.iter().map(|(place, names)| {
        let names: Vec<_> = names.iter().map(ToString::to_string).collect();
        format!("{}:{}", place.map_or("server".to_owned(), |id| id.to_string()), names.join(","))
    }));
    words.extend(news.names.then(|| "names".to_owned()));
    words.extend(news.overflow.then(|| "overflow".to_owned()));
    words.join(" ")
}

fn messages(messages: Vec<MailboxId>) -> Interest {
    Interest { messages, ..Interest::default() }
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

    watch.set_interest(messages(vec![inbox_id, box_id, inbox_id]));
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
    watch.set_interest(messages(vec![inbox_id]));
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

/// What is given to bob is nothing to carl, nor to ann, who gives it; what is given to a group is for its members.
#[tokio::test]
async fn rights_are_told_to_whom_they_concern() {
    let house = House::open().await;
    let carl = account(&house.store, &house.identity, "carl@example.org").await;
    let watches = [&house.ann, &house.bob, &carl].map(|permit| house.mailboxes.watch_account(permit));
    let told = || watches.each_ref().map(|watch| words(&watch.take()));
    let give = async |identifier: &str| {
        let rights = Rights::parse("lr").unwrap();
        let (ann, inbox) = (&house.ann, name("INBOX"));
        house.mailboxes.change_access_list(ann, &inbox, identifier, RightsChange::Replace, rights).await.unwrap();
    };
    give("bob@example.org").await;
    assert_eq!(told(), ["", "names", ""]);
    let team = GroupName::parse("team").unwrap();
    let group = house.store.create_group(&team, NOW).await.unwrap().id;
    give("$team").await;
    assert_eq!(told(), ["", "", ""]);
    house.store.set_member(group, carl.account(), true).await.unwrap();
    assert_eq!(told(), ["", "", "names"]);
    house.store.create_shared_area(SharedArea { name: name("S"), account: house.ann.account() }).await.unwrap();
    assert_eq!(told(), ["names", "names", "names"]);
}

#[tokio::test]
async fn who_leaves_leaves_nothing_behind() {
    let house = House::open().await;
    let inbox = house.inbox().await.id();
    let mut first = house.mailboxes.watch_account(&house.ann);
    let mut second = house.mailboxes.watch_account(&house.ann);
    first.set_interest(messages(vec![inbox]));
    second.set_interest(messages(vec![inbox, MailboxId(77)]));
    assert_eq!(house.mailboxes.watched(), (2, 1));
    drop(first);
    house.fill_inbox(1).await;
    assert_eq!(words(&second.take()), format!("{inbox}=m"));
    drop(second);
    assert_eq!(house.mailboxes.watched(), (0, 0));
}

/// What is private is told to its owner alone, what is shared to all who watch, and nothing to who did it.
#[tokio::test]
async fn annotations_are_noted_by_those_who_see_them() {
    let house = House::open().await;
    let inbox = house.inbox().await.id();
    let interest = Interest { annotations: vec![inbox], server_annotations: true, ..Interest::default() };
    let mut watches = [&house.ann, &house.ann, &house.bob].map(|permit| house.mailboxes.watch_account(permit));
    watches.iter_mut().for_each(|watch| watch.set_interest(interest.clone()));
    let entry = |text: &str| posthouse_model::EntryName::parse(text).unwrap();
    let change = |text: &str| vec![(entry(text), Some(Bytes::from_static(b"x")))];
    let told = |watches: &[crate::AccountWatch; 3]| watches.each_ref().map(|watch| words(&watch.take()));
    let both: Vec<_> = [change("/private/comment"), change("/shared/comment")].concat();
    house.mailboxes.annotate(&house.ann, Some(&name("INBOX")), both, Some(&watches[0])).await.unwrap();
    let expected =
        ["".to_owned(), format!("{inbox}:/private/comment,/shared/comment"), format!("{inbox}:/shared/comment")];
    assert_eq!(told(&watches), expected);
    house.mailboxes.annotate(&house.ann, None, change("/private/comment"), None).await.unwrap();
    assert_eq!(told(&watches), ["server:/private/comment", "server:/private/comment", ""]);
    watches[1].set_interest(messages(vec![inbox]));
    house.mailboxes.annotate(&house.ann, Some(&name("INBOX")), change("/shared/comment"), None).await.unwrap();
    assert_eq!(told(&watches)[1], "");
    drop(watches);
    assert_eq!(house.mailboxes.watched(), (0, 0));
}

#[tokio::test]
async fn too_many_annotations_are_said_to_be() {
    let house = House::open().await;
    let mut watch = house.mailboxes.watch_account(&house.ann);
    watch.set_interest(Interest { server_annotations: true, ..Interest::default() });
    let mut noted = String::new();
    for round in 0..60 {
        let entry = |number: usize| format!("/private/vendor/{round}/{number}");
        let names = (0..90).map(|number| posthouse_model::EntryName::parse(&entry(number)).unwrap());
        let changes: Vec<_> = names.map(|name| (name, None)).collect();
        house.mailboxes.annotate(&house.ann, None, changes, None).await.unwrap();
    }
    noted.push_str(&words(&watch.take()));
    assert!(noted.ends_with(" overflow"));
}

/// A change of rights may be a change of names to anybody.
#[tokio::test]
async fn a_change_of_rights_is_noted() {
    let house = House::open().await;
    let watch = house.mailboxes.watch_account(&house.bob);
    let all = Rights::ALL;
    let change = RightsChange::Replace;
    let inbox = name("INBOX");
    let address = house.bob.address().to_string();
    house.mailboxes.change_access_list(&house.ann, &inbox, &address, change, all).await.unwrap();
    assert_eq!(words(&watch.take()), "names");
}

/// Names of others' mailboxes are noted by those who watch them.
#[tokio::test]
async fn names_of_others_are_noted() {
    let house = House::open().await;
    let made = house.mailboxes.create(&house.ann, &name("Box"), None).await.unwrap();
    let mut watch = house.mailboxes.watch_account(&house.bob);
    house.mailboxes.rename(&house.ann, &name("Box"), &name("Case")).await.unwrap();
    assert_eq!(words(&watch.take()), "");
    watch.set_interest(Interest { names: vec![made], ..Interest::default() });
    house.mailboxes.rename(&house.ann, &name("Case"), &name("Chest")).await.unwrap();
    assert_eq!(words(&watch.take()), "names");
    house.mailboxes.delete(&house.ann, &name("Chest")).await.unwrap();
    assert_eq!(words(&watch.take()), "names");
}
