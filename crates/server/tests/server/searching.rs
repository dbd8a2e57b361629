//! Finding, sorting and threading through the whole server.

use std::sync::Arc;
use std::time::Duration;

use posthouse_storage::{MemoryStorage, Storage};
use posthouse_storage_sqlite::{Options, SqliteStorage};

use crate::client::Client;
use crate::house::{IMAPS, TestHouse};

async fn append(imap: &mut Client, mailbox: &str, message: &str) {
    imap.send(&format!("x APPEND {mailbox} {{{}+}}\r\n{message}", message.len())).await;
    imap.until("x OK").await;
}

async fn check(imap: &mut Client, command: &str, expected: &[&str]) {
    imap.send(&format!("t {command}")).await;
    let mut lines = imap.until("t ").await;
    let last = lines.pop().unwrap();
    assert!(last.starts_with("t OK"), "{command}: {last}");
    assert_eq!(lines, expected, "{command}");
}

async fn search_family(store: Arc<dyn Storage>) {
    let house = TestHouse::draft(store).await.start();
    let mut imap = house.imap().await;
    imap.send("a CREATE Archive/Old").await;
    imap.until("a OK").await;
    append(&mut imap, "INBOX", "Subject: pears\r\nMessage-ID: <a@x>\r\nDate: 3 Jan 2020 00:00 +0000\r\n\r\none").await;
    append(&mut imap, "INBOX", "Subject: apples\r\nDate: 1 Jan 2020 00:00 +0000\r\n\r\ntwo").await;
    append(&mut imap, "INBOX", "Subject: Re: x\r\nReferences: <a@x>\r\nDate: 2 Jan 2020 00:00 +0000\r\n\r\none").await;
    append(&mut imap, "Archive/Old", "Subject: older\r\n\r\none").await;
    imap.send("b SELECT INBOX").await;
    imap.until("b OK").await;

    check(&mut imap, "SORT (DATE) UTF-8 ALL", &["* SORT 2 3 1"]).await;
    check(&mut imap, "UID SORT (REVERSE SUBJECT) UTF-8 TEXT one", &["* SORT 3 1"]).await;
    check(&mut imap, "SORT RETURN (ALL COUNT) (DATE) UTF-8 ALL", &["* ESEARCH (TAG \"t\") COUNT 3 ALL 2:3,1"]).await;
    check(&mut imap, "THREAD REFERENCES UTF-8 ALL", &["* THREAD (2)(1 3)"]).await;
    check(&mut imap, "THREAD ORDEREDSUBJECT UTF-8 ALL", &["* THREAD (2)(3)(1)"]).await;
    check(&mut imap, "UID SEARCH RETURN (PARTIAL -1:-2) ALL", &["* ESEARCH (TAG \"t\") UID PARTIAL (-1:-2 2:3)"]).await;

    imap.send("c ESEARCH IN (selected subtree Archive) RETURN (COUNT) TEXT one").await;
    let found = imap.until("c OK").await;
    assert!(found[0].starts_with("* ESEARCH (TAG \"c\" MAILBOX \"INBOX\" UIDVALIDITY "), "{found:?}");
    assert!(found[0].ends_with(" UID COUNT 2"), "{found:?}");
    assert!(found[1].starts_with("* ESEARCH (TAG \"c\" MAILBOX \"Archive/Old\" UIDVALIDITY "), "{found:?}");
    assert!(found[1].ends_with(" UID COUNT 1"), "{found:?}");

    // A search that is kept by name.
    imap.send("e SETMETADATA \"\" (/private/filters/values/fruit \"OR SUBJECT pears SUBJECT apples\")").await;
    imap.until("e OK").await;
    check(&mut imap, "SEARCH FILTER fruit TEXT one", &["* SEARCH 1"]).await;
    imap.send("f SEARCH FILTER vegetables").await;
    imap.until("f NO [UNDEFINED-FILTER vegetables]").await;

    // A result that is kept up to date, by this session and by others.
    check(&mut imap, "UID SORT RETURN (UPDATE ALL) (DATE) UTF-8 UNDELETED", &["* ESEARCH (TAG \"t\") UID ALL 2:3,1"])
        .await;
    let mut other = house.imap().await;
    append(&mut other, "INBOX", "Subject: new\r\nDate: 1 Jan 2020 12:00 +0000\r\n\r\nnew").await;
    imap.send("d STORE 3 +FLAGS.SILENT (\\Deleted)").await;
    let told = imap.until("d OK").await;
    assert!(told.contains(&"* 4 EXISTS".to_owned()), "{told:?}");
    assert!(told.contains(&"* ESEARCH (TAG \"t\") UID REMOVEFROM (2 3)".to_owned()), "{told:?}");
    assert!(told.contains(&"* ESEARCH (TAG \"t\") UID ADDTO (2 4)".to_owned()), "{told:?}");
}

/// RFC 9585 §4: a client is told that the server is still at it while it is, and not when it is done.
#[tokio::test]
async fn a_client_hears_of_a_search_that_takes_long() {
    let store = MemoryStorage::new();
    let mut draft = TestHouse::draft(store.clone()).await;
    draft.listener(IMAPS).limits.progress_interval = Duration::from_millis(50);
    let house = draft.start();
    let mut imap = house.imap().await;
    for number in 0..4 {
        append(&mut imap, "INBOX", &format!("Subject: pears {number}\r\n\r\none")).await;
    }
    imap.send("a SELECT INBOX").await;
    imap.until("a OK").await;
    for command in ["SEARCH TEXT one", "SORT (DATE) UTF-8 TEXT one", "THREAD REFERENCES UTF-8 TEXT one"] {
        let pause = store.pause_loading();
        imap.send(&format!("b {command}")).await;
        imap.expect("* OK [INPROGRESS (\"b\" 0 4)]").await;
        imap.expect("* OK [INPROGRESS (\"b\" 0 4)]").await;
        drop(pause);
        let end = imap.until("b OK").await;
        assert!(end.iter().any(|line| line.contains('4')), "{command}: {end:?}");
    }
}

/// Many mailboxes take long together, though none of them does.
#[tokio::test]
async fn a_client_hears_in_how_many_mailboxes_was_looked() {
    const MAILBOXES: usize = 200;
    let goal = format!(" {MAILBOXES})]");
    let mut draft = TestHouse::draft(MemoryStorage::new()).await;
    draft.listener(IMAPS).limits.progress_interval = Duration::from_millis(1);
    let house = draft.start();
    let mut imap = house.imap().await;
    for number in 1..MAILBOXES {
        imap.send(&format!("t CREATE x/{number}")).await;
        imap.until("t OK").await;
    }
    imap.send("s ESEARCH IN (subtree x) ALL").await;
    let told = imap.until("s OK").await;
    let ticks = told.iter().filter_map(|line| line.strip_prefix("* OK [INPROGRESS (\"s\" ")?.split_once(&goal));
    let done: Vec<usize> = ticks.map(|(done, _)| done.parse().unwrap()).collect();
    assert!(done.is_sorted() && done.last().is_some_and(|last| (1..MAILBOXES).contains(last)), "{told:?}");
}

#[tokio::test]
async fn in_a_store_in_memory() {
    search_family(MemoryStorage::new()).await;
}

#[tokio::test]
async fn in_a_store_on_disk() {
    let directory = tempfile::tempdir().unwrap();
    search_family(SqliteStorage::open(directory.path(), Options::default()).unwrap()).await;
}
