//! The end of the server.

use std::time::Duration;

use posthouse_storage::MemoryStorage;
use tokio::net::TcpStream;

use crate::house::{IMAPS, MX, POP3, TestHouse};

#[tokio::test]
async fn clients_are_told_and_the_server_ends() {
    let house = TestHouse::start().await;
    let mut smtp = house.connect(MX).await;
    smtp.expect("220 ").await;
    let mut pop3 = house.connect(POP3).await;
    pop3.expect("+OK").await;
    let mut imap = house.imap().await;
    imap.send("a SELECT INBOX").await;
    imap.until("a OK").await;
    imap.send("b IDLE").await;
    imap.expect("+ ").await;
    let address = house.address(IMAPS);
    let ending = tokio::spawn(async move { house.server.shutdown().await });
    smtp.expect("421 4.3.2").await;
    smtp.expect_end().await;
    pop3.expect("-ERR [SYS/TEMP]").await;
    pop3.expect_end().await;
    imap.expect("* BYE").await;
    imap.expect_end().await;
    drop((smtp, pop3, imap));
    ending.await.unwrap();
    TcpStream::connect(address).await.unwrap_err();
}

#[tokio::test]
async fn a_message_that_is_coming_in_gets_its_grace_and_no_more() {
    let mut draft = TestHouse::draft(MemoryStorage::new()).await;
    draft.listener(MX).limits.shutdown_grace = Duration::from_secs(1);
    let house = draft.start();
    let mut finishes = house.connect(MX).await;
    finishes.expect("220 ").await;
    finishes.hand_over("x@elsewhere.example", "ann@example.org", "Subject: x\r\n").await;
    let mut hangs = house.connect(MX).await;
    hangs.expect("220 ").await;
    hangs.send("EHLO client.example\r\nMAIL FROM:<>\r\nRCPT TO:<ann@example.org>\r\nDATA").await;
    hangs.until("354 ").await;
    let ending = tokio::spawn(async move { house.server.shutdown().await });
    finishes.expect("250 ").await;
    finishes.expect("421 4.3.2").await;
    hangs.rest().await;
    ending.await.unwrap();
}
