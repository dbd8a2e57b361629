//! Mail comes in, is kept, and is read.

use std::sync::Arc;
use std::time::{Duration, Instant};

use posthouse_storage::{MemoryStorage, Storage};
use posthouse_storage_sqlite::{Options, SqliteStorage};

use crate::house::{IMAP, LMTP, MX, PASSWORD, POP3, POP3S, SUBMISSION, SUBMISSIONS, TestHouse};

const MESSAGE: &str = "From: bob@example.org\r\nTo: ann@example.org\r\nSubject: round\r\n\r\nHello.\r\n..stuffed\r\n";

/// The response of PLAIN.
fn plain(user: &str) -> String {
    posthouse_sasl::encode_line(format!("\0{user}\0{PASSWORD}").as_bytes())
}

async fn round_trip(store: Arc<dyn Storage>) {
    let house = TestHouse::draft(store).await.start();
    // In, by submission inside TLS from the first byte.
    let mut smtp = house.connect_tls(SUBMISSIONS).await;
    smtp.expect("220 ").await;
    smtp.send("EHLO client.example").await;
    smtp.until("250 ").await;
    smtp.send(&format!("AUTH PLAIN {}", plain("bob@example.org"))).await;
    smtp.expect("235 ").await;
    smtp.hand_over("bob@example.org", "ann@example.org", MESSAGE).await;
    smtp.expect("250 ").await;
    smtp.send("QUIT").await;
    smtp.expect("221 ").await;
    smtp.expect_end().await;

    // Out, by IMAP.
    let mut imap = house.imap().await;
    imap.send("a SELECT INBOX").await;
    assert!(imap.until("a OK").await.contains(&"* 1 EXISTS".to_owned()));
    imap.send("b FETCH 1 (FLAGS RFC822.SIZE ENVELOPE BODY.PEEK[])").await;
    let first = imap.expect("* 1 FETCH (").await;
    assert!(first.contains("\"round\""), "{first}");
    let length: usize = first.rsplit_once('{').unwrap().1.trim_end_matches('}').parse().unwrap();
    let body = String::from_utf8(imap.octets(length).await).unwrap();
    imap.until("b OK").await;
    assert!(body.ends_with("\r\n\r\nHello.\r\n.stuffed\r\n"), "{body}");
    assert!(body.contains("with ESMTPSA"), "{body}");

    // And by POP3.
    let mut pop3 = house.connect_tls(POP3S).await;
    pop3.expect("+OK").await;
    pop3.send("USER ann@example.org").await;
    pop3.expect("+OK").await;
    pop3.send(&format!("PASS {PASSWORD}")).await;
    pop3.expect("+OK").await;
    pop3.send("RETR 1").await;
    pop3.expect("+OK").await;
    let mut lines = Vec::new();
    while let Some(line) = pop3.line().await.filter(|line| line != ".") {
        lines.push(line);
    }
    assert_eq!(lines.join("\r\n") + "\r\n", body.replace("\r\n.", "\r\n.."));
    pop3.send("DELE 1").await;
    pop3.expect("+OK").await;
    pop3.send("QUIT").await;
    pop3.expect("+OK").await;
    pop3.expect_end().await;
    imap.send("c NOOP").await;
    assert!(imap.until("c OK").await.contains(&"* 1 EXPUNGE".to_owned()));
}

#[tokio::test]
async fn through_a_store_in_memory() {
    round_trip(MemoryStorage::new()).await;
}

#[tokio::test]
async fn through_a_store_on_disk() {
    let directory = tempfile::tempdir().unwrap();
    round_trip(SqliteStorage::open(directory.path(), Options::default()).unwrap()).await;
}

#[tokio::test]
async fn each_protocol_upgrades_to_tls() {
    let house = TestHouse::start().await;

    let mut smtp = house.connect(SUBMISSION).await;
    smtp.expect("220 ").await;
    smtp.send("EHLO client.example").await;
    assert!(smtp.until("250 ").await.iter().any(|line| line.ends_with("STARTTLS")));
    smtp.send("STARTTLS").await;
    smtp.expect("220 ").await;
    smtp.begin_tls().await;
    smtp.send("EHLO client.example").await;
    assert!(smtp.until("250 ").await.iter().any(|line| line.contains("AUTH ") && line.contains("PLAIN")));
    smtp.send(&format!("AUTH PLAIN {}", plain("ann@example.org"))).await;
    smtp.expect("235 ").await;

    let mut imap = house.connect(IMAP).await;
    assert!(imap.expect("* OK").await.contains("LOGINDISABLED"));
    imap.send("a STARTTLS").await;
    imap.expect("a OK").await;
    imap.begin_tls().await;
    imap.send(&format!("b AUTHENTICATE PLAIN {}", plain("ann@example.org"))).await;
    imap.expect("b OK").await;

    let mut pop3 = house.connect(POP3).await;
    pop3.expect("+OK").await;
    pop3.send("STLS").await;
    pop3.expect("+OK").await;
    pop3.begin_tls().await;
    pop3.send("USER ann@example.org").await;
    pop3.expect("+OK").await;
    pop3.send(&format!("PASS {PASSWORD}")).await;
    pop3.expect("+OK").await;
    // The maildrop is locked until this session has ended.
    let mut second = house.connect_tls(POP3S).await;
    second.expect("+OK").await;
    second.send("USER ann@example.org").await;
    second.expect("+OK").await;
    second.send(&format!("PASS {PASSWORD}")).await;
    second.expect("-ERR [IN-USE]").await;
    pop3.send("QUIT").await;
    pop3.expect("+OK").await;
    pop3.expect_end().await;

    let metrics = house.server.metrics().render();
    assert!(metrics.contains("posthouse_tls_handshakes_total{listener=\"imap\",version=\"TLS1.3\"} 1"), "{metrics}");
    assert!(
        metrics.contains("posthouse_logins_total{listener=\"imap\",mechanism=\"PLAIN\",result=\"ok\"} 1"),
        "{metrics}"
    );
}

