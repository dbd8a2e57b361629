//! STORE.

use posthouse_model::flag::FlagChange::{Add, Remove, Replace};
use posthouse_model::{ModSeq, UidSet};

use super::Harness;
use super::world::{World, counters, flags, flags_text, set};
use crate::{FlagsStored, FlagsWanted, Named, StorageError};

fn changed(stored: &FlagsStored) -> String {
    let one = |(uid, flags, _): &(_, _, _)| format!("{uid}({})", flags_text(flags));
    stored.changed.iter().map(one).collect::<Vec<_>>().join(" ")
}

/// Set, added, taken away; UIDs that are not there are passed over.
pub async fn flags_change_in_three_ways(harness: &dyn Harness) {
    let world = World::new(harness).await;
    world.deliver_with("a", "").await;
    world.deliver_with("b", "\\Seen $x").await;
    world.deliver_with("c", "\\Draft").await;
    let steps = [
        ("1:2,7:9", Add, "\\Flagged $y", "1(\\Flagged $y) 2(\\Flagged \\Seen $x $y)"),
        ("2", Remove, "\\Seen $X \\Deleted", "2(\\Flagged $y)"),
        ("1:4294967295", Replace, "\\Answered", "1(\\Answered) 2(\\Answered) 3(\\Answered)"),
        ("9", Add, "\\Seen", ""),
        ("", Add, "\\Seen", ""),
        ("1,3", Replace, "", "1() 3()"),
    ];
    for (uids, change, text, expected) in steps {
        let stored = world.store(uids, change, text).await;
        assert_eq!((changed(&stored).as_str(), &stored.modified), (expected, &UidSet::new()), "{uids} {text}");
    }
    assert_eq!(world.listing(world.inbox).await, "1 2(\\Answered) 3");
}

/// Only messages whose flags are different now get another modification sequence (RFC 7162 §3.1).
pub async fn messages_that_change_nothing_keep_their_modseq(harness: &dyn Harness) {
    let world = World::new(harness).await;
    world.deliver_with("a", "\\Seen").await;
    world.deliver_with("b", "").await;
    let before = world.messages(world.inbox).await;
    let stored = world.store("1:2", Add, "\\Seen").await;
    assert_eq!(changed(&stored), "2(\\Seen)");
    let after = world.messages(world.inbox).await;
    assert_eq!(after[0].modseq, before[0].modseq);
    assert!(after[1].modseq > before[1].modseq);
    assert_eq!(stored.changed[0].2, after[1].modseq);
    assert_eq!(stored.before, [before[1].modseq]);
    let highest = world.mailbox(world.inbox).await.highest_modseq;
    assert_eq!(highest, after[1].modseq);
    assert_eq!(world.store("1:2", Add, "\\Seen").await, FlagsStored::default());
    assert_eq!(world.mailbox(world.inbox).await.highest_modseq, highest);
}

/// UNCHANGEDSINCE (RFC 7162 §3.1.3): what changed later is left alone and named.
pub async fn unchanged_since_leaves_changed_messages_alone(harness: &dyn Harness) {
    let world = World::new(harness).await;
    for text in ["a", "b", "c"] {
        world.deliver(text).await;
    }
    let since = world.mailbox(world.inbox).await.highest_modseq;
    world.store("2", Add, "\\Flagged").await;
    let wanted = |unchanged_since, text| FlagsWanted {
        uids: set("1:9"),
        change: Add,
        flags: flags(text),
        unchanged_since: Some(unchanged_since),
    };
    let stored = world.storage.store_flags(world.ann, world.inbox, wanted(since, "\\Seen")).await.unwrap();
    assert_eq!((changed(&stored).as_str(), stored.modified), ("1(\\Seen) 3(\\Seen)", set("2")));
    let none = world.storage.store_flags(world.ann, world.inbox, wanted(ModSeq(0), "\\Draft")).await.unwrap();
    assert_eq!((none.changed, none.modified), (Vec::new(), set("1:3")));
    assert_eq!(world.listing(world.inbox).await, "1(\\Seen) 2(\\Flagged) 3(\\Seen)");
}

/// Unseen and deleted follow each change.
pub async fn flags_count(harness: &dyn Harness) {
    let world = World::new(harness).await;
    for text in ["a", "b", "c"] {
        world.deliver(text).await;
    }
    let steps = [
        ("1:2", Add, "\\Seen", [3, 1, 0, 3]),
        ("1:3", Add, "\\Seen", [3, 0, 0, 3]),
        ("2:3", Replace, "\\Deleted", [3, 2, 2, 3]),
        ("1:3", Remove, "\\Deleted $x", [3, 2, 0, 3]),
        ("1:3", Replace, "\\Seen \\Deleted", [3, 0, 3, 3]),
        ("1:3", Replace, "", [3, 3, 0, 3]),
    ];
    for (uids, change, text, expected) in steps {
        world.store(uids, change, text).await;
        assert_eq!(counters(&world.mailbox(world.inbox).await), expected, "{uids} {text}");
        world.messages(world.inbox).await;
    }
}

/// A mailbox is named together with its account.
pub async fn flags_of_another_account_are_out_of_reach(harness: &dyn Harness) {
    let world = World::new(harness).await;
    world.deliver("a").await;
    let wanted = FlagsWanted { uids: set("1"), change: Add, flags: flags("\\Seen"), unchanged_since: None };
    let stored = world.storage.store_flags(world.bob, world.inbox, wanted).await;
    assert!(matches!(stored, Err(StorageError::NotFound(Named::Mailbox))), "{stored:?}");
    let expunged = world.storage.expunge(world.bob, world.inbox, &set("1"), false).await;
    assert!(matches!(expunged, Err(StorageError::NotFound(Named::Mailbox))), "{expunged:?}");
    let changes = world.storage.changes(world.bob, world.inbox, ModSeq(0)).await;
    assert!(matches!(changes, Err(StorageError::NotFound(Named::Mailbox))), "{changes:?}");
    assert_eq!(world.listing(world.inbox).await, "1");
}
