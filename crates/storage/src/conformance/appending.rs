//! APPEND of several messages, and REPLACE.

use std::sync::Arc;

use parking_lot::Mutex;

use super::Harness;
use super::world::{NOW, World, counters, delivery, flags, flags_text, set, uid};
use crate::{
    AppendWanted, Appended, Body, CommitObserver, MailboxChange, MailboxDelta, Named, NewMessage, StorageError,
};

fn message(text: &str, flags_text: &str) -> NewMessage {
    let parts = delivery(text, Vec::new());
    NewMessage { body: parts.body, parsed: parts.parsed, flags: flags(flags_text), internal_date: NOW }
}

fn wanted(world: &World, messages: Vec<NewMessage>) -> AppendWanted {
    AppendWanted { account: world.ann, mailbox: world.inbox, messages, replaces: None }
}

async fn append(world: &World, messages: Vec<NewMessage>) -> Result<Appended, StorageError> {
    world.storage.append(wanted(world, messages)).await
}

/// Messages get rising UIDs in their order, one modification sequence, and each what it came with.
pub async fn messages_are_appended_together(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let before = world.deliver("first").await;
    let messages = vec![message("one", "\\Seen"), message("two", "$x"), message("one", ""), message("first", "")];
    let appended = append(&world, messages).await.unwrap();
    assert_eq!(appended.uids, [uid(2), uid(3), uid(4), uid(5)]);
    assert_eq!(appended.uid_validity, before.uid_validity);
    assert!(appended.modseq > before.modseq);
    assert_eq!(world.listing(world.inbox).await, "1 2(\\Seen) 3($x) 4 5");
    let records = world.messages(world.inbox).await;
    let texts = ["first", "one", "two", "one", "first"];
    for (record, text) in records.iter().zip(texts) {
        assert_eq!(world.text(record.body).await.unwrap(), text);
        assert_eq!(world.storage.parsed(&[record.body]).await.unwrap(), [delivery(text, Vec::new()).parsed]);
    }
    assert!(records[1..].iter().all(|record| record.modseq == appended.modseq && record.internal_date == NOW));
    assert_eq!(records[1].body, records[3].body);
    assert_ne!(records[1].message, records[3].message);
    assert_eq!(counters(&world.mailbox(world.inbox).await), [5, 4, 0, 19]);
    world.storage.expunge(world.ann, world.inbox, &set("1:3"), false).await.unwrap();
    assert_eq!(world.text(records[3].body).await.unwrap(), "one");
}

/// A message that cannot be stored takes all with it, and so does a mailbox that is not there, or somebody else's.
pub async fn an_append_is_all_or_nothing(harness: &dyn Harness) {
    let world = World::new(harness).await;
    world.deliver("there").await;
    let before = world.mailbox(world.inbox).await;
    let broken = Body { size_bytes: 5, ..Body::from_bytes("four") };
    let broken = NewMessage { body: broken, ..message("four", "") };
    assert!(append(&world, vec![message("good", ""), broken, message("good too", "")]).await.is_err());
    let elsewhere = AppendWanted { mailbox: world.bobs_inbox, ..wanted(&world, vec![message("x", "")]) };
    let refused = world.storage.append(elsewhere).await;
    assert!(matches!(refused, Err(StorageError::NotFound(Named::Mailbox))), "{refused:?}");
    assert_eq!(counters(&world.mailbox(world.inbox).await), counters(&before));
    assert_eq!(world.listing(world.inbox).await, "1");
    let uids = append(&world, vec![message("good", "")]).await.unwrap().uids;
    assert!(uids[0] > uid(1));
}

#[derive(Default)]
struct Witness(Mutex<Vec<MailboxChange>>);

impl CommitObserver for Witness {
    fn committed(&self, changes: &[MailboxChange]) {
        self.0.lock().extend_from_slice(changes);
    }
}

