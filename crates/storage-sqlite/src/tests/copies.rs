//! The power fails before a segment has been synced.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use super::faulty_disk::{Failure, FaultyDisk};
use super::world::World;
use crate::disk::RealDisk;
use crate::segment::SLOTS;

/// More commits than there are copies.
const COMMITS: usize = SLOTS + 6;
/// More octets than a commit carries a copy of.
const LARGE: usize = 300 * 1024;

/// Copies what the disk would have after a power failure: the index with its log, and segments of which everything that
/// lies in the index as a copy is `lost` in this way.
fn fail_power(from: &Path, to: &Path, lost: impl Fn(&fs::File, u64, u64)) -> usize {
    fs::create_dir(to.join("bodies")).unwrap();
    for directory in ["", "bodies"] {
        for entry in fs::read_dir(from.join(directory)).unwrap().map(Result::unwrap) {
            let is_needed =
                entry.file_type().unwrap().is_file() && !entry.file_name().to_str().unwrap().ends_with("shm");
            if is_needed {
                fs::copy(entry.path(), to.join(directory).join(entry.file_name())).unwrap();
            }
        }
    }
    let index = rusqlite::Connection::open(to.join("index.db")).unwrap();
    let mut statement = index.prepare("SELECT segment, start, bytes FROM segment_copy").unwrap();
    let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, u32>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?));
    let copies: Vec<_> = statement.query_map((), row).unwrap().map(Result::unwrap).collect();
    for &(segment, start, bytes) in &copies {
        let path = to.join(format!("bodies/{segment:08}.seg"));
        let file = fs::OpenOptions::new().write(true).open(path).unwrap();
        lost(&file, start as u64, bytes as u64);
    }
    copies.len()
}

fn zeroed(file: &fs::File, start: u64, bytes: u64) {
    file.write_all_at(&vec![0; bytes as usize], start).unwrap();
}

fn cut(file: &fs::File, start: u64, _: u64) {
    if file.metadata().unwrap().len() > start {
        file.set_len(start).unwrap();
    }
}

async fn survives(texts: &[String], segment_bytes: u64, lost: fn(&fs::File, u64, u64)) -> usize {
    let (directory, after) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let world = World::new(directory.path(), segment_bytes).await;
    for text in texts {
        world.deliver(text).await.unwrap();
    }
    let copies = fail_power(directory.path(), after.path(), lost);
    let reopened = World::reopen(after.path(), segment_bytes, Arc::new(RealDisk)).await;
    assert_eq!(reopened.texts().await, texts);
    reopened.deliver("later").await.unwrap();
    assert_eq!(reopened.texts().await.len(), texts.len() + 1);
    copies
}

fn small(count: usize) -> Vec<String> {
    (0..count).map(|at| format!("{at} {}", "x".repeat(at * 10))).collect()
}

#[tokio::test]
async fn what_no_segment_has_yet_is_put_back() {
    assert_eq!(survives(&small(COMMITS), 1 << 20, zeroed).await, SLOTS);
    // All since the last sync.
    assert_eq!(survives(&small(SLOTS), 1 << 20, cut).await, SLOTS);
}

#[tokio::test]
async fn segments_that_end_in_between_are_synced() {
    survives(&small(COMMITS), 300, zeroed).await;
}

#[tokio::test]
async fn large_messages_are_not_copied() {
    let large: Vec<_> = (0..3).map(|at| format!("{at}{}", "x".repeat(LARGE))).collect();
    assert_eq!(survives(&large, 1 << 20, zeroed).await, 0);
}

/// What lies in slots of earlier rounds is in its segment, and is not to be taken for something that is missing.
#[tokio::test]
async fn large_and_small_ones_take_turns() {
    let mixed: Vec<_> = (0..20).map(|at| "x".repeat(if at % 3 == 0 { LARGE + at } else { at })).collect();
    survives(&mixed, 1 << 20, |_, _, _| ()).await;
}

/// Each takes the place of another, of its own length or not, and comes back with the length that it had.
#[tokio::test]
async fn copies_of_all_lengths_come_back() {
    let lengths = [0, 300, 400, 3_000, 3_800, 4_200, 8_000, 20_000];
    let texts: Vec<_> = (0..3 * COMMITS).map(|at| format!("{at}:{}", "x".repeat(lengths[at % 8] + at % 11))).collect();
    survives(&texts, 1 << 20, zeroed).await;
}

#[tokio::test]
async fn copies_are_gone_after_closing() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::new(directory.path(), 1 << 20).await;
    world.deliver("one").await.unwrap();
    let index = rusqlite::Connection::open(directory.path().join("index.db")).unwrap();
    let count = || index.query_row("SELECT count(*) FROM segment_copy", (), |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count(), 1);
    world.store.close().await;
    assert_eq!(count(), 0);
}

/// The system drops what it could not write, says so once, and the copies are in memory still.
#[tokio::test]
async fn a_sync_that_fails_loses_nothing_that_was_committed_before() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    World::new(path, 1 << 20).await.store.close().await;
    let disk = FaultyDisk::default();
    let world = World::reopen(path, 1 << 20, Arc::new(disk.clone())).await;
    for text in ["one", "two", "three"] {
        world.deliver(text).await.unwrap();
    }
    let large = "x".repeat(LARGE);
    disk.fail(2, Failure::Device);
    assert!(world.deliver(&large).await.is_err());
    assert_eq!(disk.failed(), Some("sync"));
    assert_eq!(world.texts().await, ["one", "two", "three"]);
    world.deliver("four").await.unwrap();
    assert_eq!(world.texts().await, ["one", "two", "three", "four"]);
}
