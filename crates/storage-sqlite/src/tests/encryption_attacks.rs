//! Somebody changes what lies on the disk, and finds that it does not read as something else.

use std::fs;
use std::path::{Path, PathBuf};

use posthouse_storage::{BodyKey, BodySlice, Mail, StorageError};
use rusqlite::Connection;

use super::encryption::{stored, text};
use super::world::World;
use crate::{EncryptionStep, MasterKey};

const SEGMENT_BYTES: u64 = 64 * 1024;

/// A closed store with messages 1 and 2, of equal length, and 3.
async fn store(directory: &Path, encrypted: bool) -> (MasterKey, Vec<BodyKey>) {
    let master = MasterKey::generate();
    World::new(directory, SEGMENT_BYTES).await.store.close().await;
    let world = World::reopen_with(directory, SEGMENT_BYTES, &master).await;
    if encrypted {
        world.store.enable_encryption().await.unwrap();
        world.settle().await;
    }
    for at in 1..=3 {
        world.deliver_number(at).await;
    }
    world.expect(1..=3).await;
    let (_, messages) = world.store.messages(world.account, world.inbox).await.unwrap();
    world.store.close().await;
    (master, messages.iter().map(|message| message.body).collect())
}

fn segment(directory: &Path) -> PathBuf {
    let entries = fs::read_dir(directory.join("bodies")).unwrap();
    entries.map(|entry| entry.unwrap().path()).find(|path| fs::metadata(path).unwrap().len() > 0).unwrap()
}

async fn read(world: &World, body: BodyKey) -> Result<String, StorageError> {
    let bytes = world.store.read(&[BodySlice { body, range: 0..u64::MAX }]).await?;
    Ok(String::from_utf8_lossy(&bytes[0]).into_owned())
}

fn is_corrupt<T: std::fmt::Debug>(outcome: &Result<T, StorageError>) {
    assert!(matches!(outcome, Err(StorageError::Corrupt(_))), "{outcome:?}");
}

fn index(directory: &Path, sql: &str) {
    Connection::open(directory.join("index.db")).unwrap().execute_batch(sql).unwrap();
}

#[tokio::test]
async fn a_changed_octet_of_a_record_is_seen() {
    let directory = tempfile::tempdir().unwrap();
    let (master, bodies) = store(directory.path(), true).await;
    let path = segment(directory.path());
    let before = fs::read(&path).unwrap();
    let record = before.len() / 3;
    for at in (0..record).step_by(7) {
        let mut changed = before.clone();
        changed[at] ^= 0x10;
        fs::write(&path, &changed).unwrap();
        let world = World::reopen_with(directory.path(), SEGMENT_BYTES, &master).await;
        match read(&world, bodies[0]).await {
            // The header and the checksum are not needed to read.
            Ok(read) => assert_eq!(read, text(1), "octet {at}"),
            Err(error) => is_corrupt::<()>(&Err(error)),
        }
        assert_eq!(read(&world, bodies[1]).await.unwrap(), text(2));
        world.store.close().await;
    }
}

#[tokio::test]
async fn exchanged_records_are_seen() {
    let directory = tempfile::tempdir().unwrap();
    let (master, bodies) = store(directory.path(), true).await;
    let path = segment(directory.path());
    let before = fs::read(&path).unwrap();
    let (first, rest) = before.split_at(before.len() / 3);
    let (second, third) = rest.split_at(first.len());
    fs::write(&path, [second, first, third].concat()).unwrap();
    let world = World::reopen_with(directory.path(), SEGMENT_BYTES, &master).await;
    is_corrupt(&read(&world, bodies[0]).await);
    is_corrupt(&read(&world, bodies[1]).await);
    assert_eq!(read(&world, bodies[2]).await.unwrap(), text(3));
    assert_eq!(world.store.verify().await.unwrap().problems.len(), 2);
}

#[tokio::test]
async fn exchanged_rows_of_the_index_are_seen() {
    let directory = tempfile::tempdir().unwrap();
    let (master, bodies) = store(directory.path(), true).await;
    let [one, two] = [bodies[0].0, bodies[1].0];
    index(
        directory.path(),
        &format!(
            "CREATE TABLE t AS SELECT key, record_offset, seal FROM body;
             UPDATE body SET (record_offset, seal) = (SELECT record_offset, seal FROM t
                WHERE t.key = CASE body.key WHEN {one} THEN {two} ELSE {one} END) WHERE key IN ({one}, {two});
             DROP TABLE t;
             CREATE TABLE t AS SELECT * FROM parsed;
             UPDATE parsed SET (structure, envelope, body, bodystructure) =
                (SELECT structure, envelope, body, bodystructure FROM t
                WHERE t.key = CASE parsed.key WHEN {one} THEN {two} ELSE {one} END) WHERE key IN ({one}, {two});
             DROP TABLE t;"
        ),
    );
    let world = World::reopen_with(directory.path(), SEGMENT_BYTES, &master).await;
    for body in &bodies[..2] {
        is_corrupt(&read(&world, *body).await);
        is_corrupt(&world.store.parsed(&[*body]).await);
    }
    assert_eq!(read(&world, bodies[2]).await.unwrap(), text(3));
    assert_eq!(world.store.parsed(&bodies[2..]).await.unwrap(), [stored(3)]);
}

