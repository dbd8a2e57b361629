//! Encryption is turned on and off, and keys change, without anything being lost or left readable.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use posthouse_model::{ThreadId, Uid, UidSet};
use posthouse_storage::{
    Body, Delivery, IndexBatch, IndexDocument, MIN_SHARED_BODY_BYTES, Mail, ParsedMessage, SearchIndex, SortKeys,
    StorageError, Term, TermMatch, TermRange,
};

use super::compaction::copy_store;
use super::faulty_disk::{Failure, FaultyDisk};
use super::world::{World, try_open};
use crate::disk::{Disk, RealDisk};
use crate::{EncryptionStep, MasterKey};

const SEGMENT_BYTES: u64 = 4096;
const MESSAGES: u32 = 60;
/// What stands in every message and in everything worked out from it.
pub(super) const MARKER: &str = "xyzzy-marker";

pub(super) fn text(at: u32) -> String {
    // Some are larger than a chunk.
    let length = if at.is_multiple_of(20) { 40_000 } else { 300 };
    format!("message {at} {MARKER} {}", "x".repeat(length))
}

pub(super) fn parsed(at: u32) -> ParsedMessage {
    let octets = |what: &str| Bytes::from(format!("({what} of {at} {MARKER} {})", "y".repeat(at as usize % 100 * 7)));
    ParsedMessage {
        structure: octets("structure"),
        envelope: octets("envelope"),
        body: octets("body"),
        bodystructure: octets("bodystructure"),
        sent_local_seconds: Some(at.into()),
        preview: (!at.is_multiple_of(4)).then(|| format!("{MARKER} preview {at}")),
        sort_keys: octets("sort keys"),
        thread: (!at.is_multiple_of(2)).then_some(ThreadId([at as u8; 16])),
    }
}

/// As it is read: sort keys are asked for apart.
pub(super) fn stored(at: u32) -> ParsedMessage {
    ParsedMessage { sort_keys: Bytes::new(), ..parsed(at) }
}

impl World {
    pub(super) async fn deliver_number(&self, at: u32) {
        let delivery = Delivery { parsed: parsed(at), ..self.delivery(&text(at)) };
        self.store.deliver(delivery).await.unwrap();
    }

    /// Waits until everything is under the newest data key, or as it is.
    pub(super) async fn settle(&self) -> EncryptionStep {
        loop {
            let status = self.store.encryption_status().await.unwrap();
            if matches!(status.step, EncryptionStep::On | EncryptionStep::Off) || status.bodies_damaged > 0 {
                return status.step;
            }
            let shared = Arc::clone(&self.store.shared);
            // Woken by the commits of upkeep; the bound is for the look that comes too late for the last.
            let wait = move || shared.committed.wait_for(&mut shared.commits.lock(), Duration::from_millis(50));
            tokio::task::spawn_blocking(wait).await.unwrap();
        }
    }

    /// Everything is there: the messages of these numbers, and what was worked out about them.
    pub(super) async fn expect(&self, numbers: impl Iterator<Item = u32> + Clone) {
        assert_eq!(self.texts().await, numbers.clone().map(text).collect::<Vec<_>>());
        let (_, messages) = self.store.messages(self.account, self.inbox).await.unwrap();
        let bodies: Vec<_> = messages.iter().map(|message| message.body).collect();
        let sort_keys: Vec<_> = numbers.clone().map(|at| Some(parsed(at).sort_keys)).collect();
        assert_eq!(self.store.sort_keys(&bodies).await.unwrap(), sort_keys);
        assert_eq!(self.store.parsed(&bodies).await.unwrap(), numbers.map(stored).collect::<Vec<_>>());
    }
}

/// Files below `directory` in which the marker can be read.
pub(super) fn readable(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(readable(&path));
        } else if memchr_find(&fs::read(&path).unwrap(), MARKER.as_bytes()) {
            found.push(path.display().to_string());
        }
    }
    found
}

fn memchr_find(octets: &[u8], wanted: &[u8]) -> bool {
    octets.windows(wanted.len()).any(|window| window == wanted)
}

/// A store that is not encrypted, from which much was taken out again.
async fn used(directory: &Path) -> Vec<u32> {
    let world = World::new(directory, SEGMENT_BYTES).await;
    for at in 1..=MESSAGES {
        world.deliver_number(at).await;
    }
    let kept = |at: &u32| !at.is_multiple_of(3);
    let gone: UidSet = (1..=MESSAGES).filter(|at| !kept(at)).filter_map(Uid::new).collect();
    world.expunge(&gone).await;
    world.store.close().await;
    (1..=MESSAGES).filter(kept).collect()
}

