//! What the logs say, and what they never do.

use crate::house::{IMAPS, MX, PASSWORD, POP3S, SUBMISSIONS, TestHouse};
use crate::logged::Collected;

#[tokio::test]
async fn the_log_names_the_likely_mistake_of_a_client() {
    let collected = Collected::begin();
    let house = TestHouse::start().await;
    let mut plain = house.connect(IMAPS).await;
    plain.send("a LOGIN ann secret").await;
    plain.expect_end().await;
    drop(plain);
    let mut tls = house.connect(MX).await;
    tls.send_raw(b"\x16\x03\x01\x00\x05hello").await;
    tls.rest().await;
    drop(tls);
    let mut guesser = house.connect_tls(IMAPS).await;
    guesser.expect("* OK").await;
    guesser.send("a LOGIN ann@example.org secret").await;
    guesser.expect("a NO").await;
    let log = collected.text();
    for line in [
        "probably set to \"STARTTLS\" or \"no encryption\" and should be set to \"SSL/TLS\"",
        "probably set to \"SSL/TLS\" and should be set to \"STARTTLS\"",
        "authentication failed listener=\"imaps\" service=\"imap\" remote=127.0.0.1",
    ] {
        assert!(log.contains(line), "no `{line}` in\n{log}");
    }
    assert!(!log.contains("secret"), "{log}");
}

#[tokio::test]
async fn the_protocol_log_has_no_secrets_and_no_mail() {
    let collected = Collected::begin();
    let house = TestHouse::start().await;
    for listener in [MX, SUBMISSIONS, IMAPS, POP3S] {
        assert!(house.server.set_protocol_log(listener, true));
    }
    assert!(!house.server.set_protocol_log("nothing", true));
    house.deliver("Subject: surprise party\r\n\r\nAt eight.\r\n").await;
    let mut imap = house.imap().await;
    imap.send("a SELECT INBOX").await;
    imap.until("a OK").await;
    imap.send("b FETCH 1 (ENVELOPE BODY.PEEK[])").await;
    imap.until("b OK").await;
    imap.send(PASSWORD).await;
    imap.line().await;
    let mut smtp = house.connect_tls(SUBMISSIONS).await;
    smtp.expect("220 ").await;
    smtp.send("EHLO client.example").await;
    smtp.until("250 ").await;
    let encoded = posthouse_sasl::encode_line(format!("\0ann@example.org\0{PASSWORD}").as_bytes());
    smtp.send(&format!("AUTH PLAIN {encoded}")).await;
    smtp.expect("235 ").await;
    smtp.send(PASSWORD).await;
    smtp.expect("500 ").await;
    let mut pop3 = house.connect_tls(POP3S).await;
    pop3.expect("+OK").await;
    pop3.send("USER ann@example.org").await;
    pop3.expect("+OK").await;
    pop3.send(&format!("PASS {PASSWORD}")).await;
    pop3.expect("+OK").await;
    pop3.send("RETR 1").await;
    pop3.until("At eight").await;

    let log = collected.text();
    for shown in ["C: in LOGIN [removed]", "C: AUTH PLAIN [removed]", "C: PASS [removed]", "C: RETR 1", "S: a OK"] {
        assert!(log.contains(shown), "no `{shown}` in\n{log}");
    }
    for hidden in [PASSWORD, &encoded, "quartz", "surprise", "eight"] {
        assert!(!log.contains(hidden), "`{hidden}` in\n{log}");
    }
}
