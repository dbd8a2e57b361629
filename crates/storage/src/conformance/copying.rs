//! COPY and MOVE.

use posthouse_model::MailboxId;
use posthouse_model::flag::FlagChange::Add;

use super::Harness;
use super::world::{World, set};
use crate::{CopiedUids, Named, StorageError};

fn pairs(copied: &CopiedUids) -> String {
    copied.pairs.iter().map(|(old, new)| format!("{old}>{new}")).collect::<Vec<_>>().join(" ")
}

/// Flags, INTERNALDATE, message and body are the same in the copy; UID and modification sequence are its own.
pub async fn copies_keep_what_they_should(harness: &dyn Harness) {
    let world = World::new(harness).await;
    world.deliver_with("a", "\\Seen $x").await;
    world.deliver_with("b", "\\Deleted").await;
    world.deliver_with("c", "").await;
    let target = world.mailbox(world.archive).await;
    let copied = world.storage.copy(world.ann, world.inbox, &set("1,3:9"), world.archive).await.unwrap();
    assert_eq!((pairs(&copied).as_str(), copied.uid_validity), ("1>1 3>2", target.uid_validity));
    let more = world.storage.copy(world.ann, world.inbox, &set("2"), world.archive).await.unwrap();
    assert_eq!(pairs(&more), "2>3");
    assert_eq!(world.listing(world.inbox).await, "1(\\Seen $x) 2(\\Deleted) 3");
    assert_eq!(world.listing(world.archive).await, "1(\\Seen $x) 2 3(\\Deleted)");
    let (originals, copies) = (world.messages(world.inbox).await, world.messages(world.archive).await);
    for (original, copy) in [(0, 0), (2, 1), (1, 2)] {
        let (original, copy) = (&originals[original], &copies[copy]);
        assert_eq!((original.message, original.body), (copy.message, copy.body));
        assert_eq!((original.internal_date, original.size_bytes), (copy.internal_date, copy.size_bytes));
        assert!(copy.modseq > original.modseq);
    }
    world.store("1", Add, "\\Flagged").await;
    assert_eq!(world.listing(world.archive).await, "1(\\Seen $x) 2 3(\\Deleted)");
}

/// What is moved is in the target and has vanished from where it was (RFC 6851 §3.3).
pub async fn a_move_leaves_nothing_behind(harness: &dyn Harness) {
    let world = World::new(harness).await;
    for text in ["a", "b", "c", "d"] {
        world.deliver(text).await;
    }
    let before = world.mailbox(world.inbox).await;
    let moved = world.storage.move_messages(world.ann, world.inbox, &set("2:3,8"), world.archive).await.unwrap();
    assert_eq!(pairs(&moved), "2>1 3>2");
    assert_eq!(world.listing(world.inbox).await, "1 4");
    assert_eq!(world.listing(world.archive).await, "1 2");
    let changes = world.storage.changes(world.ann, world.inbox, before.highest_modseq).await.unwrap();
    assert_eq!((changes.records.len(), changes.vanished), (0, set("2:3")));
    assert!(changes.highest_modseq > before.highest_modseq);
    let texts: Vec<_> = world.messages(world.archive).await.iter().map(|message| message.body).collect();
    assert_eq!(world.text(texts[0]).await.unwrap(), "b");
    let back = world.storage.move_messages(world.ann, world.archive, &set("1:2"), world.inbox).await.unwrap();
    assert_eq!(pairs(&back), "1>5 2>6");
    assert_eq!(world.text(texts[1]).await.unwrap(), "c");
    let nothing = world.storage.move_messages(world.ann, world.inbox, &set("2"), world.archive).await.unwrap();
    assert_eq!(pairs(&nothing), "");
}

/// A mailbox can be its own target.
pub async fn copying_into_the_same_mailbox_doubles(harness: &dyn Harness) {
    let world = World::new(harness).await;
    world.deliver_with("a", "\\Seen").await;
    world.deliver("b").await;
    let copied = world.storage.copy(world.ann, world.inbox, &set("1:4294967295"), world.inbox).await.unwrap();
    assert_eq!(pairs(&copied), "1>3 2>4");
    assert_eq!(world.listing(world.inbox).await, "1(\\Seen) 2 3(\\Seen) 4");
    let moved = world.storage.move_messages(world.ann, world.inbox, &set("1"), world.inbox).await.unwrap();
    assert_eq!(pairs(&moved), "1>5");
    assert_eq!(world.listing(world.inbox).await, "2 3(\\Seen) 4 5(\\Seen)");
}

/// From or to a mailbox that is not there, or that is another's.
pub async fn copies_to_nowhere_are_refused(harness: &dyn Harness) {
    let world = World::new(harness).await;
    world.deliver("a").await;
    let (inbox, nowhere) = (world.inbox, MailboxId(999_999));
    for (from, to) in [(inbox, nowhere), (nowhere, inbox), (inbox, world.bobs_inbox), (world.bobs_inbox, inbox)] {
        for uids in ["1", ""] {
            let copied = world.storage.copy(world.ann, from, &set(uids), to).await;
            assert!(matches!(copied, Err(StorageError::NotFound(Named::Mailbox))), "{copied:?}");
            let moved = world.storage.move_messages(world.ann, from, &set(uids), to).await;
            assert!(matches!(moved, Err(StorageError::NotFound(Named::Mailbox))), "{moved:?}");
        }
    }
    assert_eq!(world.listing(inbox).await, "1");
}