#[tokio::test]
async fn nothing_can_be_read_once_it_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let numbers = used(directory.path()).await;
    assert!(!readable(directory.path()).is_empty(), "the search finds what is there");
    let master = MasterKey::generate();
    let world = World::reopen_with(directory.path(), SEGMENT_BYTES, &master).await;
    world.store.enable_encryption().await.unwrap();
    assert_eq!(world.settle().await, EncryptionStep::On);
    assert_eq!(readable(directory.path()), Vec::<String>::new());
    world.expect(numbers.iter().copied()).await;
    world.deliver_number(MESSAGES + 1).await;
    let numbers: Vec<u32> = numbers.into_iter().chain([MESSAGES + 1]).collect();
    world.expect(numbers.iter().copied()).await;
    assert_eq!(readable(directory.path()), Vec::<String>::new());
    world.store.close().await;
    assert_eq!(readable(directory.path()), Vec::<String>::new());
    drop(world);
    let world = World::reopen_with(directory.path(), SEGMENT_BYTES, &master).await;
    world.expect(numbers.iter().copied()).await;
    assert_eq!(world.store.encryption_status().await.unwrap().bodies_damaged, 0);
}

#[tokio::test]
async fn a_new_store_never_has_anything_to_read() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::new(directory.path(), SEGMENT_BYTES).await;
    world.store.close().await;
    let world = World::reopen_with(directory.path(), SEGMENT_BYTES, &MasterKey::generate()).await;
    world.store.enable_encryption().await.unwrap();
    for at in 1..=MESSAGES {
        world.deliver_number(at).await;
        assert_eq!(readable(directory.path()), Vec::<String>::new(), "message {at}");
    }
    assert_eq!(world.settle().await, EncryptionStep::On);
    world.expect(1..=MESSAGES).await;
}

#[tokio::test]
async fn it_is_turned_off_again() {
    let directory = tempfile::tempdir().unwrap();
    let numbers = used(directory.path()).await;
    let master = MasterKey::generate();
    let world = World::reopen_with(directory.path(), SEGMENT_BYTES, &master).await;
    world.store.enable_encryption().await.unwrap();
    world.settle().await;
    world.store.disable_encryption().await.unwrap();
    assert_eq!(world.settle().await, EncryptionStep::Off);
    world.expect(numbers.iter().copied()).await;
    let status = world.store.encryption_status().await.unwrap();
    assert_eq!((status.data_keys, status.master_keys), (Vec::new(), Vec::new()));
    world.store.close().await;
    drop(world);
    // No key is needed any more.
    let world = World::reopen(directory.path(), SEGMENT_BYTES, Arc::new(RealDisk)).await;
    world.expect(numbers.iter().copied()).await;
}

#[tokio::test]
async fn it_is_turned_off_before_it_was_on() {
    let directory = tempfile::tempdir().unwrap();
    let numbers = used(directory.path()).await;
    let world = World::reopen_with(directory.path(), SEGMENT_BYTES, &MasterKey::generate()).await;
    for _ in 0..3 {
        world.store.enable_encryption().await.unwrap();
        world.store.disable_encryption().await.unwrap();
    }
    assert_eq!(world.settle().await, EncryptionStep::Off);
    world.expect(numbers.iter().copied()).await;
}

#[tokio::test]
async fn equal_bodies_are_still_one() {
    let directory = tempfile::tempdir().unwrap();
    let numbers = used(directory.path()).await;
    let world = World::reopen_with(directory.path(), SEGMENT_BYTES, &MasterKey::generate()).await;
    let large = text(numbers[0]) + &"x".repeat(MIN_SHARED_BODY_BYTES as usize);
    let deliver = async || world.store.deliver(world.delivery(&large)).await.unwrap().body;
    let body = deliver().await;
    world.store.enable_encryption().await.unwrap();
    assert_eq!(deliver().await, body, "while it is being encrypted");
    world.settle().await;
    assert_eq!(deliver().await, body, "when it is");
    world.store.rotate_data_key().await.unwrap();
    assert_eq!(deliver().await, body, "while the key changes");
    world.settle().await;
    assert_eq!(deliver().await, body, "when it has");
    world.store.disable_encryption().await.unwrap();
    assert_eq!(deliver().await, body, "while it is being decrypted");
    world.settle().await;
    assert_eq!(deliver().await, body, "when it is");
    // A hash in the index does not tell who has the text that it is here.
    world.store.enable_encryption().await.unwrap();
    world.settle().await;
    let plain = Body::from_bytes(large.clone()).id;
    let ids = world.store.ask(|reader| {
        let mut statement = reader.connection.prepare("SELECT id FROM body")?;
        let ids = statement.query_map((), |row| row.get::<_, [u8; 32]>(0))?;
        Ok(ids.collect::<Result<Vec<_>, _>>()?)
    });
    assert!(!ids.await.unwrap().contains(&plain.0));
}