/// One change for all messages, before the answer; none when nothing came of it.
pub async fn observers_hear_of_an_append_at_once(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let witness = Arc::new(Witness::default());
    world.storage.observe(Arc::<Witness>::clone(&witness));
    let appended = append(&world, vec![message("a", "\\Seen"), message("b", "")]).await.unwrap();
    let changes = std::mem::take(&mut *witness.0.lock());
    let [MailboxChange { mailbox, modseq, delta: MailboxDelta::Added(records), .. }] = &changes[..] else {
        panic!("{changes:?}");
    };
    assert_eq!((*mailbox, *modseq), (world.inbox, appended.modseq));
    assert_eq!(records.iter().map(|record| record.uid).collect::<Vec<_>>(), appended.uids);
    assert_eq!(flags_text(&records[0].flags), "\\Seen");
    let replacing = AppendWanted { replaces: Some((world.inbox, uid(9))), ..wanted(&world, vec![message("c", "")]) };
    world.storage.append(replacing).await.unwrap_err();
    assert_eq!(*witness.0.lock(), []);
    let replacing = AppendWanted { replaces: Some((world.inbox, uid(1))), ..wanted(&world, vec![message("c", "")]) };
    world.storage.append(replacing).await.unwrap();
    let changes = std::mem::take(&mut *witness.0.lock());
    let [added, vanished] = &changes[..] else { panic!("{changes:?}") };
    assert!(matches!(&added.delta, MailboxDelta::Added(records) if records.len() == 1));
    assert_eq!(vanished.delta, MailboxDelta::Vanished(set("1")));
    assert!(added.modseq <= vanished.modseq);
}

/// The new message is there and the old one is not, in the same mailbox or another of the account.
pub async fn a_message_is_replaced(harness: &dyn Harness) {
    let world = World::new(harness).await;
    world.deliver_with("draft one", "\\Draft").await;
    let other = world.deliver("other").await;
    let before = world.mailbox(world.inbox).await;
    let replacing =
        AppendWanted { replaces: Some((world.inbox, uid(1))), ..wanted(&world, vec![message("draft two", "\\Seen")]) };
    let appended = world.storage.append(replacing).await.unwrap();
    assert_eq!(appended.uids, [uid(3)]);
    assert_eq!(world.listing(world.inbox).await, "2 3(\\Seen)");
    let changes = world.storage.changes(world.ann, world.inbox, before.highest_modseq).await.unwrap();
    assert_eq!(changes.vanished, set("1"));
    let replaces = Some((world.inbox, uid(3)));
    let away = AppendWanted { mailbox: world.archive, replaces, ..wanted(&world, vec![message("sent", "")]) };
    let appended = world.storage.append(away).await.unwrap();
    assert_eq!(appended.uid_validity, world.mailbox(world.archive).await.uid_validity);
    assert_eq!(world.listing(world.inbox).await, other.uid.to_string());
    assert_eq!(world.listing(world.archive).await, "1");
}

/// A message that somebody removed before, or that is another account's, cannot be replaced; nothing is stored then.
pub async fn what_is_gone_is_not_replaced(harness: &dyn Harness) {
    let world = World::new(harness).await;
    world.deliver("a").await;
    world.deliver("b").await;
    world.storage.expunge(world.ann, world.inbox, &set("1"), false).await.unwrap();
    for replaces in [(world.inbox, uid(1)), (world.inbox, uid(7)), (world.bobs_inbox, uid(1)), (world.archive, uid(2))]
    {
        let replacing = AppendWanted { replaces: Some(replaces), ..wanted(&world, vec![message("new", "")]) };
        let refused = world.storage.append(replacing).await;
        assert!(matches!(refused, Err(StorageError::NotFound(_))), "{refused:?}");
        assert_eq!(world.listing(world.inbox).await, "2");
    }
    assert_eq!(counters(&world.mailbox(world.inbox).await), [1, 1, 0, 1]);
}
