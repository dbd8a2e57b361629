//! Every operation on the disk fails once; nothing that was answered with `Ok` is lost.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use posthouse_model::flag::FlagChange;
use posthouse_model::{Flags, SystemFlag, UidSet};
use posthouse_storage::{FlagsWanted, Mail, StorageError};

use super::faulty_disk::{Failure, FaultyDisk};
use super::world::World;
use crate::disk::RealDisk;

/// Small enough that three messages need a second segment.
const SEGMENT_BYTES: u64 = 300;
/// More operations than the deliveries of a round need.
const MOST_OPERATIONS: u64 = 200;

/// How messages come in.
#[derive(Clone, Copy)]
struct Manner {
    /// All at once, or one after the other.
    together: bool,
    /// Whether commits carry copies of them, or wait for the segment.
    copied: bool,
}

/// Delivers in a fresh store whose `nth` operation fails. Returns what failed, if anything did.
async fn round(nth: u64, failure: Failure, manner: Manner) -> Option<&'static str> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let world = World::new(path, SEGMENT_BYTES).await;
    world.deliver("before").await.unwrap();
    world.store.close().await;
    drop(world);

    let disk = FaultyDisk::default();
    let world = if manner.copied {
        World::reopen(path, SEGMENT_BYTES, Arc::new(disk.clone())).await
    } else {
        World::reopen_syncing(path, SEGMENT_BYTES, Arc::new(disk.clone())).await
    };
    disk.fail(nth, failure);
    let texts: Vec<String> = (0..3).map(|at| format!("{at}{}", "x".repeat(100))).collect();
    let mut acknowledged = vec!["before".to_owned()];
    if manner.together {
        let [one, two, three] = [0, 1, 2].map(|at| world.deliver(&texts[at]));
        let (one, two, three) = tokio::join!(one, two, three);
        for (text, answer) in texts.iter().zip([one, two, three]) {
            note(text, answer.map(drop), failure, &mut acknowledged);
        }
    } else {
        for text in &texts {
            note(text, world.deliver(text).await.map(drop), failure, &mut acknowledged);
        }
    }
    let failed = disk.failed();
    if failed.is_some() {
        // The fault has passed, and the store goes on without being opened again.
        world.deliver("after").await.unwrap();
        acknowledged.push("after".to_owned());
    }
    check(&world, &acknowledged, nth, failure).await;
    world.store.close().await;
    drop(world);

    let world = World::reopen(path, SEGMENT_BYTES, Arc::new(RealDisk)).await;
    check(&world, &acknowledged, nth, failure).await;
    world.deliver("later").await.unwrap();
    acknowledged.push("later".to_owned());
    check(&world, &acknowledged, nth, failure).await;
    expect_no_torn_tail(path, &world).await;
    failed
}

fn note(text: &str, answer: Result<(), StorageError>, failure: Failure, acknowledged: &mut Vec<String>) {
    match (answer, failure) {
        (Ok(()), _) => acknowledged.push(text.to_owned()),
        (Err(StorageError::Full), Failure::Full) | (Err(StorageError::Unavailable(_)), Failure::Device) => {}
        (Err(error), _) => panic!("{failure:?} became {error:?}"),
    }
}

async fn check(world: &World, acknowledged: &[String], nth: u64, failure: Failure) {
    let mut stored = world.texts().await;
    let mut wanted = acknowledged.to_vec();
    stored.sort();
    wanted.sort();
    assert_eq!(stored, wanted, "operation {nth}, {failure:?}");
}

/// Closes the store, after which no segment has octets that no commit knows of.
async fn expect_no_torn_tail(path: &Path, world: &World) {
    world.store.close().await;
    // Only now, for compaction may have been at work until then.
    let index = rusqlite::Connection::open(path.join("index.db")).unwrap();
    let known: i64 = index.query_row("SELECT sum(size_bytes) FROM segment", (), |row| row.get(0)).unwrap();
    assert_eq!(octets_in_segments(path), known as u64);
}

fn octets_in_segments(path: &Path) -> u64 {
    fs::read_dir(path.join("bodies")).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum()
}