#[tokio::test]
async fn data_keys_rotate_under_load() {
    let directory = tempfile::tempdir().unwrap();
    let numbers = used(directory.path()).await;
    let world = World::reopen_with(directory.path(), SEGMENT_BYTES, &MasterKey::generate()).await;
    world.store.enable_encryption().await.unwrap();
    let world = Arc::new(world);
    let done = Arc::new(AtomicBool::new(false));
    let writer = {
        let (world, done) = (Arc::clone(&world), Arc::clone(&done));
        tokio::spawn(async move {
            let mut at = MESSAGES;
            while !done.load(Ordering::Relaxed) {
                at += 1;
                world.deliver_number(at).await;
            }
            at
        })
    };
    let reader = {
        let (world, done, first) = (Arc::clone(&world), Arc::clone(&done), numbers.clone());
        let (_, messages) = world.store.messages(world.account, world.inbox).await.unwrap();
        let bodies: Vec<_> = messages.iter().take(first.len()).map(|message| message.body).collect();
        tokio::spawn(async move {
            let wanted: Vec<_> = first.iter().map(|&at| stored(at)).collect();
            while !done.load(Ordering::Relaxed) {
                assert_eq!(world.store.parsed(&bodies).await.unwrap(), wanted);
            }
        })
    };
    let mut keys = Vec::new();
    for _ in 0..3 {
        assert_eq!(world.settle().await, EncryptionStep::On);
        keys.push(world.store.encryption_status().await.unwrap().data_keys);
        world.store.rotate_data_key().await.unwrap();
    }
    assert_eq!(world.settle().await, EncryptionStep::On);
    done.store(true, Ordering::Relaxed);
    reader.await.unwrap();
    let last = writer.await.unwrap();
    assert!(keys.windows(2).all(|pair| pair[0].len() == 1 && pair[0] < pair[1]), "{keys:?}");
    world.expect(numbers.iter().copied().chain(MESSAGES + 1..=last)).await;
    assert_eq!(readable(directory.path()), Vec::<String>::new());
}

#[tokio::test]
async fn a_disk_that_fails_while_it_is_turned_on_loses_nothing() {
    let template = tempfile::tempdir().unwrap();
    let numbers = used(template.path()).await;
    for nth in (1..60).step_by(3) {
        let directory = tempfile::tempdir().unwrap();
        copy_store(template.path(), directory.path());
        let (disk, master) = (FaultyDisk::default(), MasterKey::generate());
        let faulty: Arc<dyn Disk> = Arc::new(disk.clone());
        let store = try_open(directory.path(), SEGMENT_BYTES, faulty, Some(&master)).unwrap();
        let world = World::of(store).await;
        disk.fail(nth, Failure::Device);
        let _ = world.store.enable_encryption().await;
        // It goes on by itself after one fault.
        world.settle().await;
        world.expect(numbers.iter().copied()).await;
        let failed = disk.failed();
        world.store.close().await;
        drop(world);
        let world = World::reopen_with(directory.path(), SEGMENT_BYTES, &master).await;
        if failed.is_none() {
            assert_eq!(world.settle().await, EncryptionStep::On);
        }
        world.settle().await;
        world.expect(numbers.iter().copied()).await;
    }
}

#[tokio::test]
async fn what_was_begun_goes_on_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let numbers = used(directory.path()).await;
    let master = MasterKey::generate();
    let world = World::reopen_with(directory.path(), SEGMENT_BYTES, &master).await;
    world.store.enable_encryption().await.unwrap();
    world.store.close().await;
    drop(world);
    let world = World::reopen_with(directory.path(), SEGMENT_BYTES, &master).await;
    world.expect(numbers.iter().copied()).await;
    assert_eq!(world.settle().await, EncryptionStep::On);
    assert_eq!(readable(directory.path()), Vec::<String>::new());
    world.expect(numbers.iter().copied()).await;
}

