//! What clients are told when something of ours fails: to come again.

use posthouse_storage::MemoryStorage;

use crate::house::{IMAPS, MX, PASSWORD, POP3S, TestHouse};

#[tokio::test]
async fn a_store_that_fails_loses_nothing() {
    let store = MemoryStorage::new();
    let house = TestHouse::draft(store.clone()).await.start();
    let mut imap = house.imap().await;
    let mut smtp = house.connect(MX).await;
    smtp.expect("220 ").await;
    smtp.send("EHLO client.example\r\nMAIL FROM:<>\r\nRCPT TO:<ann@example.org>\r\nDATA").await;
    smtp.until("354 ").await;
    store.set_broken(true);
    smtp.send("Subject: x\r\n\r\nHello.\r\n.").await;
    smtp.expect("4").await;
    // An address that nobody asked about yet; what is remembered of the directory needs no store.
    smtp.send("MAIL FROM:<>\r\nRCPT TO:<ann+new@example.org>").await;
    smtp.expect("250 ").await;
    smtp.expect("451 ").await;
    imap.send("a SELECT INBOX").await;
    imap.expect("a NO [UNAVAILABLE]").await;
    let mut second = house.connect_tls(IMAPS).await;
    second.expect("* OK").await;
    second.send(&format!("a LOGIN ann@example.org \"{PASSWORD}\"")).await;
    second.expect("a NO [UNAVAILABLE]").await;
    let mut pop3 = house.connect_tls(POP3S).await;
    pop3.expect("+OK").await;
    pop3.send("USER ann@example.org").await;
    pop3.expect("+OK").await;
    pop3.send(&format!("PASS {PASSWORD}")).await;
    pop3.expect("-ERR [SYS/TEMP]").await;
    store.set_broken(false);
    smtp.send("RCPT TO:<ann@example.org>\r\nDATA").await;
    smtp.expect("250 ").await;
    smtp.expect("354 ").await;
    smtp.send("Subject: x\r\n\r\nHello.\r\n.").await;
    smtp.expect("250 ").await;
    imap.send("b SELECT INBOX").await;
    assert!(imap.until("b OK").await.contains(&"* 1 EXISTS".to_owned()));
}
