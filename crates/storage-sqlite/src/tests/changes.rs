//! What has changed since a modification sequence, found in two ways.

use std::sync::Arc;

use posthouse_model::flag::FlagChange;
use posthouse_model::{Flags, ModSeq, SystemFlag, Uid, UidSet};
use posthouse_storage::{FlagsWanted, Mail};

use super::world::World;
use crate::disk::RealDisk;

const SEGMENT_BYTES: u64 = 1 << 20;

/// Asks for the changes since each modification sequence, and compares with all messages there are.
async fn check(world: &World) {
    let (mailbox, all) = world.store.messages(world.account, world.inbox).await.unwrap();
    for since in (0..=mailbox.highest_modseq.0).map(ModSeq) {
        let changes = world.store.changes(world.account, world.inbox, since).await.unwrap();
        let expected: Vec<_> = all.iter().filter(|message| message.modseq > since).cloned().collect();
        assert_eq!(changes.records, expected, "since {since:?}");
    }
}

async fn see(world: &World, uids: &[u32]) {
    let mut flags = Flags::none();
    flags.insert(SystemFlag::Seen);
    let uids = uids.iter().filter_map(|&uid| Uid::new(uid)).collect();
    let wanted = FlagsWanted { uids, change: FlagChange::Add, flags, unchanged_since: None };
    world.store.store_flags(world.account, world.inbox, wanted).await.unwrap();
}

#[tokio::test]
async fn arrivals_and_changes_are_found() {
    let directory = tempfile::tempdir().unwrap();
    let mut world = World::new(directory.path(), SEGMENT_BYTES).await;
    check(&world).await;
    for round in 0..3 {
        for at in 0..4 {
            world.deliver(&format!("{round} {at}")).await.unwrap();
        }
        check(&world).await;
        see(&world, &[round * 4 + 1, round * 4 + 4, 2]).await;
        check(&world).await;
        let copied: UidSet = [1, 2].into_iter().filter_map(Uid::new).collect();
        world.store.copy(world.account, world.inbox, &copied, world.inbox).await.unwrap();
        world.expunge(&Uid::new(round * 4 + 3).into_iter().collect()).await;
        check(&world).await;
        // Modification sequences that were taken and not used are passed over.
        world.store.close().await;
        drop(world);
        world = World::reopen(directory.path(), SEGMENT_BYTES, Arc::new(RealDisk)).await;
    }
    world.texts().await;
}

/// A large mailbox is read by two readers, who see it at one moment.
#[tokio::test]
async fn a_large_mailbox_is_of_one_moment() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::new(directory.path(), SEGMENT_BYTES).await;
    world.deliver("one").await.unwrap();
    let flagged = |flag: FlagChange| {
        let mut flags = Flags::none();
        flags.insert(SystemFlag::Flagged);
        FlagsWanted { uids: UidSet::all(), change: flag, flags, unchanged_since: None }
    };
    for _ in 0..13 {
        world.store.copy(world.account, world.inbox, &UidSet::all(), world.inbox).await.unwrap();
    }
    let (store, account, inbox) = (Arc::clone(&world.store), world.account, world.inbox);
    let changing = tokio::spawn(async move {
        for change in [FlagChange::Add, FlagChange::Remove].into_iter().cycle().take(20) {
            store.store_flags(account, inbox, flagged(change)).await.unwrap();
        }
    });
    while !changing.is_finished() {
        let (mailbox, messages) = world.store.messages(world.account, world.inbox).await.unwrap();
        assert_eq!(messages.len(), 1 << 13);
        assert!(messages.is_sorted_by_key(|message| message.uid));
        assert!(messages.iter().all(|message| message.flags == messages[0].flags));
        assert!(messages.iter().all(|message| message.modseq <= mailbox.highest_modseq));
    }
    changing.await.unwrap();
    world.texts().await;
}
