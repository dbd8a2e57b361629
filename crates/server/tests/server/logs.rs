//! What the logs say, and what they never do.

use std::io;
use std::sync::{Arc, Mutex};

use tracing_subscriber::fmt::MakeWriter;

use crate::house::{IMAPS, MX, PASSWORD, POP3S, SUBMISSIONS, TestHouse};

/// Collects what is logged.
#[derive(Clone, Default)]
struct Collected(Arc<Mutex<Vec<u8>>>);

impl io::Write for Collected {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Collected {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn the_protocol_log_has_no_secrets_and_no_mail() {
    let collected = Collected::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(collected.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
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

    let log = String::from_utf8(collected.0.lock().unwrap().clone()).unwrap();
    for shown in ["C: in LOGIN [removed]", "C: AUTH PLAIN [removed]", "C: PASS [removed]", "C: RETR 1", "S: a OK"] {
        assert!(log.contains(shown), "no `{shown}` in\n{log}");
    }
    for hidden in [PASSWORD, &encoded, "quartz", "surprise", "eight"] {
        assert!(!log.contains(hidden), "`{hidden}` in\n{log}");
    }
}
