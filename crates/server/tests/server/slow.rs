//! Clients that are slow, on purpose or not.

use std::time::Duration;

use posthouse_storage::MemoryStorage;

use crate::house::{IMAP, IMAPS, MX, POP3, SUBMISSIONS, TestHouse};

/// A timeout short enough to be awaited.
const SOON: Duration = Duration::from_millis(300);

#[tokio::test]
async fn single_octets_do_not_prolong_a_command() {
    let mut draft = TestHouse::draft(MemoryStorage::new()).await;
    draft.listener(MX).smtp_limits.command_timeout = SOON;
    draft.listener(IMAP).imap_limits.time_before_login = SOON;
    draft.listener(POP3).pop3_limits.login_time = SOON;
    let house = draft.start();
    for (listener, greeting, farewell) in [(MX, "220 ", "421 "), (IMAP, "* OK", "* BYE ")] {
        let mut client = house.connect(listener).await;
        client.expect(greeting).await;
        client.send_raw(b"N").await;
        client.expect(farewell).await;
        client.expect_end().await;
    }
    // RFC 1939 §3: POP3 says nothing.
    let mut client = house.connect(POP3).await;
    client.expect("+OK").await;
    client.send_raw(b"N").await;
    client.expect_end().await;
}

#[tokio::test]
async fn a_handshake_has_a_time() {
    let mut draft = TestHouse::draft(MemoryStorage::new()).await;
    for name in [SUBMISSIONS, MX] {
        draft.listener(name).limits.tls_handshake_timeout = SOON;
    }
    let house = draft.start();
    house.connect(SUBMISSIONS).await.expect_end().await;
    let mut half = house.connect(SUBMISSIONS).await;
    half.send_raw(b"\x16\x03\x01").await;
    half.expect_end().await;
    let mut upgrade = house.connect(MX).await;
    upgrade.expect("220 ").await;
    upgrade.send("EHLO client.example").await;
    upgrade.until("250 ").await;
    upgrade.send("STARTTLS").await;
    upgrade.expect("220 ").await;
    upgrade.expect_end().await;
}

/// Fetches far more than sockets hold without reading it.
#[tokio::test]
async fn who_does_not_read_is_cut_off() {
    let mut draft = TestHouse::draft(MemoryStorage::new()).await;
    draft.listener(IMAPS).limits.write_timeout = SOON;
    let house = draft.start();
    let message = format!("Subject: long\r\n\r\n{}", "a line of text that is not read\r\n".repeat(32 * 1024));
    house.deliver(&message).await;
    let mut imap = house.imap().await;
    imap.send("a SELECT INBOX").await;
    imap.until("a OK").await;
    let fetch: String = (0..32).map(|n| format!("f{n} FETCH 1 BODY.PEEK[]\r\n")).collect();
    imap.send_raw(fetch.as_bytes()).await;
    let open = || house.server.metrics().render().contains("posthouse_connections_open{listener=\"imaps\"} 1");
    assert!(open());
    while open() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Fetches as much and reads it late: all of it comes.
#[tokio::test]
async fn who_reads_late_gets_everything() {
    let house = TestHouse::start().await;
    let message = format!("Subject: long\r\n\r\n{}", "a line of text that is read late\r\n".repeat(64 * 1024));
    house.deliver(&message).await;
    let mut imap = house.imap().await;
    imap.send("a SELECT INBOX").await;
    imap.until("a OK").await;
    imap.send_raw(b"b FETCH 1 BODY.PEEK[]\r\nc FETCH 1 BODY.PEEK[]\r\nd NOOP\r\n").await;
    tokio::time::sleep(SOON).await;
    for tag in ["b", "c"] {
        let first = imap.expect("* 1 FETCH (BODY[] {").await;
        let length: usize = first.rsplit_once('{').unwrap().1.trim_end_matches('}').parse().unwrap();
        let octets = imap.octets(length).await;
        assert!(octets.ends_with(&message.as_bytes()[20..]));
        imap.expect(")").await;
        imap.expect(&format!("{tag} OK")).await;
    }
    imap.expect("d OK").await;
}
