//! Mailboxes and subscriptions.

use posthouse_model::{AccountId, MailboxId, SpecialUse};

use super::Harness;
use super::world::{World, counters, delivery, name, new_account, placement, uid};
use crate::mail::MAX_MAILBOXES_PER_ACCOUNT;
use crate::{Named, StorageError};

async fn names(world: &World) -> Vec<String> {
    world.storage.mailboxes(world.ann).await.unwrap().iter().map(|mailbox| mailbox.name.to_string()).collect()
}

/// A mailbox is made empty, found by name and number, and removed with what is in it.
pub async fn a_mailbox_is_made_found_and_removed(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let (storage, ann) = (&world.storage, world.ann);
    let made = storage.create_mailbox(ann, &name("Work/2026"), Some(SpecialUse::Archive)).await.unwrap();
    assert_eq!((made.account, made.name.as_str(), made.special_use), (ann, "Work/2026", Some(SpecialUse::Archive)));
    assert_eq!((made.uid_next, counters(&made)), (uid(1), [0; 4]));
    assert!(made.highest_modseq.0 > 0, "RFC 7162 §3.1.2.1 wants a positive number");
    assert_eq!(storage.mailbox(ann, &made.name).await.unwrap(), Some(made.clone()));
    assert_eq!(storage.mailbox_by_id(ann, made.id).await.unwrap(), Some(made.clone()));
    assert_eq!(names(&world).await, ["Archive", "INBOX", "Work/2026"]);
    assert_eq!(storage.mailbox(ann, &name("Work")).await.unwrap(), None);
    assert_eq!(storage.mailbox(ann, &name("work/2026")).await.unwrap(), None);

    storage.deliver(delivery("x", vec![placement(ann, made.id, "")])).await.unwrap();
    storage.delete_mailbox(ann, made.id).await.unwrap();
    assert_eq!(storage.mailbox(ann, &made.name).await.unwrap(), None);
    assert_eq!(storage.mailbox_by_id(ann, made.id).await.unwrap(), None);
    let messages = storage.messages(ann, made.id).await;
    assert!(matches!(messages, Err(StorageError::NotFound(Named::Mailbox))), "{messages:?}");
    let again = storage.delete_mailbox(ann, made.id).await;
    assert!(matches!(again, Err(StorageError::NotFound(Named::Mailbox))), "{again:?}");
}

/// A name is taken once in an account; another account's mailboxes are out of reach.
pub async fn a_mailbox_exists_once_and_for_its_account(harness: &dyn Harness) {
    let World { storage, ann, bob, inbox, bobs_inbox, .. } = World::new(harness).await;
    let again = storage.create_mailbox(ann, &name("inbox"), None).await;
    assert!(matches!(again, Err(StorageError::AlreadyExists(Named::Mailbox))), "{again:?}");
    let nobodys = storage.create_mailbox(AccountId(999_999), &name("x"), None).await;
    assert!(matches!(nobodys, Err(StorageError::NotFound(Named::Account))), "{nobodys:?}");
    assert_eq!(storage.mailbox_by_id(ann, bobs_inbox).await.unwrap(), None);
    let deleted = storage.delete_mailbox(bob, inbox).await;
    assert!(matches!(deleted, Err(StorageError::NotFound(Named::Mailbox))), "{deleted:?}");
    let messages = storage.messages(bob, inbox).await;
    assert!(matches!(messages, Err(StorageError::NotFound(Named::Mailbox))), "{messages:?}");
    let renamed = storage.rename_mailboxes(bob, vec![(inbox, name("mine"))]).await;
    assert!(matches!(renamed, Err(StorageError::NotFound(Named::Mailbox))), "{renamed:?}");
    assert!(storage.mailbox_by_id(ann, inbox).await.unwrap().is_some());
}

/// Number and UIDVALIDITY of a mailbox that is gone do not come back with its name (RFC 9051 §2.3.1.1).
pub async fn a_name_used_again_has_another_uid_validity(harness: &dyn Harness) {
    let World { storage, ann, .. } = World::new(harness).await;
    let mut last = storage.create_mailbox(ann, &name("x"), None).await.unwrap();
    for _ in 0..5 {
        storage.deliver(delivery("x", vec![placement(ann, last.id, "")])).await.unwrap();
        storage.delete_mailbox(ann, last.id).await.unwrap();
        let next = storage.create_mailbox(ann, &name("x"), None).await.unwrap();
        assert!(next.id > last.id && next.uid_validity > last.uid_validity, "{next:?} after {last:?}");
        assert!(next.highest_modseq > last.highest_modseq);
        assert_eq!(storage.messages(ann, next.id).await.unwrap().1, []);
        last = next;
    }
}

