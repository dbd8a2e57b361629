//! The PROXY protocol on real sockets.

use posthouse_storage::MemoryStorage;

use crate::client::Client;
use crate::house::{IMAPS, MX, TestHouse};

async fn house() -> TestHouse {
    let mut draft = TestHouse::draft(MemoryStorage::new()).await;
    for name in [MX, IMAPS] {
        draft.listener(name).proxies = vec!["127.0.0.0/8".parse().unwrap()];
    }
    draft.start()
}

async fn deliver_through(house: &TestHouse, header: &[u8]) -> String {
    let mut client = house.connect(MX).await;
    client.send_raw(header).await;
    client.expect("220 ").await;
    client.hand_over("x@elsewhere.example", "ann@example.org", "Subject: x\r\n\r\n").await;
    client.expect("250 ").await;
    let mut imap = imap(house).await;
    imap.send("s SELECT INBOX").await;
    imap.until("s OK").await;
    imap.send("f FETCH * BODY.PEEK[HEADER.FIELDS (RECEIVED)]").await;
    imap.until("f OK").await.join("\n")
}

async fn imap(house: &TestHouse) -> Client {
    let mut client = house.connect(IMAPS).await;
    client.send_raw(b"PROXY UNKNOWN\r\n").await;
    client.begin_tls().await;
    client.expect("* OK").await;
    client.send(&format!("in LOGIN ann@example.org \"{}\"", crate::house::PASSWORD)).await;
    client.until("in OK").await;
    client
}

#[tokio::test]
async fn a_trusted_proxy_says_who_the_client_is() {
    let house = house().await;
    let received = deliver_through(&house, b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 25\r\n").await;
    assert!(received.contains("[192.0.2.7]"), "{received}");
    let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
    header.extend([192, 0, 2, 8, 198, 51, 100, 1, 0x12, 0x67, 0, 25]);
    let received = deliver_through(&house, &header).await;
    assert!(received.contains("[192.0.2.8]"), "{received}");
    let received = deliver_through(&house, b"PROXY UNKNOWN\r\n").await;
    assert!(received.contains("[127.0.0.1]"), "{received}");
}

#[tokio::test]
async fn a_trusted_proxy_must_say_something() {
    let house = house().await;
    for wrong in ["EHLO client.example\r\n", "PROXY TCP4 192.0.2.7\r\n", "PROXY TCP5 1 1 1 1 1\r\n"] {
        let mut client = house.connect(MX).await;
        client.send_raw(wrong.as_bytes()).await;
        client.expect_end().await;
    }
}

#[tokio::test]
async fn nobody_else_can_claim_an_address() {
    let house = TestHouse::start().await;
    let mut client = house.connect(MX).await;
    client.expect("220 ").await;
    client.send("PROXY TCP4 192.0.2.7 198.51.100.1 4711 25").await;
    client.expect("5").await;
}
