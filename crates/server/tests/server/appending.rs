//! Messages that clients hand in: several at once, put together, in place of another.

use std::sync::Arc;

use posthouse_storage::{MemoryStorage, Storage};
use posthouse_storage_sqlite::{Options, SqliteStorage};

use crate::client::Client;
use crate::house::{IMAPS, TestHouse};

/// Longer than what the spool keeps in memory, and than a section that is read at once.
const LONG: usize = 1_200_000;

/// Appends messages with one command, and says how it ended.
async fn append(imap: &mut Client, messages: &[Vec<u8>]) -> String {
    imap.send_raw(b"app APPEND INBOX").await;
    for message in messages {
        imap.send_raw(format!(" (\\Seen) ~{{{}+}}\r\n", message.len()).as_bytes()).await;
        imap.send_raw(message).await;
    }
    imap.send("").await;
    imap.until("app ").await.pop().unwrap()
}

/// The octets of a section.
async fn section(imap: &mut Client, what: &str) -> Vec<u8> {
    imap.send(&format!("sec {what}")).await;
    let line = imap.expect("* ").await;
    let length = line.rsplit_once('{').unwrap().1.trim_end_matches('}').parse().unwrap();
    let octets = imap.octets(length).await;
    imap.until("sec OK").await;
    octets
}

fn message(subject: &str, body: &[u8]) -> Vec<u8> {
    let mut text = format!("Subject: {subject}\r\nContent-Transfer-Encoding: binary\r\n\r\n").into_bytes();
    text.extend_from_slice(body);
    text
}

async fn all_of_it(store: Arc<dyn Storage>) {
    let house = TestHouse::draft(store).await.start();
    let mut imap = house.imap().await;
    let messages = [
        message("one", b"\0binary\r\n"),
        message("long", &vec![b'x'; LONG]),
        message("other long", &vec![b'y'; LONG]),
        message("third long", &vec![b'z'; LONG]),
        message("last", b"end\r\n"),
    ];
    let ending = append(&mut imap, &messages).await;
    assert!(ending.starts_with("app OK [APPENDUID ") && ending.contains(" 1:5] "), "{ending}");
    imap.send("a SELECT INBOX").await;
    assert!(imap.until("a OK").await.contains(&"* 5 EXISTS".to_owned()));
    for (number, message) in (1..).zip(&messages) {
        // RFC 9051 §4.3: no literal has a NUL, but for literal8.
        let shown: Vec<u8> = message.iter().map(|octet| if *octet == 0 { 0x80 } else { *octet }).collect();
        assert!(section(&mut imap, &format!("FETCH {number} BODY.PEEK[]")).await == shown, "{number}");
    }
    // What is stored as it is can be asked for decoded, and has to be in a literal8 where it has a NUL.
    imap.send("b FETCH 1 BINARY.PEEK[1]").await;
    imap.expect("* 1 FETCH (BINARY[1] ~{9}").await;
    imap.until("b OK").await;

    // Another message, made of parts of those.
    imap.send_raw(b"c APPEND INBOX CATENATE (TEXT {18+}\r\nSubject: parts\r\n\r\n").await;
    imap.send(" URL /;UID=2/;SECTION=TEXT URL \"/INBOX/;UID=5/;SECTION=TEXT/;PARTIAL=0.3\" TEXT {1+}\r\n!)").await;
    assert!(imap.until("c ").await.pop().unwrap().contains(" 6] "));
    let mut expected = b"Subject: parts\r\n\r\n".to_vec();
    expected.extend_from_slice(&vec![b'x'; LONG]);
    expected.extend_from_slice(b"end!");
    assert!(section(&mut imap, "FETCH 6 BODY.PEEK[]").await == expected);
    for url in ["/INBOX;UIDVALIDITY=4294967295/;UID=2", "/ghost/;UID=1", "/INBOX/;UID=99", "/INBOX/;UID=1/;SECTION=2"] {
        imap.send(&format!("d APPEND INBOX CATENATE (URL {url})")).await;
        let ending = imap.until("d ").await.pop().unwrap();
        assert!(ending.starts_with(&format!("d NO [BADURL {url}]")), "{ending}");
    }

    // In place of another, which others see go at the moment when the new one comes.
    let mut other = house.imap().await;
    other.send("a SELECT INBOX").await;
    other.until("a OK").await;
    imap.send("e UID REPLACE 6 INBOX (\\Flagged) {5+}\r\nhello").await;
    let told = imap.until("e OK").await;
    assert!(told[0].starts_with("* OK [APPENDUID ") && told[0].contains(" 7] "), "{told:?}");
    assert_eq!(told[1..3], ["* 6 EXPUNGE", "* 6 EXISTS"]);
    other.send("b NOOP").await;
    let told = other.until("b OK").await;
    assert_eq!(told[..2], ["* 6 EXPUNGE", "* 6 EXISTS"], "{told:?}");
    other.send("c UID REPLACE 7 ghost {5+}\r\nhello").await;
    other.until("c NO [TRYCREATE]").await;
    other.send("d FETCH 6 (UID FLAGS)").await;
    other.expect("* 6 FETCH (UID 7 FLAGS (\\Flagged))").await;
    other.until("d OK").await;
}

#[tokio::test]
async fn in_a_store_in_memory() {
    all_of_it(MemoryStorage::new()).await;
}

#[tokio::test]
async fn in_a_store_on_disk() {
    let directory = tempfile::tempdir().unwrap();
    all_of_it(SqliteStorage::open(directory.path(), Options::default()).unwrap()).await;
}

#[tokio::test]
async fn a_command_that_fails_leaves_nothing() {
    let mut draft = TestHouse::draft(MemoryStorage::new()).await;
    draft.listener(IMAPS).imap_limits.append_messages = 3;
    let house = draft.start();
    let mut imap = house.imap().await;
    let four = vec![message("x", b"x"); 4];
    assert!(append(&mut imap, &four).await.starts_with("app NO [LIMIT]"));
    let empty = [message("x", b"x"), Vec::new()];
    assert!(append(&mut imap, &empty).await.starts_with("app NO "));
    imap.send("a APPEND INBOX {5+}\r\nhello CATENATE (URL /INBOX/;UID=1)").await;
    imap.until("a NO [BADURL").await;
    imap.send("b SELECT INBOX").await;
    assert!(imap.until("b OK").await.contains(&"* 0 EXISTS".to_owned()));
    assert!(append(&mut imap, &four[..3]).await.contains(" 1:3] "));
}
