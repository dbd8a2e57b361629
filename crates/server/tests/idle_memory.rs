//! Holds the memory of idle connections down. Alone in its process, so that nothing else allocates in it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the whole file is a test; the lint knows only test functions"
)]
#![allow(dead_code, reason = "the helpers are shared with the other tests")]

#[path = "server/client.rs"]
mod client;
#[path = "server/house.rs"]
mod house;
#[path = "server/logged.rs"]
mod logged;

use house::TestHouse;
use posthouse_storage_sqlite::{Options, SqliteStorage};

/// Connections that are measured.
const CONNECTIONS: usize = 300;
/// Both ends of a connection together, in bytes; the server's is the smaller part of it.
const BOUND_PER_CONNECTION: usize = 60 * 1024;

async fn idle(house: &TestHouse) -> client::Client {
    let mut imap = house.imap().await;
    imap.send("a SELECT INBOX").await;
    imap.until("a OK").await;
    imap.send("b FETCH 1 (FLAGS BODY.PEEK[])").await;
    imap.until("b OK").await;
    imap.send("c IDLE").await;
    imap.expect("+ ").await;
    imap
}

/// Bytes of private memory in use.
fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

/// Octets of a message of which many clients want a copy and none reads it.
const LONG_MESSAGE_BYTES: usize = 24 * 1024 * 1024;
/// What such a client may cost, both ends together and without what the sockets hold, in bytes.
const BOUND_PER_SLOW_READER: usize = 2 * 1024 * 1024;

#[tokio::test]
async fn connections_cost_little_memory() {
    let each = idle_clients().await;
    println!("both ends of an idle connection take {each} bytes");
    assert!(each < BOUND_PER_CONNECTION, "{each}");
    let each = slow_readers().await;
    println!("both ends of a connection that does not read take {each} bytes");
    assert!(each < BOUND_PER_SLOW_READER, "{each}");
}

async fn slow_readers() -> usize {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStorage::open(directory.path(), Options::default()).unwrap();
    let house = TestHouse::draft(store).await.start();
    let message = format!("Subject: x\r\n\r\n{}", "0123456789abcdef0123456789abcd\r\n".repeat(LONG_MESSAGE_BYTES / 32));
    house.deliver(&message).await;
    let mut clients = Vec::new();
    let mut before = 0;
    for count in 0..8 {
        // The first pays for what is made once.
        if count == 1 {
            before = resident_bytes();
        }
        let mut imap = house.imap().await;
        imap.send("a SELECT INBOX").await;
        imap.until("a OK").await;
        imap.send("b FETCH 1 BODY.PEEK[]\r\nc FETCH 1 BODY.PEEK[]").await;
        imap.expect("* 1 FETCH").await;
        clients.push(imap);
    }
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    resident_bytes().saturating_sub(before) / (clients.len() - 1)
}

async fn idle_clients() -> usize {
    let house = TestHouse::start().await;
    house.deliver("Subject: x\r\n\r\nHello.\r\n").await;
    let mut clients = Vec::new();
    for _ in 0..30 {
        clients.push(idle(&house).await);
    }
    let before = resident_bytes();
    for _ in 0..CONNECTIONS {
        clients.push(idle(&house).await);
    }
    resident_bytes().saturating_sub(before) / CONNECTIONS
}
