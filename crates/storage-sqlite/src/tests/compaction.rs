//! Room is given back, and nothing is lost while it is.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use posthouse_model::{MailboxName, Uid, UidSet};
use posthouse_storage::{BodySlice, Directory, Mail, StorageError};

use super::faulty_disk::{Failure, FaultyDisk};
use super::world::World;
use crate::disk::{Disk, RealDisk};
use crate::writer::Compaction;

const SEGMENT_BYTES: u64 = 4096;
const MESSAGES: u32 = 60;

fn text(at: u32) -> String {
    format!("message {at} {}", "x".repeat(300))
}

fn segments(path: &Path) -> usize {
    fs::read_dir(path.join("bodies")).unwrap().count()
}

/// Copies a closed store.
pub(super) fn copy_store(from: &Path, to: &Path) {
    fs::create_dir(to.join("bodies")).unwrap();
    fs::copy(from.join("index.db"), to.join("index.db")).unwrap();
    for entry in fs::read_dir(from.join("bodies")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join("bodies").join(entry.file_name())).unwrap();
    }
}

/// Keeps every fifth message of [`MESSAGES`].
async fn thinned_out(path: &Path) -> (World, Vec<String>) {
    let world = World::without_upkeep(path, SEGMENT_BYTES).await;
    for at in 1..=MESSAGES {
        world.deliver(&text(at)).await.unwrap();
    }
    let kept = |at: &u32| at.is_multiple_of(5);
    let gone: UidSet = (1..=MESSAGES).filter(|at| !kept(at)).filter_map(Uid::new).collect();
    world.expunge(&gone).await;
    (world, (1..=MESSAGES).filter(kept).map(text).collect())
}

async fn step(world: &World) -> Result<Compaction, StorageError> {
    world.store.write(Vec::new(), |work| work.compact(500, &[])).await
}

#[tokio::test]
async fn dead_room_is_given_back() {
    let directory = tempfile::tempdir().unwrap();
    let (world, kept) = thinned_out(directory.path()).await;
    let before = (segments(directory.path()), world.store.verify().await.unwrap().dead_bytes);
    while step(&world).await.unwrap() == Compaction::Moved {
        assert_eq!(world.texts().await, kept);
    }
    let after = (segments(directory.path()), world.store.verify().await.unwrap().dead_bytes);
    assert!(after.0 * 2 < before.0 && after.1 * 2 < before.1, "{after:?} after {before:?}");
    // What has moved can move again.
    world.expunge(&UidSet::all()).await;
    while step(&world).await.unwrap() == Compaction::Moved {}
    assert!(segments(directory.path()) <= 1);
    world.deliver("still works").await.unwrap();
    assert_eq!(world.texts().await, ["still works"]);
    world.store.close().await;
    drop(world);
    let world = World::reopen(directory.path(), SEGMENT_BYTES, Arc::new(RealDisk)).await;
    assert_eq!(world.texts().await, ["still works"]);
}

#[tokio::test]
async fn upkeep_does_it_by_itself() {
    let directory = tempfile::tempdir().unwrap();
    let (world, kept) = thinned_out(directory.path()).await;
    let copy = world.store.create_mailbox(world.account, &MailboxName::parse("copy").unwrap(), None).await.unwrap();
    world.store.copy(world.account, world.inbox, &UidSet::all(), copy.id).await.unwrap();
    world.store.delete_mailbox(world.account, copy.id).await.unwrap();
    let before = segments(directory.path());
    world.store.close().await;
    drop(world);
    let world = World::reopen(directory.path(), SEGMENT_BYTES, Arc::new(RealDisk)).await;
    while segments(directory.path()) * 2 > before {
        let shared = Arc::clone(&world.store.shared);
        // Woken by the commits of upkeep; the bound is for the look that comes too late for the last.
        let wait = move || shared.committed.wait_for(&mut shared.commits.lock(), Duration::from_millis(50));
        tokio::task::spawn_blocking(wait).await.unwrap();
    }
    let doomed = world.store.ask(|reader| {
        Ok(reader.connection.query_row("SELECT count(*) FROM doomed", (), |row| row.get::<_, i64>(0))?)
    });
    assert_eq!(doomed.await.unwrap(), 0);
    assert_eq!(world.texts().await, kept);
}

