//! What must not work.

use posthouse_model::session::TlsMode;
use posthouse_testkit::transcript::{Split, check_split};

use super::dialect::{mx, submission};
use crate::server::BareLineEndings;

/// Everything that resembles the end of the text leaves the session inside it, and spoils the message.
#[track_caller]
fn check_smuggled(wire: &str, body: &str, reply: &str) {
    mx().check_addressed(
        "",
        &format!(
            "C: DATA\nS* 354\nC> {wire}\nC> MAIL FROM:<evil@b.example>\\r\\n.\\r\\nNOOP\\r\\nQUIT\\r\\n\n\
             B> {body}\n? aborted\nS: {reply}\nS: 250 2.0.0 OK\nS* 221\nCLOSE Quit\n"
        ),
    );
}

#[test]
fn messages_cannot_be_smuggled() {
    let lf = "554 5.6.0 Message contains a bare <LF>";
    let cr = "554 5.6.0 Message contains a bare <CR>";
    let nul = "554 5.6.0 Message contains a NUL";
    check_smuggled(r"x\n.\n", r"x", lf);
    check_smuggled(r"x\n.\r\n", r"x", lf);
    check_smuggled(r"x\r.\r\n", r"x\r", cr);
    check_smuggled(r"x\r.\r", r"x\r", cr);
    check_smuggled(r"x\r\n.\n", r"x\r\n", lf);
    check_smuggled(r"x\r\n.\r", r"x\r\n\r", cr);
    check_smuggled(r"x\r\n.\r.\r\n", r"x\r\n\r", cr);
    check_smuggled(r"x\r\n\0.\r\n", r"x\r\n", nul);
    check_smuggled(r"x\r\r\n.\n\r\n", r"x\r", cr);
    check_smuggled(r"x\n\n.\r\n", r"x", lf);
    check_smuggled(r"x\n\r\n\0\r\n", r"x", lf);
}

#[test]
fn a_message_that_ends_inside_a_broken_line_is_refused_too() {
    // Here the CRLF.CRLF is real, but what precedes it is not text.
    mx().check_addressed(
        "",
        "C: DATA\nS* 354\nC> x\\r\\r\\n.\\r\\n\nB> x\\r\n? aborted\nS* 554 5.6.0 Message contains a bare <CR>",
    );
}

#[test]
fn trusted_clients_may_be_sloppy_and_cannot_smuggle_either() {
    mx().with(|config| config.bare_line_endings = BareLineEndings::Normalise).check_addressed(
        "",
        r"
        C: DATA
        S* 354
        C> a\n.\nMAIL\r.\r\nb\r\n.\nc\r\n.\r\n
        B> a\r\n.\r\nMAIL\r\n.\r\nb\r\n\r\nc\r\n
        ? store u@example.org 23 bytes with ESMTP
        ! stored
        S* 250
        ",
    );
}

#[test]
fn bare_line_ends_do_not_end_commands() {
    mx().check(
        r"
        S* 220
        C> EHLO x\nMAIL FROM:<a@b.example>\r\n
        S: 500 5.5.2 Lines must end in <CR><LF>
        C> NOOP\rQUIT\r\n
        S: 500 5.5.2 Command contains invalid octets
        C> NO\0OP\r\n
        S: 500 5.5.2 Command contains invalid octets
        C: NOOP
        S* 250
        ",
    );
}

#[test]
fn nothing_is_taken_over_into_tls() {
    for script in [
        "S* 220\nC> STARTTLS\\r\\nMAIL FROM:<a@b.example>\\r\\n\nCLOSE PipelinedStartTls",
        "S* 220\nC> STARTTLS\\r\\nR\nCLOSE PipelinedStartTls",
        "S* 220\nC> STARTTLS\\r\\n\\x16\\x03\\x01\nCLOSE PipelinedStartTls",
    ] {
        check_split(&mx(), script, Split::Whole);
    }
    // EHLO, transaction and errors of before are forgotten.
    mx().check_addressed(
        "",
        "C: STARTTLS\nS* 220 2.0.0\nTLS\nC: RCPT TO:<u@example.org>\nS* 503\nC: MAIL FROM:<a@b.example>\nS* 503 5.5.1 Introduce\n",
    );
}

