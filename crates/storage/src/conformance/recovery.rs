//! Putting back what was expunged.

use posthouse_model::{AccountId, FlagScope, MailboxId, SpecialUse, UnixMillis};

use super::Harness;
use super::world::{World, address, delivery, name, new_account, placement, set};
use crate::{ExpungedKey, ExpungedMessage, Named, StorageError, Transfer};

/// Later than anything.
const FAR: UnixMillis = UnixMillis(i64::MAX);

async fn world(harness: &dyn Harness) -> World {
    let world = World::new(harness).await;
    world.storage.keep_expunged(true);
    world
}

async fn kept(world: &World, account: AccountId) -> Vec<ExpungedMessage> {
    world.storage.expunged(account, None, usize::MAX).await.unwrap()
}

async fn texts(world: &World, account: AccountId) -> Vec<String> {
    let mut texts = Vec::new();
    for one in kept(world, account).await {
        texts.push(world.text(one.record.body).await.unwrap());
    }
    texts.sort();
    texts
}

async fn keys(world: &World) -> Vec<ExpungedKey> {
    kept(world, world.ann).await.into_iter().map(|one| one.key).collect()
}

async fn listing_of(world: &World, account: AccountId, mailbox: &str) -> (MailboxId, Vec<String>) {
    let record = world.storage.mailbox(account, &name(mailbox)).await.unwrap().expect("it is there");
    let (_, messages) = world.storage.messages(account, record.id).await.unwrap();
    let mut texts = Vec::new();
    for message in messages {
        texts.push(world.text(message.body).await.unwrap());
    }
    (record.id, texts)
}

/// A message comes back with flags and dates under a new UID, without \Deleted, and only once.
pub async fn an_expunged_message_is_put_back(harness: &dyn Harness) {
    let world = world(harness).await;
    world.deliver("a").await;
    world.deliver_with("b", "\\Seen \\Deleted x").await;
    let before = world.messages(world.inbox).await;
    world.storage.expunge(world.ann, world.inbox, &set("1:2"), true).await.unwrap();
    assert_eq!(world.listing(world.inbox).await, "1");
    let listed = kept(&world, world.ann).await;
    assert_eq!((listed.len(), listed[0].key.uid, listed[0].mailbox_exists), (1, before[1].uid, true));
    assert_eq!((&listed[0].mailbox_name, &listed[0].record.flags), (&name("INBOX"), &before[1].flags));
    assert_eq!(world.text(listed[0].record.body).await.unwrap(), "b");
    assert_eq!(world.storage.parsed(&[listed[0].record.body]).await.unwrap().len(), 1);

    let back = world.storage.put_back(world.ann, world.ann, vec![listed[0].key]).await.unwrap();
    assert_eq!((back.len(), back[0].mailbox, back[0].uid.value()), (1, world.inbox, 3));
    assert_eq!(world.listing(world.inbox).await, "1 3(\\Seen x)");
    let after = world.messages(world.inbox).await;
    let same = |one: &crate::MessageRecord| (one.message, one.body, one.internal_date, one.size_bytes);
    assert_eq!(same(&after[1]), same(&before[1]));
    assert!(after[1].modseq > before[1].modseq);
    assert!(kept(&world, world.ann).await.is_empty());
    let again = world.storage.put_back(world.ann, world.ann, vec![listed[0].key]).await.unwrap();
    assert_eq!(again, []);
}

/// Nothing is kept unless that was asked for, nor of what is moved, and what others lost is out of reach.
pub async fn only_what_is_expunged_is_kept(harness: &dyn Harness) {
    let world = World::new(harness).await;
    for text in ["a", "b", "c"] {
        world.deliver(text).await;
    }
    let body = world.messages(world.inbox).await[0].body;
    world.storage.expunge(world.ann, world.inbox, &set("1"), false).await.unwrap();
    assert!(kept(&world, world.ann).await.is_empty() && world.text(body).await.is_err());
    world.storage.keep_expunged(true);
    world.storage.move_messages(world.ann, world.inbox, &set("2"), world.archive).await.unwrap();
    let (ann, from, to) = (world.ann, (world.ann, world.archive), (world.ann, world.inbox));
    let transfer = Transfer { by: ann, from, uids: set("1"), to, scope: FlagScope::ALL, moves: true };
    assert_eq!(world.storage.transfer(transfer).await.unwrap().pairs.len(), 1);
    assert!(kept(&world, world.ann).await.is_empty());
    world.storage.expunge(world.ann, world.inbox, &set("3"), false).await.unwrap();
    assert_eq!(texts(&world, world.ann).await, ["c"]);
    assert!(kept(&world, world.bob).await.is_empty());
    let stolen = world.storage.put_back(world.bob, world.bob, keys(&world).await).await.unwrap();
    assert_eq!(stolen, []);
    world.storage.keep_expunged(false);
    world.storage.delete_mailbox(world.ann, world.archive).await.unwrap();
    assert_eq!(texts(&world, world.ann).await, ["c"]);
}

