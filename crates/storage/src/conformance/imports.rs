//! Messages that are brought in from elsewhere.

use posthouse_model::Uid;

use super::Harness;
use super::world::{NOW, World, counters, delivery, flags, uid};
use crate::quotas::{AccountQuotaSettings, QuotaSetting};
use crate::{AppendWanted, Body, ImportKey, Named, NewMessage, StorageError};

fn message(text: &str, flags_text: &str) -> NewMessage {
    let parts = delivery(text, Vec::new());
    NewMessage { body: parts.body, parsed: parts.parsed, flags: flags(flags_text), internal_date: NOW }
}

fn key(number: u8) -> ImportKey {
    ImportKey([number; 16])
}

async fn import(world: &World, messages: &[(u8, &str)]) -> Result<Vec<Option<Uid>>, StorageError> {
    let keys = messages.iter().map(|(number, _)| key(*number)).collect();
    let messages = messages.iter().map(|(_, text)| message(text, "\\Seen")).collect();
    let wanted = AppendWanted { account: world.ann, mailbox: world.inbox, messages, replaces: None };
    world.storage.import(wanted, keys).await
}

/// What was brought in does not come again, wherever it is now; what is new does.
pub async fn a_message_is_brought_in_once(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let uids = import(&world, &[(1, "one"), (2, "two"), (1, "one")]).await.unwrap();
    assert_eq!(uids, [Some(uid(1)), Some(uid(2)), None]);
    let keys = [key(2), key(9), key(1)];
    assert_eq!(world.storage.imported(world.ann, &keys).await.unwrap(), [true, false, true]);
    assert_eq!(world.storage.imported(world.bob, &keys).await.unwrap(), [false, false, false]);
    world.storage.expunge(world.ann, world.inbox, &[uid(1)].into_iter().collect(), false).await.unwrap();
    assert_eq!(import(&world, &[(1, "one"), (3, "three")]).await.unwrap(), [None, Some(uid(3))]);
    let before = world.mailbox(world.inbox).await;
    assert_eq!(import(&world, &[(1, "one"), (3, "three")]).await.unwrap(), [None, None]);
    assert_eq!(world.mailbox(world.inbox).await, before);
    assert_eq!(world.listing(world.inbox).await, "2(\\Seen) 3(\\Seen)");
    assert_eq!(world.storage.forget_imports(world.ann).await.unwrap(), 3);
    assert_eq!(world.storage.forget_imports(world.ann).await.unwrap(), 0);
    assert_eq!(import(&world, &[(1, "one")]).await.unwrap(), [Some(uid(4))]);
}

/// What could not be stored is not known, and all of a call is stored or nothing.
pub async fn a_failed_import_is_not_remembered(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let broken = Body { size_bytes: 5, ..Body::from_bytes("four") };
    let messages = vec![message("good", ""), NewMessage { body: broken, ..message("four", "") }];
    let wanted = AppendWanted { account: world.ann, mailbox: world.inbox, messages, replaces: None };
    world.storage.import(wanted.clone(), vec![key(1), key(2)]).await.unwrap_err();
    let elsewhere = AppendWanted { mailbox: world.bobs_inbox, messages: vec![message("x", "")], ..wanted };
    let refused = world.storage.import(elsewhere.clone(), vec![key(1)]).await;
    assert!(matches!(refused, Err(StorageError::NotFound(Named::Mailbox))), "{refused:?}");
    let refused = world.storage.import(elsewhere, Vec::new()).await;
    assert!(matches!(refused, Err(StorageError::Limit { .. })), "{refused:?}");
    let settings = AccountQuotaSettings { size_bytes: QuotaSetting::AtMost(7), ..AccountQuotaSettings::default() };
    world.storage.set_account_quota(world.ann, settings).await.unwrap();
    let full = import(&world, &[(1, "four"), (2, "more")]).await;
    assert!(matches!(full, Err(StorageError::OverQuota { .. })), "{full:?}");
    assert_eq!(world.storage.imported(world.ann, &[key(1), key(2)]).await.unwrap(), [false, false]);
    assert_eq!(counters(&world.mailbox(world.inbox).await), [0, 0, 0, 0]);
    assert_eq!(import(&world, &[(1, "four")]).await.unwrap().len(), 1);
}

/// What was brought in is known after the store was opened again.
pub async fn imports_outlive_the_process(harness: &dyn Harness) {
    let world = World::new(harness).await;
    import(&world, &[(1, "one")]).await.unwrap();
    let ann = world.ann;
    let Some(storage) = harness.reopen(world.storage).await else { return };
    assert_eq!(storage.imported(ann, &[key(1), key(2)]).await.unwrap(), [true, false]);
}