#[tokio::test]
async fn exchanged_columns_are_seen() {
    let directory = tempfile::tempdir().unwrap();
    let (master, bodies) = store(directory.path(), true).await;
    index(directory.path(), "UPDATE parsed SET body = bodystructure, bodystructure = body");
    let world = World::reopen_with(directory.path(), SEGMENT_BYTES, &master).await;
    is_corrupt(&world.store.parsed(&bodies[..1]).await);
}

#[tokio::test]
async fn a_record_that_was_cut_is_seen() {
    let directory = tempfile::tempdir().unwrap();
    let (master, bodies) = store(directory.path(), true).await;
    let path = segment(directory.path());
    let before = fs::read(&path).unwrap();
    fs::write(&path, &before[..before.len() - 30]).unwrap();
    let world = World::reopen_with(directory.path(), SEGMENT_BYTES, &master).await;
    is_corrupt(&read(&world, bodies[2]).await);
    assert_eq!(read(&world, bodies[0]).await.unwrap(), text(1));
    world.store.close().await;
    drop(world);
    // Nor does it help to say that it is shorter.
    fs::write(&path, before).unwrap();
    index(directory.path(), "UPDATE body SET size_bytes = size_bytes - 10, record_bytes = record_bytes - 10");
    let world = World::reopen_with(directory.path(), SEGMENT_BYTES, &master).await;
    for body in bodies {
        is_corrupt(&read(&world, body).await);
    }
}

#[tokio::test]
async fn a_record_cannot_be_passed_off_as_one_that_is_not_encrypted() {
    let directory = tempfile::tempdir().unwrap();
    let (master, bodies) = store(directory.path(), true).await;
    index(directory.path(), "UPDATE body SET seal = NULL; UPDATE parsed SET sealed_by = NULL;");
    let world = World::reopen_with(directory.path(), SEGMENT_BYTES, &master).await;
    assert_ne!(read(&world, bodies[0]).await.ok(), Some(text(1)));
    assert!(!world.store.verify().await.unwrap().problems.is_empty());
}

#[tokio::test]
async fn keys_that_were_changed_do_not_open() {
    let directory = tempfile::tempdir().unwrap();
    let (master, _) = store(directory.path(), true).await;
    index(directory.path(), "UPDATE wrapped_key SET wrapped = zeroblob(length(wrapped))");
    let opened = super::world::try_open(
        directory.path(),
        SEGMENT_BYTES,
        std::sync::Arc::new(crate::disk::RealDisk),
        Some(&master),
    );
    assert!(matches!(opened, Err(StorageError::Corrupt(_))));
}

#[tokio::test]
async fn a_damaged_body_does_not_keep_others_from_being_encrypted() {
    let directory = tempfile::tempdir().unwrap();
    let (master, bodies) = store(directory.path(), false).await;
    let path = segment(directory.path());
    let octets = fs::read(&path).unwrap();
    let mut changed = octets.clone();
    changed[100] ^= 1;
    fs::write(&path, &changed).unwrap();
    let world = World::reopen_with(directory.path(), SEGMENT_BYTES, &master).await;
    world.store.enable_encryption().await.unwrap();
    assert_eq!(world.settle().await, EncryptionStep::Encrypting);
    while world.store.encryption_status().await.unwrap().bodies_done < 3 {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.store.encryption_status().await.unwrap().bodies_damaged, 1);
    assert_eq!(read(&world, bodies[1]).await.unwrap(), text(2));
    world.store.close().await;
    drop(world);
    // Once it is whole again, say from a backup, the next start does it.
    let damaged = fs::read(&path).unwrap();
    fs::write(&path, &octets[..damaged.len()]).unwrap();
    let world = World::reopen_with(directory.path(), SEGMENT_BYTES, &master).await;
    assert_eq!(world.settle().await, EncryptionStep::On);
    world.expect(1..=3).await;
}