async fn every_operation_fails_once(failure: Failure, manner: Manner) {
    let mut seen = Vec::new();
    for nth in 1..MOST_OPERATIONS {
        match round(nth, failure, manner).await {
            Some(operation) => seen.push(operation),
            None => break,
        }
    }
    // How deliveries that come together are batched is a matter of chance, and with it what the n-th operation is.
    let expected: &[_] =
        if manner.together { &["write"] } else { &["create", "sync directory", "write", "sync", "commit"] };
    for operation in expected {
        assert!(seen.contains(operation), "{operation} never failed in {seen:?}");
    }
}

#[tokio::test]
async fn a_failing_device_loses_nothing_acknowledged() {
    for copied in [false, true] {
        every_operation_fails_once(Failure::Device, Manner { together: false, copied }).await;
    }
}

#[tokio::test]
async fn a_full_disk_loses_nothing_acknowledged() {
    for copied in [false, true] {
        every_operation_fails_once(Failure::Full, Manner { together: false, copied }).await;
    }
}

#[tokio::test]
async fn a_failing_device_fails_batches_as_a_whole() {
    for copied in [false, true] {
        every_operation_fails_once(Failure::Device, Manner { together: true, copied }).await;
    }
}

#[tokio::test]
async fn a_full_disk_fails_batches_one_by_one() {
    for copied in [false, true] {
        every_operation_fails_once(Failure::Full, Manner { together: true, copied }).await;
    }
}

#[tokio::test]
async fn a_failed_commit_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::new(directory.path(), SEGMENT_BYTES).await;
    world.deliver("one").await.unwrap();
    world.store.close().await;
    drop(world);
    let disk = FaultyDisk::default();
    let world = World::reopen(directory.path(), SEGMENT_BYTES, Arc::new(disk.clone())).await;
    let before = world.store.messages(world.account, world.inbox).await.unwrap();
    let mut flags = Flags::none();
    flags.insert(SystemFlag::Seen);
    let wanted = FlagsWanted { uids: UidSet::all(), change: FlagChange::Add, flags, unchanged_since: None };
    disk.fail(1, Failure::Device);
    assert!(world.store.store_flags(world.account, world.inbox, wanted.clone()).await.is_err());
    disk.fail(1, Failure::Device);
    assert!(world.store.expunge(world.account, world.inbox, &UidSet::all(), false).await.is_err());
    assert_eq!(world.store.messages(world.account, world.inbox).await.unwrap(), before);
    world.store.store_flags(world.account, world.inbox, wanted).await.unwrap();
    assert_eq!(world.texts().await, ["one"]);
}

#[tokio::test]
async fn a_segment_that_could_not_be_synced_gets_no_more() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let world = World::new(path, 1 << 20).await;
    let first = world.deliver("one").await.unwrap().body;
    world.store.close().await;
    drop(world);
    let disk = FaultyDisk::default();
    let world = World::reopen_syncing(path, 1 << 20, Arc::new(disk.clone())).await;
    let segment = |body: posthouse_storage::BodyKey| body.0 >> 32;
    for (failing, expected) in [("write", 2), ("sync", 3)] {
        let nth = if failing == "write" { 1 } else { 2 };
        disk.fail(nth, Failure::Device);
        assert!(world.deliver("lost").await.is_err());
        assert_eq!(disk.failed(), Some(failing));
        let next = world.deliver(failing).await.unwrap().body;
        assert_eq!((segment(first), segment(next)), (1, expected), "{failing}");
    }
    assert_eq!(world.texts().await, ["one", "write", "sync"]);
}

#[tokio::test]
async fn room_is_reserved_and_given_back() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let world = World::new(path, 1 << 20).await;
    world.deliver("one").await.unwrap();
    assert_eq!(octets_in_segments(path), 1 << 20);
    world.deliver("two").await.unwrap();
    assert_eq!((octets_in_segments(path), world.texts().await), (1 << 20, vec!["one".to_owned(), "two".to_owned()]));
    expect_no_torn_tail(path, &world).await;
    // A process that ends without closing leaves the zeros, which the next one cuts.
    let zeros = fs::OpenOptions::new().write(true).open(path.join("bodies/00000001.seg")).unwrap();
    zeros.set_len(1 << 20).unwrap();
    drop(world);
    let world = World::reopen(path, 1 << 20, Arc::new(RealDisk)).await;
    assert!(octets_in_segments(path) < 1 << 10);
    assert_eq!(world.texts().await, ["one", "two"]);
}

