//! A store written by the release before, with mail of all kinds in it, opens, migrates and is sound.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use posthouse_model::{MailboxName, Uid, UidSet, UnixMillis};
use posthouse_storage::{BodySlice, Directory, Mail, Queue, QueueFilter, Recovery, Settings, Trail};
use posthouse_storage_sqlite::{Options, SqliteStorage};
use rusqlite::Connection;

/// The schema of the release before.
const FIRST_SCHEMA: &str = include_str!("../migrations/0001_mail_directory_queue_trail.sql");

/// What that release had written into its index: a domain, two accounts, an alias, mailboxes with messages that are
/// seen, deleted, flagged with a keyword, copied and shared, one that has vanished, a deleted mailbox that still has
/// a message, a message in the queue, a setting. `{n}` stands for the place of the n-th body.
const ROWS: &str = "
INSERT INTO domain VALUES (1, 'example.org', NULL, '+', 1000);
INSERT INTO account VALUES (1, 1, 'Ann@example.org', 'ann@example.org', 'ann', 'Ann', 0, 0, 0, 1000);
INSERT INTO account VALUES (2, 1, 'bob@example.org', 'bob@example.org', 'bob', '', 1, 1, 1, 1000);
INSERT INTO credential VALUES (1, x'61', x'62', x'63', NULL, 1000);
INSERT INTO alias VALUES ('all@example.org', 1, 'all@example.org', 'ann@example.org' || char(10) || 'x@y.example', 5);
INSERT INTO account_modseq VALUES (1, 64), (2, 64);
INSERT INTO mailbox VALUES (1, 1, 'INBOX', NULL, 100, 5, 9, 3, 2, 1, 3 * 9);
INSERT INTO mailbox VALUES (2, 1, 'Trash', '\\Trash', 101, 2, 5, 1, 1, 0, 9);
INSERT INTO mailbox VALUES (3, 2, 'INBOX', NULL, 102, 2, 3, 1, 1, 0, 9);
INSERT INTO subscription VALUES (1, 'INBOX'), (1, 'Gone/Fishing');
INSERT INTO message VALUES (1, 1, 3, 1, 'later $Forwarded', 9, 1000, 2000, 1, {0}, 1);
INSERT INTO message VALUES (1, 3, 4, 8, NULL, 9, 1000, 2000, 2, {1}, 4);
INSERT INTO message VALUES (1, 4, 6, 0, NULL, 9, 1000, 2000, 3, {2}, 6);
INSERT INTO message VALUES (2, 1, 5, 0, NULL, 9, 1000, 2000, 1, {0}, 5);
INSERT INTO message VALUES (3, 1, 3, 0, NULL, 9, 1000, 2000, 4, {2}, 3);
INSERT INTO vanished VALUES (1, 9, 2, 2);
INSERT INTO message VALUES (4, 1, 3, 0, NULL, 9, 1000, 2000, 5, {3}, 3);
INSERT INTO doomed VALUES (4);
INSERT INTO queue_message VALUES (10, 77, {4}, 1, 'ann@example.org', 'ann@example.org', 0, 0, 0, NULL, NULL, 9, 3000);
INSERT INTO queue_entry VALUES (11, 10, 'x@y.example', NULL, NULL, 'y.example', 3000, 9000, 2, 'no answer', 0, 0);
INSERT INTO setting VALUES ('key', x'010203');
UPDATE counter SET next_domain = 2, next_account = 3, next_mailbox = 5, next_message = 1001, next_queue = 1001,
    next_segment = 2, last_uid_validity = 102;
";

/// How often each body is referred to.
const REFERENCES: [u32; 5] = [2, 1, 2, 1, 1];

fn body(number: usize) -> Vec<u8> {
    format!("message {number}").into_bytes()
}

/// A record of a segment, as the release before wrote it.
fn record(body: &[u8]) -> Vec<u8> {
    let mut record = b"PHB\x01".to_vec();
    record.extend_from_slice(&0u32.to_le_bytes());
    record.extend_from_slice(&(body.len() as u64).to_le_bytes());
    record.extend_from_slice(blake3::hash(body).as_bytes());
    record.extend_from_slice(&crc32fast::hash(&record).to_le_bytes());
    record.extend_from_slice(body);
    record.extend_from_slice(&crc32fast::hash(body).to_le_bytes());
    record
}

