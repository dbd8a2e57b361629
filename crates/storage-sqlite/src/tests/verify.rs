//! Stores damaged on purpose, in every way that is looked for: the damage is found, and mended where it can be.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use posthouse_model::flag::FlagChange;
use posthouse_model::{
    Address, Domain, Flags, JourneyId, MailboxName, Recipient, ReversePath, SystemFlag, Uid, UidSet, UnixMillis,
};
use posthouse_storage::{
    DuplicateCheck, DuplicateRule, Duplicates, Fingerprint, FlagsWanted, Mail, ParsedMessage, QueueSubmission,
    QueuedMessage, QueuedRecipient, Recovery, Scope,
};
use rusqlite::Connection;
use tempfile::TempDir;

use super::world::World;
use crate::{Progress, SqliteStorage, VerifyOptions, Watcher};

/// Segments so small that there are several.
const SEGMENT_BYTES: u64 = 400;

fn set(from: u32, to: u32) -> UidSet {
    let mut set = UidSet::new();
    set.insert_range(Uid::new(from).unwrap(), Uid::new(to).unwrap());
    set
}

/// What the tests say about a message.
fn parse(raw: &[u8]) -> ParsedMessage {
    ParsedMessage { structure: raw.to_vec().into(), sent_local_seconds: Some(raw.len() as i64), ..Default::default() }
}

fn options() -> VerifyOptions {
    VerifyOptions { parse: Some(parse), watcher: Watcher::default() }
}

/// A check of hours does not keep room from being given back: only while the index is looked at, and a lot of bodies.
#[tokio::test]
async fn bodies_may_move_between_two_lots() {
    let directory = TempDir::new().unwrap();
    let world = World::new(directory.path(), 1 << 20).await;
    for number in 0..450 {
        world.deliver(&format!("{number}")).await.unwrap();
    }
    let shared = Arc::clone(&world.store.shared);
    let seen: Arc<Mutex<Vec<&str>>> = Arc::default();
    let noted = Arc::clone(&seen);
    let progress = move |progress: Progress| {
        match progress.doing {
            "index" => assert!(shared.files_stay.try_write().is_none(), "bodies could move"),
            // Upkeep may have it for a moment.
            _ => assert!(shared.files_stay.try_write_for(Duration::from_secs(60)).is_some(), "bodies could not move"),
        }
        noted.lock().push(progress.doing);
    };
    let watcher = Watcher { progress: Arc::new(progress), ..Watcher::default() };
    let found = world.store.verify_with(VerifyOptions { watcher, ..VerifyOptions::default() }).await.unwrap();
    assert_eq!((found.bodies, found.problems), (450, vec![]));
    assert_eq!(seen.lock().iter().filter(|doing| **doing == "bodies").count(), 3);
}

/// A store with mail of all kinds: seen, deleted, copied, moved, expunged, queued, of a mailbox that is gone.
async fn fill(directory: &Path) {
    let world = World::new(directory, SEGMENT_BYTES).await;
    let (store, account) = (&world.store, world.account);
    store.keep_expunged(true);
    let other = store.create_mailbox(account, &MailboxName::parse("Other").unwrap(), None).await.unwrap().id;
    let gone = store.create_mailbox(account, &MailboxName::parse("Gone").unwrap(), None).await.unwrap().id;
    for number in 0..12 {
        let mut delivery = world.delivery(&format!("message {number} {}", "x".repeat(40)));
        delivery.parsed = match &delivery.body.content {
            posthouse_storage::BodyContent::Memory(pieces) => parse(&pieces[0]),
            _ => unreachable!("it is in memory"),
        };
        if number == 11 {
            delivery.placements.clear();
            delivery.queue = Some(submission());
        }
        store.deliver(delivery).await.unwrap();
    }
    let wanted = |uids, flag| FlagsWanted {
        uids,
        change: FlagChange::Add,
        flags: Flags::from_bits(flag as u8),
        unchanged_since: None,
    };
    store.store_flags(account, world.inbox, wanted(set(1, 2), SystemFlag::Seen)).await.unwrap();
    store.store_flags(account, world.inbox, wanted(set(2, 3), SystemFlag::Deleted)).await.unwrap();
    store.copy(account, world.inbox, &set(1, 2), other).await.unwrap();
    store.move_messages(account, world.inbox, &set(4, 5), gone).await.unwrap();
    store.expunge(account, world.inbox, &set(6, 7), false).await.unwrap();
    store.delete_mailbox(account, gone).await.unwrap();
    assert_eq!(store.expunged(account, None, 100).await.unwrap().len(), 4);
    store.put_duplicate_rule(DuplicateRule { scope: Scope::Everyone, window_ms: 1000 }).await.unwrap();
    let event = posthouse_model::TrailEvent::new(JourneyId(1), UnixMillis(0), posthouse_model::TrailKind::Delivered);
    let fingerprint = Fingerprint::new("id", "ann@example.org", None);
    let check = DuplicateCheck { account, fingerprint, suppressed: event.clone(), delivered: event };
    let mut last = world.delivery("the last");
    last.parsed = parse(b"the last");
    store.deliver_once(last, vec![check], UnixMillis(0)).await.unwrap();
    store.close().await;
}

