//! EXPUNGE.

use super::Harness;
use super::world::{World, counters, set, uid};

/// UIDs that are there go, whatever their flags; others are passed over.
pub async fn what_is_asked_for_goes(harness: &dyn Harness) {
    let world = World::new(harness).await;
    for text in ["a", "bb", "ccc", "dddd"] {
        world.deliver(text).await;
    }
    let before = world.mailbox(world.inbox).await;
    let gone = world.storage.expunge(world.ann, world.inbox, &set("2:3,9"), false).await.unwrap();
    assert_eq!(gone, set("2:3"));
    assert_eq!(world.listing(world.inbox).await, "1 4");
    let after = world.mailbox(world.inbox).await;
    assert_eq!(counters(&after), [2, 2, 0, 5]);
    assert!(after.highest_modseq > before.highest_modseq);
    let nothing = world.storage.expunge(world.ann, world.inbox, &set("2:3"), false).await.unwrap();
    assert!(nothing.is_empty());
    assert_eq!(world.mailbox(world.inbox).await, after);
    let all = world.storage.expunge(world.ann, world.inbox, &set("1:4294967295"), false).await.unwrap();
    assert_eq!(all, set("1,4"));
    assert_eq!(counters(&world.mailbox(world.inbox).await), [0; 4]);
}

/// With `only_deleted`, \Deleted decides (RFC 4315 §2.1).
pub async fn only_deleted_messages_go(harness: &dyn Harness) {
    let world = World::new(harness).await;
    for flags_text in ["", "\\Deleted", "\\Seen", "\\Deleted \\Seen", "\\Deleted"] {
        world.deliver_with("a", flags_text).await;
    }
    let gone = world.storage.expunge(world.ann, world.inbox, &set("1:4"), true).await.unwrap();
    assert_eq!(gone, set("2,4"));
    assert_eq!(world.listing(world.inbox).await, "1 3(\\Seen) 5(\\Deleted)");
    let gone = world.storage.expunge(world.ann, world.inbox, &set("1:4294967295"), true).await.unwrap();
    assert_eq!(gone, set("5"));
}

/// Not even when the newest message goes.
pub async fn uids_never_come_back(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let mut last = uid(1);
    world.deliver("a").await;
    for _ in 0..5 {
        world.storage.expunge(world.ann, world.inbox, &set("1:4294967295"), false).await.unwrap();
        let placed = world.deliver("a").await;
        assert!(placed.uid > last, "{} after {last}", placed.uid);
        last = placed.uid;
        world.storage.move_messages(world.ann, world.inbox, &set("1:4294967295"), world.archive).await.unwrap();
    }
    assert!(world.mailbox(world.inbox).await.uid_next > last);
}
