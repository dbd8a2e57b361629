//! What an attacker tries, on the wire.
#![allow(clippy::unwrap_used, reason = "a test may end where it stands")]

mod dialect;

use dialect::{Pop3, check, check_logged_in, check_with};
use posthouse_model::session::{CloseReason, Session as _, Step, TlsMode};
use posthouse_model::time::Instant;
use posthouse_testkit::transcript::Dialect as _;

const GREETING: &str = "S: +OK mail.example POP3 server ready\n";

/// Everything the session does with `bytes` that come in one piece.
fn steps(tls_mode: TlsMode, bytes: &[u8]) -> (Vec<u8>, Vec<String>) {
    let mut session = Pop3::new(tls_mode).start();
    let (mut sent, mut others) = (Vec::new(), Vec::new());
    let mut pending = Some(bytes);
    loop {
        match session.next() {
            Some(Step::Send(bytes)) => sent.extend_from_slice(&bytes),
            Some(Step::WakeAt(_)) => {}
            Some(step) => others.push(format!("{step:?}")),
            None => match pending.take() {
                Some(bytes) => session.receive(bytes, Instant(0)),
                None => return (sent, others),
            },
        }
    }
}

#[test]
fn clear_text_behind_stls_ends_the_connection() {
    // CVE-2011-0411 and its kin.
    for injected in
        ["STLS\r\nCAPA\r\n", "STLS\r\n ", "STLS\r\n\r\n", "STLS\r\nUSER mallory", "CAPA\r\nSTLS\r\nSTLS\r\n"]
    {
        for mode in [TlsMode::StartTlsRequired, TlsMode::StartTlsOptional] {
            let (sent, others) = steps(mode, injected.as_bytes());
            assert_eq!(others, ["Close(PipelinedStartTls)"], "{injected:?}");
            assert!(!String::from_utf8(sent).unwrap().contains("begin TLS"), "{injected:?}");
        }
    }
}

#[test]
fn clear_text_during_the_handshake_ends_the_connection() {
    let mut session = Pop3::new(TlsMode::StartTlsRequired).start();
    let drain = |session: &mut posthouse_pop3::Session| -> Vec<_> {
        std::iter::from_fn(|| session.next()).filter(|step| !matches!(step, Step::Send(_) | Step::WakeAt(_))).collect()
    };
    drain(&mut session);
    session.receive(b"STLS\r\n", Instant(0));
    assert!(matches!(drain(&mut session)[..], [Step::StartTls]));
    assert!(!session.wants_input());
    session.receive(b"CAPA\r\n", Instant(0));
    assert!(matches!(drain(&mut session)[..], [Step::Close(CloseReason::PipelinedStartTls)]));
    session.tls_established(dialect::bound_tls(), Instant(0));
    assert!(drain(&mut session).is_empty());
}

#[test]
fn lines_are_bounded() {
    let limit = 255 - "PASS \r\n".len();
    check(&format!("C> PASS \\({limit}*x)\\r\\n\nS: -ERR PASS comes right after USER\n"));
    check(&format!("C> PASS \\({}*x)\\r\\n\nS: -ERR the line is too long\nC: UTF8\nS: +OK UTF-8 mode\n", limit + 1));
    check("C> \\(65000*x)\\r\\n\nS: -ERR the line is too long\nC: UTF8\nS: +OK UTF-8 mode\n");
    check("C> \\(70000*x)\nS: -ERR the line is too long\nCLOSE ProtocolError");
    check("C> AUTH PLAIN \\(70000*x)\\r\\n\nS: -ERR the line is too long\nC: UTF8\nS: +OK UTF-8 mode\n");
    check("C> AUTH PLAIN \\(100000*x)\nS: -ERR the line is too long\nCLOSE ProtocolError");
    check_logged_in("", "C> \\(70000*\\x00)\nS: -ERR the line is too long\nCLOSE ProtocolError");
    // What is skipped is not read as commands.
    check("C> \\(300*x)QUIT\\r\\n\nS: -ERR the line is too long\n");
    // A too long line between USER and PASS is a command between them.
    check(
        "C: USER a\nS: +OK send the password\nC> \\(300*x)\\r\\n\nS: -ERR the line is too long\nC: PASS b\n\
         S: -ERR PASS comes right after USER\n",
    );
}

#[test]
fn only_crlf_ends_a_line() {
    check("C> QUIT\\n\nS: -ERR lines end in CRLF\nCLOSE ProtocolError");
    check("C> USER a\\nPASS b\\r\\n\nS: -ERR lines end in CRLF\nCLOSE ProtocolError");
    check("C> \\n\nS: -ERR lines end in CRLF\nCLOSE ProtocolError");
    check("C> \\(300*x)\\nQUIT\\r\\n\nS: -ERR lines end in CRLF\nCLOSE ProtocolError");
    let refused = "S: -ERR the command holds characters that are not allowed\n";
    check(&format!("C> QUIT\\rQUIT\\r\\n\n{refused}"));
    check(&format!("C> QUIT\\r\\r\\n\n{refused}"));
    check(&format!("C> QUIT\\0\\r\\n\n{refused}"));
    check(&format!("C> \\0QUIT\\r\\n\n{refused}"));
    check(&format!("C> US\\tER a\\r\\n\n{refused}"));
    check(&format!("C> USER a\\xff\\r\\n\n{refused}"));
    check(&format!("C: UTF8\nS: +OK UTF-8 mode\nC> USER a\\xff\\r\\n\n{refused}"));
    check(&format!("C: UTF8\nS: +OK UTF-8 mode\nC> PASS a\\0b\\r\\n\n{refused}"));
    check("C> \\r\\n\nS: -ERR unknown command\n");
    check("C: AUTH LOGIN\n? nonce\n! nonce\nS* + \nC> dGlt\\n\nS: -ERR lines end in CRLF\nCLOSE ProtocolError");
}