pub(super) fn submission() -> QueueSubmission {
    let destination = Domain::parse("elsewhere.example").unwrap();
    let message = QueuedMessage {
        journey: JourneyId(1),
        sender: ReversePath::Null,
        body_type: Default::default(),
        smtputf8: false,
        tls: posthouse_model::TlsWish::None,
        may_sign: false,
        submitter: None,
        forwarded_by: None,
        dsn_return: None,
        envelope_id: None,
        size_bytes: 1,
        received_at: UnixMillis(0),
        future_release: None,
        awaits_release: false,
        deliver_by: None,
    };
    let recipients = vec![QueuedRecipient {
        recipient: Recipient::new(Address::parse("x@elsewhere.example").unwrap()),
        destination,
        due_at: UnixMillis(0),
        expires_at: UnixMillis(0),
        deadline: None,
        held: None,
    }];
    QueueSubmission { message, recipients }
}

async fn problems(directory: &Path) -> crate::Verification {
    let store = super::world::open(directory, SEGMENT_BYTES, Arc::new(crate::disk::RealDisk));
    let found = store.verify_with(options()).await.unwrap();
    store.close().await;
    found
}

/// Whether a repair is to leave nothing behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    Nothing,
    Something,
}

fn run(sql: &str, directory: &Path) {
    let connection = Connection::open(directory.join("index.db")).unwrap();
    connection.execute_batch("PRAGMA foreign_keys = 0").unwrap();
    connection.execute_batch(sql).unwrap();
}

async fn check(filled: &Path, damage: &str, words: &str, left: Left) {
    let directory = copy_of(filled);
    let path = directory.path();
    run(damage, path);
    let found = problems(path).await;
    assert!(found.problems.iter().any(|line| line.contains(words)), "{damage}\n{:#?}", found.problems);
    let repair = SqliteStorage::repair(path, None, &options()).unwrap();
    assert!(repair.before.problems.iter().any(|line| line.contains(words)), "{damage}\n{:#?}", repair.before);
    assert_eq!(repair.remaining.is_empty(), left == Left::Nothing, "{damage}\n{repair:#?}");
    assert_eq!(repair.mended.is_empty(), left == Left::Something, "{damage}\n{repair:#?}");
    assert_eq!(problems(path).await.problems.is_empty(), left == Left::Nothing, "{damage}");
}

fn copy_of(filled: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    fs::create_dir(copy.path().join("bodies")).unwrap();
    fs::copy(filled.join("index.db"), copy.path().join("index.db")).unwrap();
    for entry in fs::read_dir(filled.join("bodies")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), copy.path().join("bodies").join(entry.file_name())).unwrap();
    }
    copy
}

