//! What must not work.

use crate::client::Client;
use crate::house::{IMAP, IMAPS, MX, POP3, POP3S, SUBMISSION, SUBMISSIONS, TestHouse};

/// Sends the command that begins TLS with another one behind it, in the same packet.
async fn inject(house: &TestHouse, listener: &str, before: &[(&str, &str)], upgrade: &str) {
    let mut client = house.connect(listener).await;
    for (command, reply) in before {
        if !command.is_empty() {
            client.send(command).await;
        }
        client.until(reply).await;
    }
    client.send_raw(upgrade.as_bytes()).await;
    // IMAP has a word for the end of a connection; nothing is answered in any other.
    let rest = String::from_utf8(client.rest().await).unwrap();
    assert!(rest.is_empty() || (rest.starts_with("* BYE ") && rest.lines().count() == 1), "{rest}");
}

#[tokio::test]
async fn commands_behind_starttls_end_the_connection() {
    let house = TestHouse::start().await;
    let ehlo = [("", "220 "), ("EHLO client.example", "250 ")];
    inject(&house, SUBMISSION, &ehlo, "STARTTLS\r\nNOOP\r\n").await;
    inject(&house, MX, &ehlo, "STARTTLS\r\nMAIL FROM:<x@elsewhere.example>\r\n").await;
    inject(&house, IMAP, &[("", "* OK")], "a STARTTLS\r\nb NOOP\r\n").await;
    inject(&house, POP3, &[("", "+OK")], "STLS\r\nNOOP\r\n").await;
}

#[tokio::test]
async fn clear_text_after_starttls_never_gets_inside() {
    let house = TestHouse::start().await;
    let mut client = house.connect(SUBMISSION).await;
    client.expect("220 ").await;
    client.send("EHLO client.example").await;
    client.until("250 ").await;
    client.send("STARTTLS").await;
    client.expect("220 ").await;
    client.send("NOOP").await;
    // An alert of TLS may come; no reply does.
    let rest = client.rest().await;
    assert!(!rest.windows(3).any(|window| window == b"250"), "{}", rest.escape_ascii());
}

#[tokio::test]
async fn no_password_goes_in_clear() {
    let house = TestHouse::start().await;
    let mut smtp = house.connect(SUBMISSION).await;
    smtp.expect("220 ").await;
    smtp.send("EHLO client.example").await;
    let offer = smtp.until("250 ").await;
    assert!(!offer.iter().any(|line| line.contains("PLAIN") || line.contains("LOGIN")), "{offer:?}");
    smtp.send("AUTH PLAIN AGFubgBodW50ZXIy").await;
    smtp.expect("530 5.7.0").await;
    smtp.send("MAIL FROM:<ann@example.org>").await;
    smtp.expect("530 5.7.0").await;

    let mut imap = house.connect(IMAP).await;
    imap.expect("* OK").await;
    imap.send("a LOGIN ann@example.org hunter2").await;
    assert!(!imap.expect("a ").await.starts_with("a OK"));
    imap.send("b AUTHENTICATE SCRAM-SHA-256").await;
    imap.expect("b ").await;

    let mut pop3 = house.connect(POP3).await;
    pop3.expect("+OK").await;
    pop3.send("USER ann@example.org").await;
    pop3.expect("-ERR").await;
}

#[tokio::test]
async fn nobody_relays() {
    let house = TestHouse::start().await;
    let mut smtp = house.connect(MX).await;
    smtp.expect("220 ").await;
    smtp.send("EHLO client.example").await;
    smtp.until("250 ").await;
    for sender in ["x@elsewhere.example", "ann@example.org", ""] {
        smtp.send(&format!("MAIL FROM:<{sender}>")).await;
        smtp.expect("250 ").await;
        smtp.send("RCPT TO:<victim@elsewhere.example>").await;
        smtp.expect("550 5.7.1").await;
        smtp.send("RSET").await;
        smtp.expect("250 ").await;
    }
    let mut unknown = house.connect_tls(SUBMISSIONS).await;
    unknown.expect("220 ").await;
    unknown.send("EHLO client.example").await;
    unknown.until("250 ").await;
    unknown.send("MAIL FROM:<ann@example.org>").await;
    unknown.expect("530 5.7.0").await;
}

#[tokio::test]
async fn wrong_passwords_are_counted_and_put_off() {
    let mut draft = TestHouse::draft(posthouse_storage::MemoryStorage::new()).await;
    draft.options.max_failed_logins = posthouse_server::MaxFailedLogins(2);
    let house = draft.start();
    let mut imap = house.connect_tls(IMAPS).await;
    imap.expect("* OK").await;
    for _ in 0..2 {
        imap.send("a LOGIN ann@example.org wrong").await;
        imap.expect("a NO [AUTHENTICATIONFAILED]").await;
    }
    imap.send("b LOGIN ann@example.org wrong").await;
    imap.expect("b NO [").await;
    let mut pop3 = house.connect_tls(POP3S).await;
    pop3.expect("+OK").await;
    pop3.send("USER ann@example.org").await;
    pop3.expect("+OK").await;
    pop3.send("PASS wrong").await;
    pop3.expect("-ERR [SYS/TEMP]").await;
    let metrics = house.server.metrics().render();
    let line = "posthouse_logins_total{listener=\"imaps\",mechanism=\"PLAIN\",result=\"failed\"} 2";
    assert!(metrics.contains(line), "{metrics}");
}

#[tokio::test]
async fn the_wrong_transport_ends_the_connection() {
    let house = TestHouse::start().await;
    for listener in [SUBMISSIONS, IMAPS, POP3S] {
        let mut client = house.connect(listener).await;
        client.send("EHLO client.example").await;
        client.expect_clean_end().await;
    }
    for listener in [SUBMISSION, MX, IMAP, POP3] {
        let mut client: Client = house.connect(listener).await;
        // The greeting is no TLS, so the client gives up; what matters is that the server does, too.
        client.send_raw(b"\x16\x03\x01\x00\x05hello").await;
        client.line().await.unwrap();
        client.expect_clean_end().await;
    }
}

#[tokio::test]
async fn a_line_without_end_ends_the_connection() {
    let house = TestHouse::start().await;
    for (listener, greeting) in [(MX, "220 "), (IMAP, "* OK"), (POP3, "+OK")] {
        let mut client = house.connect(listener).await;
        client.expect(greeting).await;
        let endless = vec![b'x'; 64 * 1024];
        let mut sent = 0;
        while client.try_send(&endless).await.is_ok() {
            sent += endless.len();
            assert!(sent < 128 * 1024 * 1024, "{listener}");
        }
    }
}