#[test]
fn bytes_behind_starttls_are_never_obeyed() {
    use posthouse_model::session::{CloseReason, Session, Step};
    use posthouse_model::time::Instant;
    use posthouse_testkit::transcript::Dialect;

    let mut session = mx().start();
    session.receive(b"STARTTLS\r\n", Instant(1));
    session.receive(b"NOOP\r\n", Instant(2));
    let steps: Vec<_> = std::iter::from_fn(|| session.next()).collect();
    assert!(matches!(steps.last(), Some(Step::Close(CloseReason::PipelinedStartTls))), "{steps:?}");
    assert!(!session.wants_input());
}

#[test]
fn other_protocols_are_recognised() {
    mx().check("S* 220\nC> \\x16\\x03\\x01\\x02\\0\\x01\nCLOSE WrongTransport");
    mx().check("S* 220\nC> \\x80\\x2e\\x01\\x03\\x01\nCLOSE WrongTransport");
    mx().check("S* 220\nC: POST / HTTP/1.1\nC: Host: x\nS* 500\nCLOSE ProtocolError");
    mx().check("S* 220\nC: GET / HTTP/1.1\nS* 500\nCLOSE ProtocolError");
    mx().check("S* 220\nC: CONNECT x:25 HTTP/1.1\nS* 500\nCLOSE ProtocolError");
}

#[test]
fn relaying_in_disguise_is_told_as_it_is() {
    // The session reads addresses; whether they are ours is not for it to say. What it must not do is read one as
    // another.
    for (path, recipient) in [
        ("<victim@elsewhere.example>", "victim@elsewhere.example"),
        ("<victim%elsewhere.example@example.org>", "victim%elsewhere.example@example.org"),
        ("<\"victim@elsewhere.example\"@example.org>", "\"victim@elsewhere.example\"@example.org"),
        ("<elsewhere.example!victim@example.org>", "elsewhere.example!victim@example.org"),
        ("<@example.org:victim@elsewhere.example>", "victim@elsewhere.example"),
        ("<@example.org,@x.example:victim@elsewhere.example>", "victim@elsewhere.example"),
        ("<victim@[203.0.113.9]>", "victim@[203.0.113.9]"),
        ("<victim@EXAMPLE.ORG.>", "victim@example.org"),
    ] {
        mx().check_greeted(&format!(
            "C: MAIL FROM:<>\n? sender <>\n! ok\nS* 250\nC: RCPT TO:{path}\n? recipient {recipient}\n! relay\n\
             S: 550 5.7.1 Relaying denied\nC: DATA\nS* 554\n"
        ));
    }
    for path in [
        "<victim@elsewhere.example@example.org>",
        "victim@elsewhere.example",
        "<victim@elsewhere.example",
        "<victim@example.org> <victim@elsewhere.example>",
        "<victim@example.org>,<victim@elsewhere.example>",
        "<victim@example.org\u{85}>",
        "<victim@elsewhere.example\\@example.org>",
        "<:victim@elsewhere.example>",
        "<@example.org>",
    ] {
        mx().check_greeted(&format!("C: MAIL FROM:<>\n? sender <>\n! ok\nS* 250\nC: RCPT TO:{path}\nS* 5"));
    }
}

#[test]
fn commands_are_not_told_apart_before_their_time() {
    submission(TlsMode::Implicit).check_greeted(
        r"
        C: MAIL FROM:<broken
        S: 530 5.7.0 Authentication required
        C: MAIL FROM:<a@b.example> XYZZY
        S: 530 5.7.0 Authentication required
        C> BDAT 6\r\nQUIT\r\nNOOP\r\n
        S: 530 5.7.0 Authentication required
        S: 250 2.0.0 OK
        ",
    );
}