#[tokio::test]
async fn a_sound_store_is_sound_and_a_repair_leaves_it_alone() {
    let directory = tempfile::tempdir().unwrap();
    fill(directory.path()).await;
    let found = problems(directory.path()).await;
    assert_eq!(found.problems, Vec::<String>::new());
    assert_eq!((found.bodies, found.mailboxes, found.messages), (13, 2, 10));
    let repair = SqliteStorage::repair(directory.path(), None, &options()).unwrap();
    assert_eq!((repair.mended, repair.remaining), (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn damage_of_the_index_is_found_and_mended() {
    use Left::{Nothing, Something};
    let directory = tempfile::tempdir().unwrap();
    fill(directory.path()).await;
    for (damage, words, left) in [
        ("UPDATE mailbox SET messages = messages + 1", "counts differ", Nothing),
        ("UPDATE mailbox SET unseen = 0", "counts differ", Nothing),
        ("UPDATE mailbox SET deleted = 7", "counts differ", Nothing),
        ("UPDATE mailbox SET size_bytes = size_bytes - 1", "counts differ", Nothing),
        ("DELETE FROM message WHERE uid = 1", "references, noted are", Nothing),
        ("UPDATE message SET size_bytes = size_bytes + 1 WHERE uid = 1", "counts differ", Nothing),
        ("UPDATE mailbox SET uid_next = 3 WHERE name = 'INBOX'", "gives UID 3 again", Nothing),
        ("UPDATE mailbox SET highest_modseq = 1", "is behind its messages", Nothing),
        ("UPDATE account_modseq SET modseq = 1", "is behind its mailbox", Nothing),
        ("DELETE FROM account_modseq", "is behind its mailbox", Nothing),
        ("UPDATE message SET arrived_modseq = modseq + 1 WHERE uid = 3", "not in the order of arrival", Nothing),
        ("UPDATE message SET arrived_modseq = 0 WHERE uid = 3", "not in the order of arrival", Nothing),
        ("INSERT INTO vanished SELECT mailbox, modseq, 1, 8 FROM message WHERE uid = 9", "has vanished", Nothing),
        ("UPDATE body SET refs = refs + 1", "references, noted are", Nothing),
        ("UPDATE body SET refs = 0", "references, noted are", Nothing),
        ("DELETE FROM expunged", "references, noted are", Nothing),
        ("UPDATE segment SET live_bytes = 1", "live octets", Nothing),
        ("DELETE FROM parsed", "has no structure", Nothing),
        ("UPDATE parsed SET envelope = x'00'", "structure of something else", Nothing),
        ("UPDATE parsed SET sent_local_seconds = NULL WHERE key = 1 << 32", "structure of something else", Nothing),
        ("UPDATE queue_message SET entries = 5", "counts 5 entries", Nothing),
        ("DELETE FROM queue_entry", "counts 1 entries", Nothing),
        ("DELETE FROM queue_message", "foreign key of queue_entry", Nothing),
        ("UPDATE queue_tally SET held = 9", "counts of the queue differ", Nothing),
        ("DELETE FROM queue_tally WHERE kind = 1", "counts of the queue differ for kind 1", Nothing),
        ("UPDATE counter SET next_message = 1", "of a message is given again", Nothing),
        ("UPDATE counter SET next_mailbox = 1", "of a mailbox is given again", Nothing),
        ("UPDATE counter SET next_account = 1", "of an account is given again", Nothing),
        ("UPDATE counter SET next_queue = 1", "of the queue is given again", Nothing),
        ("UPDATE counter SET last_uid_validity = 1", "is not the last one", Nothing),
        ("UPDATE remembered_count SET entries = 9", "remembered messages", Nothing),
        ("DELETE FROM remembered_count", "remembered messages", Nothing),
        ("INSERT INTO doomed SELECT max(id) FROM mailbox", "has been removed", Nothing),
        ("INSERT INTO subscription VALUES (99, 'x')", "foreign key of subscription", Nothing),
        ("INSERT INTO seen_by VALUES (1, 1, 999, 1, 1)", "knows UID 999", Nothing),
        ("INSERT INTO reader VALUES (1, 2, 5, 1)", "counts 5 seen", Nothing),
        ("INSERT INTO access VALUES (1, 1, 99, 0, 1)", "with nobody that is there", Nothing),
        ("INSERT INTO annotation VALUES (99, 0, 'x', 0, x'00')", "that does not exist", Nothing),
        ("INSERT INTO annotation_usage VALUES (1, 5)", "octets too many or too few", Nothing),
        ("DELETE FROM mailbox WHERE name = 'Other'", "and does not exist", Something),
        ("INSERT INTO alias SELECT folded, domain, address, '', 0 FROM account", "share an address", Something),
        ("UPDATE body SET segment = 99 WHERE key = 1 << 32", "lies outside of segment 99", Something),
        ("UPDATE body SET record_offset = 0 WHERE segment = 2", "overlap", Something),
        ("UPDATE body SET id = zeroblob(32) WHERE key = 1 << 32", "has the header of another", Something),
    ] {
        if left == Something {
            check_unmendable(directory.path(), damage, words).await;
        } else {
            check(directory.path(), damage, words, left).await;
        }
    }
}

/// What cannot be mended is still found afterwards, whatever else was mended beside it.
async fn check_unmendable(filled: &Path, damage: &str, words: &str) {
    let directory = copy_of(filled);
    run(damage, directory.path());
    let found = problems(directory.path()).await;
    assert!(found.problems.iter().any(|line| line.contains(words)), "{damage}\n{:#?}", found.problems);
    let repair = SqliteStorage::repair(directory.path(), None, &options()).unwrap();
    assert!(repair.remaining.iter().any(|line| line.contains(words)), "{damage}\n{repair:#?}");
    assert!(!problems(directory.path()).await.problems.is_empty(), "{damage}");
}

/// The gaps of a range of vanished UIDs outlive its repair.
#[tokio::test]
async fn vanished_ranges_are_cut_into_gaps() {
    let directory = tempfile::tempdir().unwrap();
    fill(directory.path()).await;
    run(
        "DELETE FROM vanished; INSERT INTO vanished SELECT mailbox, 2, 3, 9 FROM message WHERE uid = 9",
        directory.path(),
    );
    SqliteStorage::repair(directory.path(), None, &options()).unwrap();
    let connection = Connection::open(directory.path().join("index.db")).unwrap();
    let mut statement = connection.prepare("SELECT first_uid, last_uid FROM vanished ORDER BY first_uid").unwrap();
    let ranges: Vec<(u32, u32)> =
        statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect();
    assert_eq!(ranges, [(4, 7)]);
}

/// Flips an octet of the first body's record.
fn flip(directory: &Path, offset: u64) {
    let file = OpenOptions::new().read(true).write(true).open(directory.join("bodies/00000001.seg")).unwrap();
    let mut octet = [0];
    file.read_exact_at(&mut octet, offset).unwrap();
    file.write_all_at(&[octet[0] ^ 1], offset).unwrap();
}

#[tokio::test]
async fn a_damaged_body_is_found_with_whose_it_was() {
    let directory = tempfile::tempdir().unwrap();
    fill(directory.path()).await;
    let record_bytes = 52 + "message 0 ".len() as u64 + 40 + 4;
    for (offset, words) in [
        (0, "has a broken header"),
        (20, "has a broken header"),
        (60, "is not what was written"),
        (record_bytes - 1, "has a wrong checksum"),
    ] {
        let copy = copy_of(directory.path());
        flip(copy.path(), offset);
        let found = problems(copy.path()).await;
        assert_eq!(found.problems.len(), 1, "{:?}", found.problems);
        assert!(found.problems[0].ends_with(words), "{:?}", found.problems);
        // It was copied, so two messages are lost.
        let lost: Vec<String> = found.lost.iter().map(ToString::to_string).collect();
        assert_eq!(lost, ["ann@example.org: UID 1 of INBOX", "ann@example.org: UID 1 of Other"]);
        let repair = SqliteStorage::repair(copy.path(), None, &options()).unwrap();
        assert_eq!((repair.before.lost, repair.remaining.len()), (found.lost, 1));
    }
}

#[tokio::test]
async fn lost_segments_and_bodies_are_found_with_whose_they_were() {
    let directory = tempfile::tempdir().unwrap();
    fill(directory.path()).await;
    let copy = copy_of(directory.path());
    fs::remove_file(copy.path().join("bodies/00000001.seg")).unwrap();
    let found = problems(copy.path()).await;
    assert!(found.problems.iter().any(|line| line.contains("segment 1 cannot be opened")), "{:?}", found.problems);
    assert!(found.lost.len() >= 4, "{:?}", found.lost);

    let copy = copy_of(directory.path());
    run("DELETE FROM parsed; DELETE FROM body", copy.path());
    let found = problems(copy.path()).await;
    let count = |is: fn(&crate::LostMessage) -> bool| found.lost.iter().filter(|one| is(one)).count();
    assert_eq!((count(|one| one.expunged), count(|one| one.mailbox.is_none()), found.lost.len()), (4, 1, 15));
    assert!(found.lost.iter().any(|one| one.to_string() == "ann@example.org: UID 2 of Gone (expunged)"));

    let copy = copy_of(directory.path());
    let cut = OpenOptions::new().write(true).open(copy.path().join("bodies/00000001.seg")).unwrap();
    cut.set_len(100).unwrap();
    let found = problems(copy.path()).await;
    assert!(found.problems.iter().any(|line| line.starts_with("segment 1 has 100 octets of")), "{:?}", found.problems);
}

#[tokio::test]
async fn files_that_belong_to_nothing_are_found() {
    let directory = tempfile::tempdir().unwrap();
    fill(directory.path()).await;
    run("DELETE FROM segment WHERE number = 99; UPDATE counter SET next_segment = 200", directory.path());
    let store = super::world::open(directory.path(), SEGMENT_BYTES, Arc::new(crate::disk::RealDisk));
    // Opening removes what a crash left; this came later.
    fs::write(directory.path().join("bodies/00000099.seg"), "x").unwrap();
    fs::write(directory.path().join("bodies/notes.txt"), "x").unwrap();
    let found = store.verify().await.unwrap();
    assert_eq!((found.problems.len(), found.orphan_files), (1, 1), "{found:?}");
    assert!(found.problems[0].ends_with("notes.txt is no segment"));
}

#[tokio::test]
async fn a_store_in_use_is_not_repaired_and_a_check_can_be_stopped() {
    let directory = tempfile::tempdir().unwrap();
    fill(directory.path()).await;
    let store = super::world::open(directory.path(), SEGMENT_BYTES, Arc::new(crate::disk::RealDisk));
    let refused = SqliteStorage::repair(directory.path(), None, &options());
    assert!(matches!(refused, Err(posthouse_storage::StorageError::Locked(_))), "{refused:?}");
    let watcher = Watcher::default();
    watcher.stop.store(true, std::sync::atomic::Ordering::Relaxed);
    let stopped = store.verify_with(VerifyOptions { parse: None, watcher }).await;
    assert!(matches!(stopped, Err(posthouse_storage::StorageError::Closed)), "{stopped:?}");
}