#[tokio::test]
async fn readers_do_not_notice() {
    let directory = tempfile::tempdir().unwrap();
    let (world, kept) = thinned_out(directory.path()).await;
    let (_, messages) = world.store.messages(world.account, world.inbox).await.unwrap();
    let slices: Vec<_> = messages.iter().map(|one| BodySlice { body: one.body, range: 0..u64::MAX }).collect();
    let done = Arc::new(AtomicBool::new(false));
    let reader = {
        let (store, done) = (Arc::clone(&world.store), Arc::clone(&done));
        tokio::spawn(async move {
            let mut rounds = 0;
            while !done.load(Ordering::Relaxed) || rounds == 0 {
                let bodies = store.read(&slices).await.unwrap();
                let texts: Vec<_> = bodies.iter().map(|body| String::from_utf8(body.to_vec()).unwrap()).collect();
                assert_eq!(texts, kept);
                rounds += 1;
            }
        })
    };
    while step(&world).await.unwrap() == Compaction::Moved {
        tokio::task::yield_now().await;
    }
    done.store(true, Ordering::Relaxed);
    reader.await.unwrap();
}

#[tokio::test]
async fn compaction_that_fails_loses_nothing() {
    let template = tempfile::tempdir().unwrap();
    let (world, kept) = thinned_out(template.path()).await;
    world.store.close().await;
    drop(world);
    for nth in 1..100 {
        let directory = tempfile::tempdir().unwrap();
        copy_store(template.path(), directory.path());
        let disk = FaultyDisk::default();
        let faulty: Arc<dyn Disk> = Arc::new(disk.clone());
        let world = World::reopen(directory.path(), SEGMENT_BYTES, faulty).await;
        disk.fail(nth, Failure::Device);
        let mut errors = 0;
        while errors < 3 {
            match step(&world).await {
                Ok(Compaction::Moved) => {}
                Ok(Compaction::Idle) => break,
                Err(_) => errors += 1,
            }
        }
        assert!(errors <= 1, "one fault, {errors} errors");
        assert_eq!(world.texts().await, kept, "operation {nth}");
        world.store.close().await;
        drop(world);
        let world = World::reopen(directory.path(), SEGMENT_BYTES, Arc::new(RealDisk)).await;
        assert_eq!(world.texts().await, kept, "operation {nth}");
        if disk.failed().is_none() {
            return;
        }
    }
}

#[tokio::test]
async fn a_damaged_record_is_not_moved() {
    let directory = tempfile::tempdir().unwrap();
    let (world, _) = thinned_out(directory.path()).await;
    for entry in fs::read_dir(directory.path().join("bodies")).unwrap() {
        let path = entry.unwrap().path();
        let octets: Vec<u8> = fs::read(&path).unwrap().iter().map(|octet| octet ^ u8::from(*octet == b'x')).collect();
        fs::write(path, octets).unwrap();
    }
    let refused = step(&world).await;
    assert!(matches!(refused, Err(StorageError::Corrupt(_))), "{refused:?}");
    let candidate = async || world.store.write(Vec::new(), |work| work.compaction_candidate(&[])).await.unwrap();
    let damaged = candidate().await.unwrap();
    let next = world.store.write(Vec::new(), move |work| work.compaction_candidate(&[damaged])).await.unwrap();
    assert!(next.is_some_and(|next| next != damaged));
}

#[tokio::test]
async fn deleted_mailboxes_and_accounts_are_emptied_bit_by_bit() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::without_upkeep(directory.path(), SEGMENT_BYTES).await;
    let uids = UidSet::all();
    for at in 0..10 {
        world.deliver(&text(at)).await.unwrap();
    }
    let copy = world.store.create_mailbox(world.account, &MailboxName::parse("copy").unwrap(), None).await.unwrap();
    world.store.copy(world.account, world.inbox, &uids, copy.id).await.unwrap();
    world.store.delete_mailbox(world.account, copy.id).await.unwrap();
    assert_eq!(world.texts().await.len(), 10);
    world.store.delete_account(world.account).await.unwrap();
    let mut steps = 0;
    while world.store.write(Vec::new(), |work| work.reap(4)).await.unwrap() {
        steps += 1;
        let verification = world.store.verify().await.unwrap();
        assert_eq!(verification.problems, Vec::<String>::new());
    }
    assert!(steps <= 8, "{steps}");
    let verification = world.store.verify().await.unwrap();
    assert_eq!((verification.bodies, verification.messages), (0, 0));
}