/// A tree moves at once; when one of its names is taken, nothing moves.
pub async fn mailboxes_are_renamed_all_or_none(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let (storage, ann) = (&world.storage, world.ann);
    let a = storage.create_mailbox(ann, &name("a"), None).await.unwrap();
    let below = storage.create_mailbox(ann, &name("a/b"), None).await.unwrap();
    storage.set_subscribed(ann, &name("a"), true).await.unwrap();
    storage.deliver(delivery("x", vec![placement(ann, a.id, "")])).await.unwrap();
    let taken = storage.rename_mailboxes(ann, vec![(a.id, name("c")), (below.id, name("Archive"))]).await;
    assert!(matches!(taken, Err(StorageError::AlreadyExists(Named::Mailbox))), "{taken:?}");
    let unknown = storage.rename_mailboxes(ann, vec![(a.id, name("c")), (MailboxId(999_999), name("d"))]).await;
    assert!(matches!(unknown, Err(StorageError::NotFound(Named::Mailbox))), "{unknown:?}");
    assert_eq!(names(&world).await, ["Archive", "INBOX", "a", "a/b"]);

    storage.rename_mailboxes(ann, vec![(a.id, name("c")), (below.id, name("c/b"))]).await.unwrap();
    assert_eq!(names(&world).await, ["Archive", "INBOX", "c", "c/b"]);
    let renamed = world.mailbox(a.id).await;
    assert_eq!((renamed.uid_validity, renamed.uid_next, renamed.messages), (a.uid_validity, uid(2), 1));
    let subscriptions = storage.subscriptions(ann).await.unwrap();
    assert!(subscriptions.contains(&name("a")) && !subscriptions.contains(&name("c")));
}

/// Names that are given up in the same call can be taken in it.
pub async fn names_can_be_swapped(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let (storage, ann) = (&world.storage, world.ann);
    let a = storage.create_mailbox(ann, &name("a"), None).await.unwrap();
    let b = storage.create_mailbox(ann, &name("b"), None).await.unwrap();
    storage.rename_mailboxes(ann, vec![(a.id, name("b")), (b.id, name("a"))]).await.unwrap();
    assert_eq!(world.mailbox(a.id).await.name, name("b"));
    assert_eq!(world.mailbox(b.id).await.name, name("a"));
    let both = storage.rename_mailboxes(ann, vec![(a.id, name("c")), (b.id, name("c"))]).await;
    assert!(matches!(both, Err(StorageError::AlreadyExists(Named::Mailbox))), "{both:?}");
    storage.rename_mailboxes(ann, vec![(a.id, name("b"))]).await.unwrap();
    storage.rename_mailboxes(ann, Vec::new()).await.unwrap();
    assert_eq!(names(&world).await, ["Archive", "INBOX", "a", "b"]);
}

/// The limit of mailboxes holds, and falls with each that goes.
pub async fn an_account_has_only_so_many(harness: &dyn Harness) {
    let World { storage, .. } = World::new(harness).await;
    let mut new = new_account("hoarder@example.org");
    new.mailboxes.extend((2..MAX_MAILBOXES_PER_ACCOUNT).map(|number| (name(&format!("m{number}")), None)));
    let account = storage.create_account(new).await.unwrap().id;
    let mailboxes = storage.mailboxes(account).await.unwrap();
    assert_eq!(mailboxes.len(), MAX_MAILBOXES_PER_ACCOUNT);
    let one_more = storage.create_mailbox(account, &name("one more"), None).await;
    assert!(matches!(one_more, Err(StorageError::Limit { .. })), "{one_more:?}");
    storage.delete_mailbox(account, mailboxes[7].id).await.unwrap();
    storage.create_mailbox(account, &name("one more"), None).await.unwrap();
}

/// One can be subscribed to what is not there (RFC 9051 §6.3.7).
pub async fn subscriptions_are_names(harness: &dyn Harness) {
    let World { storage, ann, bob, archive, .. } = World::new(harness).await;
    assert_eq!(storage.subscriptions(ann).await.unwrap(), [name("Archive"), name("INBOX")]);
    for _ in 0..2 {
        storage.set_subscribed(ann, &name("Gone/Fishing"), true).await.unwrap();
        storage.set_subscribed(ann, &name("INBOX"), false).await.unwrap();
    }
    storage.delete_mailbox(ann, archive).await.unwrap();
    assert_eq!(storage.subscriptions(ann).await.unwrap(), [name("Archive"), name("Gone/Fishing")]);
    assert_eq!(storage.subscriptions(bob).await.unwrap(), [name("Archive"), name("INBOX")]);
    let nobodys = storage.set_subscribed(AccountId(999_999), &name("x"), true).await;
    assert!(matches!(nobodys, Err(StorageError::NotFound(Named::Account))), "{nobodys:?}");
}