/// A renamed mailbox is the one it was; a deleted one is made anew under its name, with its use.
pub async fn messages_go_back_where_they_were(harness: &dyn Harness) {
    let world = world(harness).await;
    let (storage, ann) = (&world.storage, world.ann);
    let trash = storage.create_mailbox(ann, &name("Bin"), Some(SpecialUse::Trash)).await.unwrap().id;
    for (text, mailbox) in [("a", trash), ("b", trash), ("c", world.archive)] {
        storage.deliver(delivery(text, vec![placement(ann, mailbox, "")])).await.unwrap();
    }
    storage.expunge(ann, world.archive, &set("1"), false).await.unwrap();
    storage.rename_mailboxes(ann, vec![(world.archive, name("Old"))]).await.unwrap();
    storage.expunge(ann, trash, &set("1"), false).await.unwrap();
    storage.delete_mailbox(ann, trash).await.unwrap();
    assert_eq!(texts(&world, ann).await, ["a", "b", "c"]);
    let names: Vec<_> =
        kept(&world, ann).await.into_iter().map(|one| (one.mailbox_name.to_string(), one.mailbox_exists)).collect();
    assert!(names.contains(&("Old".to_owned(), true)) && names.contains(&("Bin".to_owned(), false)), "{names:?}");

    storage.put_back(ann, ann, keys(&world).await).await.unwrap();
    assert_eq!(listing_of(&world, ann, "Old").await, (world.archive, vec!["c".to_owned()]));
    let (again, mut texts) = listing_of(&world, ann, "Bin").await;
    texts.sort();
    assert_eq!(texts, ["a", "b"]);
    assert_ne!(again, trash);
    assert_eq!(world.mailbox(again).await.special_use, Some(SpecialUse::Trash));
}

/// What a removed account had goes, if an administrator says so, to the account that has its address now.
pub async fn a_removed_account_can_be_looked_into(harness: &dyn Harness) {
    let world = world(harness).await;
    let (storage, ann) = (&world.storage, world.ann);
    world.deliver("a").await;
    storage.deliver(delivery("b", vec![placement(ann, world.archive, "")])).await.unwrap();
    storage.delete_account(ann).await.unwrap();
    let removed = storage.removed_accounts(&address("Ann@example.org").folded()).await.unwrap();
    assert_eq!((removed.len(), removed[0].id), (1, ann));
    assert_eq!(texts(&world, ann).await, ["a", "b"]);
    let nowhere = storage.put_back(ann, ann, keys(&world).await).await;
    assert!(matches!(nowhere, Err(StorageError::NotFound(Named::Account))), "{nowhere:?}");

    let anew = storage.create_account(new_account("ann@example.org")).await.unwrap().id;
    assert!(kept(&world, anew).await.is_empty());
    storage.put_back(ann, anew, keys(&world).await).await.unwrap();
    assert_eq!(listing_of(&world, anew, "INBOX").await.1, ["a"]);
    assert_eq!(listing_of(&world, anew, "Archive").await.1, ["b"]);
    assert_eq!(storage.forget_expunged_of(ann).await.unwrap(), 0);
    assert_eq!(storage.removed_accounts("ann@example.org").await.unwrap(), []);
}

/// What is old is forgotten, and its body goes with it; so is what an account lost, when that is asked for.
pub async fn what_is_kept_is_forgotten(harness: &dyn Harness) {
    let world = world(harness).await;
    let storage = &world.storage;
    for text in ["a", "b"] {
        world.deliver(text).await;
    }
    let bobs = vec![placement(world.bob, world.bobs_inbox, "")];
    storage.deliver(delivery("c", bobs)).await.unwrap();
    storage.copy(world.ann, world.inbox, &set("1"), world.archive).await.unwrap();
    let bodies: Vec<_> = world.messages(world.inbox).await.iter().map(|message| message.body).collect();
    storage.expunge(world.ann, world.inbox, &set("1:2"), false).await.unwrap();
    storage.expunge(world.bob, world.bobs_inbox, &set("1"), false).await.unwrap();
    assert_eq!(storage.forget_expunged(UnixMillis(1)).await.unwrap(), 0);
    assert_eq!(storage.forget_expunged_of(world.bob).await.unwrap(), 1);
    assert_eq!(texts(&world, world.ann).await, ["a", "b"]);
    storage.delete_mailbox(world.ann, world.archive).await.unwrap();
    assert_eq!(texts(&world, world.ann).await, ["a", "a", "b"]);
    assert_eq!(storage.forget_expunged(FAR).await.unwrap(), 3);
    assert!(kept(&world, world.ann).await.is_empty());
    for body in bodies {
        assert!(world.text(body).await.is_err());
    }
}

/// Long lists come in pages, in order.
pub async fn what_is_kept_is_listed_in_pages(harness: &dyn Harness) {
    let world = world(harness).await;
    for number in 0..7 {
        world.deliver(&number.to_string()).await;
    }
    world.storage.expunge(world.ann, world.inbox, &set("1:4"), false).await.unwrap();
    world.storage.expunge(world.ann, world.inbox, &set("5:7"), false).await.unwrap();
    let mut seen: Vec<ExpungedKey> = Vec::new();
    loop {
        let page = world.storage.expunged(world.ann, seen.last().copied(), 2).await.unwrap();
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 2);
        seen.extend(page.into_iter().map(|one| one.key));
    }
    assert_eq!(seen.len(), 7);
    assert!(seen.is_sorted());
    assert_eq!(seen, keys(&world).await);
}

/// What is kept outlives the process, and so does what a deleted mailbox was.
pub async fn what_is_kept_outlives_the_process(harness: &dyn Harness) {
    let mut world = world(harness).await;
    world.deliver("a").await;
    world.storage.deliver(delivery("b", vec![placement(world.ann, world.archive, "")])).await.unwrap();
    world.storage.expunge(world.ann, world.inbox, &set("1"), false).await.unwrap();
    world.storage.delete_mailbox(world.ann, world.archive).await.unwrap();
    let Some(reopened) = harness.reopen(std::mem::replace(&mut world.storage, harness.fresh().await)).await else {
        return;
    };
    world.storage = reopened;
    assert_eq!(texts(&world, world.ann).await, ["a", "b"]);
    world.storage.put_back(world.ann, world.ann, keys(&world).await).await.unwrap();
    assert_eq!(world.listing(world.inbox).await, "2");
    assert_eq!(listing_of(&world, world.ann, "Archive").await.1, ["b"]);
}