fn write_old_store(directory: &Path) {
    fs::create_dir(directory.join("bodies")).unwrap();
    let connection = Connection::open(directory.join("index.db")).unwrap();
    connection.pragma_update(None, "journal_mode", "wal").unwrap();
    connection.execute_batch(FIRST_SCHEMA).unwrap();
    let (mut segment, mut rows) = (Vec::new(), ROWS.to_owned());
    for (number, references) in REFERENCES.into_iter().enumerate() {
        let (body, offset) = (body(number), segment.len() as i64);
        let (key, record) = (1i64 << 32 | offset, record(&body));
        let sql = "INSERT INTO body VALUES (?1, ?2, 1, ?3, ?4, ?5, ?6, 0)";
        let id = *blake3::hash(&body).as_bytes();
        connection.execute(sql, (key, id, offset, record.len() as i64, body.len() as i64, references)).unwrap();
        connection.execute("INSERT INTO parsed VALUES (?1, x'01', x'02', x'03', x'04', 5)", [key]).unwrap();
        rows = rows.replace(&format!("{{{number}}}"), &key.to_string());
        segment.extend(record);
    }
    let bytes = segment.len() as i64;
    connection.execute("INSERT INTO segment VALUES (1, ?1, ?1, 0)", [bytes]).unwrap();
    connection.execute_batch(&rows).unwrap();
    connection.pragma_update(None, "user_version", 1).unwrap();
    fs::write(directory.join("bodies/00000001.seg"), segment).unwrap();
}

#[tokio::test]
async fn data_of_the_release_before_opens_migrates_and_verifies() {
    let directory = tempfile::tempdir().unwrap();
    write_old_store(directory.path());
    // Twice: what was migrated opens, too.
    for round in 0..2 {
        let store = SqliteStorage::open(directory.path(), Options::default()).unwrap();
        assert_eq!(store.verify().await.unwrap().problems, Vec::<String>::new(), "round {round}");
        let accounts = store.accounts(None).await.unwrap();
        assert_eq!(accounts[0].address.to_string(), "Ann@example.org");
        assert_eq!(store.aliases(None).await.unwrap()[0].targets.len(), 2);
        let inbox = store.mailbox(accounts[0].id, &MailboxName::inbox()).await.unwrap().unwrap();
        assert_eq!((inbox.messages, inbox.uid_next.value(), inbox.uid_validity.0.get()), (3, 5, 100));
        let (_, messages) = store.messages(accounts[0].id, inbox.id).await.unwrap();
        assert_eq!(messages[0].flags.keywords().len(), 2);
        let read = store.read(&[BodySlice { body: messages[2].body, range: 0..99 }]).await.unwrap();
        assert_eq!(read[0], body(2));
        assert_eq!(store.subscriptions(accounts[0].id).await.unwrap().len(), 2);
        let queue = store.queue_entries(&QueueFilter::default(), None, 9).await.unwrap();
        assert_eq!((queue.len(), queue[0].attempts), (1, 2));
        assert_eq!(store.setting("key").await.unwrap().unwrap().expose(), [1, 2, 3]);
        assert!(store.journeys("ann@example.org", 9).await.unwrap().is_empty());
        store.close().await;
    }
    // What is new works on it.
    let store = SqliteStorage::open(directory.path(), Options::default()).unwrap();
    let ann = store.accounts(None).await.unwrap()[0].id;
    let inbox = store.mailbox(ann, &MailboxName::inbox()).await.unwrap().unwrap().id;
    store.keep_expunged(true);
    let mut uids = UidSet::new();
    uids.insert_range(Uid::new(1).unwrap(), Uid::new(4).unwrap());
    store.expunge(ann, inbox, &uids, false).await.unwrap();
    let kept = store.expunged(ann, None, 9).await.unwrap();
    assert_eq!(kept.len(), 3);
    let back = store.put_back(ann, ann, vec![kept[0].key]).await.unwrap();
    assert_eq!(back[0].uid.value(), 5);
    assert_eq!(store.forget_expunged(UnixMillis(i64::MAX)).await.unwrap(), 2);
    assert_eq!(store.verify().await.unwrap().problems, Vec::<String>::new());
    store.close().await;
}