#[tokio::test]
async fn lmtp_answers_for_each_recipient() {
    let house = TestHouse::start().await;
    let mut lmtp = house.connect(LMTP).await;
    lmtp.expect("220 ").await;
    lmtp.send("LHLO front.example").await;
    lmtp.until("250 ").await;
    // All at once: the replies come in order, and those to DATA only when it was asked.
    lmtp.send("MAIL FROM:<>\r\nRCPT TO:<ann@example.org>\r\nRCPT TO:<bob@example.org>\r\nDATA").await;
    for reply in ["250 ", "250 ", "250 ", "354 "] {
        lmtp.expect(reply).await;
    }
    lmtp.send_raw(format!("{MESSAGE}.\r\n").as_bytes()).await;
    lmtp.expect("250 ").await;
    lmtp.expect("250 ").await;
}

#[tokio::test]
async fn who_idles_is_told_at_once() {
    let house = TestHouse::start().await;
    let mut imap = house.imap().await;
    imap.send("a SELECT INBOX").await;
    imap.until("a OK").await;
    imap.send("b IDLE").await;
    imap.expect("+ ").await;
    for count in 1..=3 {
        house.deliver(MESSAGE).await;
        let delivered = Instant::now();
        imap.expect(&format!("* {count} EXISTS")).await;
        assert!(delivered.elapsed() < Duration::from_secs(1));
    }
    imap.send("DONE").await;
    imap.expect("b OK").await;
}

#[tokio::test]
async fn a_message_is_appended_and_copied() {
    let house = TestHouse::start().await;
    let mut imap = house.imap().await;
    imap.send(&format!("a APPEND Sent (\\Seen) {{{}}}", MESSAGE.len())).await;
    imap.expect("+ ").await;
    imap.send(MESSAGE).await;
    imap.expect("a OK [APPENDUID ").await;
    imap.send("b APPEND Nowhere {3}").await;
    imap.expect("b NO [TRYCREATE]").await;
    imap.send("c SELECT Sent").await;
    imap.until("c OK").await;
    imap.send("d COPY 1 Nowhere").await;
    imap.expect("d NO [TRYCREATE]").await;
    imap.send("e COPY 1 Archive").await;
    imap.expect("e OK [COPYUID ").await;
    imap.send("f MOVE 1 Archive").await;
    let moved = imap.until("f OK").await;
    assert!(moved.contains(&"* 1 EXPUNGE".to_owned()), "{moved:?}");
    imap.send("g STATUS Archive (MESSAGES UNSEEN)").await;
    imap.expect("* STATUS \"Archive\" (MESSAGES 2 UNSEEN 0)").await;
    imap.expect("g OK").await;
    imap.send("h EXAMINE Archive").await;
    imap.until("h OK [READ-ONLY]").await;
    imap.send("i SEARCH TEXT hello").await;
    imap.expect("* SEARCH 1 2").await;
    imap.expect("i OK").await;
    imap.send("j STORE 1 +FLAGS (\\Deleted)").await;
    imap.until("j NO").await;
}

#[tokio::test]
async fn mail_for_nobody_is_refused_before_it_comes() {
    let house = TestHouse::start().await;
    let mut smtp = house.connect(MX).await;
    smtp.expect("220 ").await;
    smtp.send("EHLO client.example").await;
    smtp.until("250 ").await;
    smtp.send("MAIL FROM:<x@elsewhere.example>").await;
    smtp.expect("250 ").await;
    smtp.send("RCPT TO:<nobody@example.org>").await;
    smtp.expect("550 5.1.1").await;
}

#[tokio::test]
async fn long_messages_come_whole_and_in_part() {
    let house = TestHouse::start().await;
    let line = "0123456789abcdef0123456789abcd\r\n";
    let message = format!("Subject: long\r\n\r\n{}", line.repeat(64 * 1024));
    house.deliver(&message).await;
    let mut pop3 = house.connect_tls(POP3S).await;
    pop3.expect("+OK").await;
    pop3.send("USER ann@example.org").await;
    pop3.expect("+OK").await;
    pop3.send(&format!("PASS {PASSWORD}")).await;
    pop3.expect("+OK").await;
    pop3.send("TOP 1 2\r\nRETR 1\r\nNOOP").await;
    pop3.until("Subject: long").await;
    assert_eq!(pop3.until(".").await.len(), 4, "an empty line, two lines and the end");
    pop3.until("Subject: long").await;
    assert_eq!(pop3.until(".").await.len(), 1 + 64 * 1024 + 1);
    pop3.expect("+OK").await;

    let mut imap = house.imap().await;
    imap.send("a SELECT INBOX").await;
    imap.until("a OK").await;
    imap.send("b FETCH 1 (BODY.PEEK[TEXT]<32.64> BODY.PEEK[] FLAGS)").await;
    imap.expect("* 1 FETCH (FLAGS () BODY[TEXT]<32> {64}").await;
    assert_eq!(imap.octets(64).await, line.repeat(2).as_bytes());
    let rest = imap.expect(" BODY[] {").await;
    let length: usize = rest.trim_start_matches(" BODY[] {").trim_end_matches('}').parse().unwrap();
    assert!(imap.octets(length).await.ends_with(message.as_bytes()));
    imap.expect(")").await;
    imap.expect("b OK").await;
    imap.send("c FETCH 1 BODY[]<0.10>").await;
    let lines = imap.until("c OK").await;
    assert!(lines.iter().any(|line| line.contains("\\Seen")), "{lines:?}");
}