#[tokio::test]
async fn what_fits_is_taken_when_no_room_can_be_reserved() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let world = World::new(path, 1 << 20).await;
    world.store.close().await;
    drop(world);
    let disk = FaultyDisk::default();
    let world = World::reopen(path, 1 << 20, Arc::new(disk.clone())).await;
    // Made, synced, entered in its directory, written to; then zeros.
    disk.fail(5, Failure::Full);
    world.deliver("one").await.unwrap();
    assert_eq!(disk.failed(), Some("write"));
    world.deliver("two").await.unwrap();
    assert!(octets_in_segments(path) < 1 << 10);
    assert_eq!(world.texts().await, ["one", "two"]);
    expect_no_torn_tail(path, &world).await;
}

#[tokio::test]
async fn a_torn_tail_and_foreign_segments_are_removed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let world = World::new(path, 1 << 20).await;
    world.deliver("one").await.unwrap();
    world.store.close().await;
    drop(world);
    let segment = path.join("bodies/00000001.seg");
    let mut octets = fs::read(&segment).unwrap();
    octets.extend_from_slice(b"PHB\x01 the beginning of what never was");
    fs::write(&segment, &octets).unwrap();
    fs::write(path.join("bodies/00000002.seg"), b"made and never committed").unwrap();
    fs::write(path.join("bodies/README"), b"not ours").unwrap();
    let world = World::reopen(path, 1 << 20, Arc::new(RealDisk)).await;
    assert!(!path.join("bodies/00000002.seg").exists());
    assert!(path.join("bodies/README").exists());
    fs::remove_file(path.join("bodies/README")).unwrap();
    world.deliver("two").await.unwrap();
    assert_eq!(world.texts().await, ["one", "two"]);
    expect_no_torn_tail(path, &world).await;
}

#[tokio::test]
async fn a_lost_segment_costs_its_own_messages_only() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let world = World::new(path, 1 << 20).await;
    let lost = world.deliver("one").await.unwrap().body;
    world.store.close().await;
    drop(world);
    fs::write(path.join("bodies/00000001.seg"), b"").unwrap();
    let world = World::reopen(path, 1 << 20, Arc::new(RealDisk)).await;
    let kept = world.deliver("two").await.unwrap().body;
    let slice = |body| [posthouse_storage::BodySlice { body, range: 0..3 }];
    assert!(matches!(world.store.read(&slice(lost)).await, Err(StorageError::Corrupt(_))));
    assert_eq!(&world.store.read(&slice(kept)).await.unwrap()[0][..], b"two");
    let problems = world.store.verify().await.unwrap().problems;
    assert_eq!(problems.len(), 2, "{problems:?}");
}

#[tokio::test]
async fn a_damaged_body_is_found() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let world = World::new(path, 1 << 20).await;
    world.deliver("one").await.unwrap();
    let segment = path.join("bodies/00000001.seg");
    let mut octets = fs::read(&segment).unwrap();
    octets[crate::segment::HEADER_BYTES as usize] ^= 1;
    fs::write(&segment, octets).unwrap();
    let problems = world.store.verify().await.unwrap().problems;
    assert!(problems.len() == 1 && problems[0].ends_with("is not what was written"), "{problems:?}");
}

#[tokio::test]
async fn a_closed_store_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::new(directory.path(), 1 << 20).await;
    let again = crate::SqliteStorage::open(directory.path(), crate::Options::default());
    assert!(matches!(again, Err(StorageError::Locked(_))));
    world.store.close().await;
    assert!(matches!(world.deliver("late").await, Err(StorageError::Closed)));
    let read = world.store.messages(world.account, world.inbox).await;
    assert!(matches!(read, Err(StorageError::Closed)), "{read:?}");
    let log = fs::metadata(directory.path().join("index.db-wal")).map_or(0, |metadata| metadata.len());
    assert_eq!(log, 0);
    crate::SqliteStorage::open(directory.path(), crate::Options::default()).unwrap();
}