fn refusal(directory: &Path, master: Option<&MasterKey>) -> String {
    match try_open(directory, SEGMENT_BYTES, Arc::new(RealDisk), master) {
        Err(StorageError::Key(text)) => text,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it opens"),
    }
}

#[tokio::test]
async fn a_missing_or_wrong_key_is_told_with_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    used(directory.path()).await;
    let master = MasterKey::generate();
    let world = World::reopen_with(directory.path(), SEGMENT_BYTES, &master).await;
    world.store.enable_encryption().await.unwrap();
    world.store.close().await;
    let missing = refusal(directory.path(), None);
    assert!(missing.contains("key_file") && missing.contains(&master.fingerprint()), "{missing}");
    let other = MasterKey::generate();
    let wrong = refusal(directory.path(), Some(&other));
    assert!(wrong.contains(&other.fingerprint()) && wrong.contains(&master.fingerprint()), "{wrong}");
}

#[tokio::test]
async fn encryption_without_a_key_is_refused_and_so_is_all_that_makes_no_sense() {
    let directory = tempfile::tempdir().unwrap();
    used(directory.path()).await;
    let world = World::reopen(directory.path(), SEGMENT_BYTES, Arc::new(RealDisk)).await;
    let no_key = world.store.enable_encryption().await.unwrap_err();
    assert!(no_key.to_string().contains("generate-key"), "{no_key}");
    assert!(matches!(world.store.rotate_data_key().await, Err(StorageError::Key(_))));
    assert!(matches!(world.store.disable_encryption().await, Err(StorageError::Key(_))));
    assert!(matches!(world.store.add_master_key(MasterKey::generate()).await, Err(StorageError::Key(_))));
    world.store.close().await;
    drop(world);
    let master = MasterKey::generate();
    let world = World::reopen_with(directory.path(), SEGMENT_BYTES, &master).await;
    world.store.enable_encryption().await.unwrap();
    assert!(matches!(world.store.enable_encryption().await, Err(StorageError::Key(_))));
    assert!(matches!(world.store.add_master_key(master.clone()).await, Err(StorageError::Key(_))));
    let not_the_newest = world.store.forget_former_master_keys(MasterKey::generate()).await;
    assert!(matches!(not_the_newest, Err(StorageError::Key(_))));
}

#[tokio::test]
async fn the_master_key_changes_without_a_moment_in_which_none_opens() {
    let directory = tempfile::tempdir().unwrap();
    let numbers = used(directory.path()).await;
    let (old, new) = (MasterKey::generate(), MasterKey::generate());
    let world = World::reopen_with(directory.path(), SEGMENT_BYTES, &old).await;
    world.store.enable_encryption().await.unwrap();
    world.settle().await;
    world.store.add_master_key(new.clone()).await.unwrap();
    let third = world.store.add_master_key(MasterKey::generate()).await;
    assert!(matches!(third, Err(StorageError::Key(_))));
    assert!(matches!(world.store.rotate_data_key().await, Err(StorageError::Key(_))));
    world.deliver_number(100).await;
    let numbers: Vec<u32> = numbers.into_iter().chain([100]).collect();
    world.store.close().await;
    drop(world);
    // Before the new key is in its place the old one opens it, also more than once.
    for _ in 0..2 {
        let world = World::reopen_with(directory.path(), SEGMENT_BYTES, &old).await;
        world.expect(numbers.iter().copied()).await;
        world.store.close().await;
    }
    // Once the new one did, the old one is forgotten.
    let world = World::reopen_with(directory.path(), SEGMENT_BYTES, &new).await;
    world.expect(numbers.iter().copied()).await;
    assert_eq!(world.store.encryption_status().await.unwrap().master_keys, [new.fingerprint()]);
    world.store.rotate_data_key().await.unwrap();
    world.settle().await;
    world.store.close().await;
    drop(world);
    assert!(refusal(directory.path(), Some(&old)).contains(&new.fingerprint()));
}

#[tokio::test]
async fn the_former_master_key_is_forgotten_while_running() {
    let directory = tempfile::tempdir().unwrap();
    let numbers = used(directory.path()).await;
    let (old, new) = (MasterKey::generate(), MasterKey::generate());
    let world = World::reopen_with(directory.path(), SEGMENT_BYTES, &old).await;
    world.store.enable_encryption().await.unwrap();
    world.store.add_master_key(new.clone()).await.unwrap();
    assert!(matches!(world.store.forget_former_master_keys(old.clone()).await, Err(StorageError::Key(_))));
    world.store.forget_former_master_keys(new.clone()).await.unwrap();
    world.settle().await;
    world.store.rotate_data_key().await.unwrap();
    world.settle().await;
    world.store.close().await;
    drop(world);
    refusal(directory.path(), Some(&old));
    World::reopen_with(directory.path(), SEGMENT_BYTES, &new).await.expect(numbers.iter().copied()).await;
}