#[test]
fn another_protocol_ends_the_connection() {
    for mode in [TlsMode::StartTlsRequired, TlsMode::StartTlsOptional, TlsMode::None] {
        // A TLS ClientHello is known by its first octet, long before there is a line.
        check_with(mode, |_| {}, &format!("{GREETING}C> \\x16\\x03\\x01\\x02\\0\\x01\nCLOSE WrongTransport"));
        for request in ["GET / HTTP/1.1", "POST /login HTTP/1.1", "PRI * HTTP/2.0"] {
            check_with(mode, |_| {}, &format!("{GREETING}C: {request}\nC: USER ada\nCLOSE WrongTransport"));
        }
    }
    check("C: GET / HTTP/1.1\nC: Host: mail.example:995\nCLOSE WrongTransport");
}

#[test]
fn errors_commands_and_failures_are_counted() {
    let error = "C: BOGUS\nS: -ERR unknown command\n".repeat(10);
    let over = "S: -ERR too many errors\nCLOSE TooManyErrors";
    check(&format!("{error}{over}"));
    check_logged_in("", &format!("{error}{over}"));
    check(&format!("{}{over}", "C> \\(300*x)\\r\\n\nS: -ERR the line is too long\n".repeat(10)));
    check(&format!("{}{over}", "C: STAT\nS: -ERR log in first\n".repeat(10)));
    check(&format!(
        "{}C: UTF8\nS: -ERR too many commands\nCLOSE TooManyErrors",
        "C: UTF8\nS: +OK UTF-8 mode\n".repeat(50)
    ));
    // Cancelling is no way to keep a connection for ever.
    let cancelled = "C: AUTH PLAIN\n? nonce\n! nonce\nS> + \\r\\n\nC: *\nS: -ERR authentication cancelled\n".repeat(50);
    check(&format!("{cancelled}C: AUTH PLAIN\nS: -ERR too many commands\nCLOSE TooManyErrors"));
    let failed = "C: USER a\nS: +OK send the password\nC: PASS b\n? login a b\n! login no\nS: -ERR [AUTH] authentication failed\n";
    check(&format!("{}CLOSE AuthenticationFailures", failed.repeat(3)));
    let sasl = "C: AUTH PLAIN AHRpbQB4\n? nonce\n! nonce\n? verify tim x\n! verified no\nS: -ERR [AUTH] authentication failed\n";
    check(&format!("{failed}{sasl}{failed}CLOSE AuthenticationFailures"));
}

#[test]
fn commands_that_move_no_mail_are_counted() {
    for (command, reply) in [
        ("NOOP", "S: +OK\n"),
        ("STAT", "S: +OK 1 1\n"),
        ("RSET", "S: +OK the maildrop has 1 messages (1 octets)\n"),
        ("RETR 9", "S: -ERR no such message\n"),
        ("LIST", "S: +OK listing follows\nS: 1 1\nS: .\n"),
    ] {
        let once = format!("C: {command}\n{reply}");
        let script = dialect::logged_in(
            "5:1",
            &format!(
                "{0}C: RETR 1\n? retrieve 5 whole\n! message x\nS: +OK 1 octets\nS: x\nS: .\n{0}\
                 C: {command}\nS: -ERR too many commands\nCLOSE TooManyErrors",
                once.repeat(7)
            ),
        );
        check_with(TlsMode::Implicit, |config| config.limits.idle_commands = 7, &format!("TLS\n{GREETING}{script}"));
    }
}

#[test]
fn a_client_that_does_not_read_costs_one_batch() {
    let mut config = Pop3::new(TlsMode::Implicit);
    config.0.limits.idle_commands = u32::MAX;
    let mut session = config.start();
    session.tls_established(dialect::bound_tls(), Instant(0));
    let entries: String = (1..=20_000).map(|uid| format!("{uid}:{uid} ")).collect();
    let mut answers = ["login yes".to_owned(), format!("maildrop {entries}")].into_iter();
    session.receive(b"USER ada\r\nPASS secret\r\n", Instant(0));
    while let Some(step) = session.next() {
        if let Step::Ask(id, _) = step {
            session.answer(id, config.answer(&answers.next().unwrap()), Instant(0));
        }
    }
    // Forty listings of a quarter of a megabyte each wait in 240 octets.
    session.receive(&b"LIST\r\n".repeat(40), Instant(0));
    assert!(session.wants_input());
    let mut total = 0;
    while let Some(step) = session.next() {
        if let Step::Send(bytes) = step {
            assert!(bytes.len() < 20_000, "{} bytes at once", bytes.len());
            total += bytes.len();
        }
    }
    assert!(total > 40 * 200_000);
}

#[test]
fn a_session_that_waits_is_small() {
    assert!(size_of::<posthouse_pop3::Session>() <= 1024, "{} bytes", size_of::<posthouse_pop3::Session>());
}

#[test]
fn secrets_are_not_printed() {
    let mut session = Pop3::new(TlsMode::Implicit).start();
    session.tls_established(dialect::bound_tls(), Instant(0));
    session.receive(b"USER ada\r\nPASS hunter2\r\n", Instant(0));
    let mut printed = format!("{session:?}");
    while let Some(step) = session.next() {
        printed += &format!("{step:?}{session:?}");
    }
    assert!(printed.contains("ada"));
    assert!(!printed.contains("hunter2"));
    let bytes = format!("{:?}", b"hunter2");
    assert!(!printed.contains(bytes.trim_matches(['[', ']'])));
}