/// What all messages have.
const TERM: Term = u64::from_be_bytes(*b"\0xyzzy-m");

/// Has the index of words take in all messages.
async fn index(world: &World) -> u64 {
    while let Some(next) = world.store.next_unindexed(world.account, 1, 100).await.unwrap() {
        let document = |body| IndexDocument { body, terms: vec![TERM], is_complete: true };
        let documents = next.messages.iter().map(|message| document(message.body)).collect();
        let batch = IndexBatch { mailbox: next.mailbox, through: next.through, documents };
        world.store.add_to_index(world.account, 1, batch).await.unwrap();
    }
    world.store.index_state(None, 1).await.unwrap().documents
}

#[tokio::test]
async fn the_index_of_words_is_sealed_and_made_anew_with_each_key() {
    let directory = tempfile::tempdir().unwrap();
    let numbers = used(directory.path()).await;
    let world = World::reopen_with(directory.path(), SEGMENT_BYTES, &MasterKey::generate()).await;
    let all = numbers.len() as u64;
    assert_eq!(index(&world).await, all);
    assert_eq!((finds(&world).await, plain_terms(&world).await), (all, true));
    // While bodies still follow the key.
    world.store.enable_encryption().await.unwrap();
    assert_eq!(finds(&world).await, 0);
    assert_eq!(index(&world).await, all);
    world.settle().await;
    assert_eq!((finds(&world).await, plain_terms(&world).await), (all, false));
    world.store.rotate_data_key().await.unwrap();
    assert_eq!(finds(&world).await, 0);
    world.settle().await;
    assert_eq!(index(&world).await, all);
    assert_eq!((finds(&world).await, plain_terms(&world).await), (all, false));
    world.store.disable_encryption().await.unwrap();
    world.settle().await;
    assert_eq!(index(&world).await, all);
    assert_eq!((finds(&world).await, plain_terms(&world).await), (all, true));
    assert_eq!(world.store.verify().await.unwrap().problems, Vec::<String>::new());
}

/// How many messages the index finds by what [`index`] says they have.
async fn finds(world: &World) -> u64 {
    let (_, messages) = world.store.messages(world.account, world.inbox).await.unwrap();
    let range = TermRange { first: TERM, last: TERM, kinds: 1 << (TERM & 7) };
    let bodies = messages.iter().map(|message| message.body).collect();
    let matches = world.store.match_terms(world.account, 1, bodies, vec![vec![range]]).await.unwrap();
    matches.into_iter().filter(|found| *found == TermMatch::Meets(1)).count() as u64
}

/// Whether terms can be read in the index by whoever has the file: in blocks or in directories.
async fn plain_terms(world: &World) -> bool {
    let columns = world.store.ask(|reader| {
        let sql = "SELECT content FROM search_block UNION ALL SELECT directory FROM search_segment";
        let mut statement = reader.connection.prepare(sql)?;
        let columns = statement.query_map((), |row| row.get(0))?.collect::<Result<Vec<Vec<u8>>, _>>()?;
        Ok(columns)
    });
    // As a number of variable length, seven bits in an octet.
    let mut written = Vec::new();
    let mut rest = TERM;
    while rest > 0 {
        written.push((rest & 0x7f) as u8 | if rest > 0x7f { 0x80 } else { 0 });
        rest >>= 7;
    }
    columns.await.unwrap().iter().any(|column| column.windows(written.len()).any(|octets| octets == written))
}

#[tokio::test]
async fn derived_keys_stay_when_data_keys_change() {
    let directory = tempfile::tempdir().unwrap();
    used(directory.path()).await;
    let world = World::reopen_with(directory.path(), SEGMENT_BYTES, &MasterKey::generate()).await;
    let key = |name| world.store.derived_key(name).map(|key| key.expose().to_vec());
    assert_eq!(key("words"), None);
    world.store.enable_encryption().await.unwrap();
    let before = key("words");
    assert_eq!(before.as_ref().map(Vec::len), Some(32));
    assert_ne!(before, key("other"));
    world.settle().await;
    world.store.rotate_data_key().await.unwrap();
    world.settle().await;
    assert_eq!(key("words"), before);
}
