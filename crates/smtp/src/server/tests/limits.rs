//! Every bound, reached.

use std::time::Duration;

use super::dialect::{Listener, mx};
use crate::limits::Limits;

fn with(change: impl FnOnce(&mut Limits)) -> Listener {
    mx().with(|config| change(&mut config.limits))
}

#[test]
fn command_lines_end() {
    mx().check(
        r"
        S* 220
        C> NOOP \(1700*x)\r\n
        S: 250 2.0.0 OK
        C> NOOP \(2000*x)\r\nNOOP\r\n
        S: 500 5.5.2 Line too long
        S* 250
        ",
    );
    mx().check("S* 220\nC> NOOP \\(80000*x)\nS: 500 5.5.2 Line too long\nCLOSE ProtocolError\n");
}

#[test]
fn messages_have_a_size() {
    let listener = with(|limits| {
        limits.message_size_bytes = 10;
        limits.discarded_bytes = 20;
    });
    let start = "C: MAIL FROM:<>\n? sender <>\n! ok\nS* 250\nC: RCPT TO:<x@example.org>\n? recipient x@example.org\n! yes\nS* 250\nC: DATA\nS* 354\n";
    let fits = "C: 12345678\nC: .\nB> 12345678\\r\\n\n? store x@example.org 10 bytes with ESMTP\n! stored\nS* 250\n";
    let exceeds = "C: 123456789\nC: .\nB> 123456789\\r\n? aborted\nS* 552 5.3.4\nC: DATA\nS* 503\n";
    let endless = "C> 1234567890\\(40*x)\nB> 1234567890\n? aborted\nS* 552 5.3.4\nCLOSE ProtocolError\n";
    let stuffed = "C> ..\\r\\n..\\r\\n..\\r\\n.\\r\\n\nB> .\\r\\n.\\r\\n.\\r\\n\n? store x@example.org 9 bytes with ESMTP\n! stored\nS* 250\n";
    for rest in [fits, exceeds, endless, stuffed] {
        listener.check_greeted(&format!("{start}{rest}"));
    }
}

#[test]
fn text_lines_are_bounded() {
    with(|limits| limits.text_line_bytes = 20).check_addressed(
        "",
        r"
        C: DATA
        S* 354
        C> 123456789012345678\r\n1234567890123456789\r\n.\r\n
        B> 123456789012345678\r\n1234567890123456789\r
        ? aborted
        S: 554 5.6.0 Message contains a line that is too long
        ",
    );
}

#[test]
fn recipients_are_counted() {
    let recipient = "C: RCPT TO:<x@example.org>\n? recipient x@example.org\n! yes\nS* 250\n";
    with(|limits| limits.recipients_per_message = 2).check_greeted(&format!(
        "C: MAIL FROM:<>\n? sender <>\n! ok\nS* 250\n{recipient}{recipient}C: RCPT TO:<x@example.org>\nS: 452 4.5.3 Too many recipients\n\
         C: DATA\nS* 354\nC: .\n? store x@example.org,x@example.org 0 bytes with ESMTP\n! stored\nS* 250\n"
    ));
    let refused = "C: RCPT TO:<x@example.org>\n? recipient x@example.org\n! nobody\nS* 550\n";
    with(|limits| limits.refused_recipients = 3).check_greeted(&format!(
        "C: MAIL FROM:<>\n? sender <>\n! ok\nS* 250\n{}S* 421 4.7.0\nCLOSE TooManyErrors\n",
        refused.repeat(3)
    ));
}

#[test]
fn messages_are_counted() {
    with(|limits| limits.messages_per_session = 1).check_addressed(
        "",
        "C: DATA\nS* 354\nC: .\n? store u@example.org 0 bytes with ESMTP\n! stored\nS* 250\nC: MAIL FROM:<>\nS* 421 4.7.0\nCLOSE TooManyErrors",
    );
}

#[test]
fn errors_are_counted() {
    let error = "C: XYZZY\nS* 500\n".repeat(20);
    mx().check_greeted(&format!("{error}S: 421 4.7.0 Too many errors, closing the connection\nCLOSE TooManyErrors\n"));
    // What follows in the same packet is not obeyed.
    let flood = "C: XYZZY\n".repeat(40);
    let replies = "S* 500\n".repeat(20);
    mx().check_greeted(&format!("{flood}{replies}S* 421\nCLOSE TooManyErrors\n"));
}

#[test]
fn idle_commands_are_counted() {
    for (verb, reply) in [("NOOP", "250"), ("RSET", "250"), ("HELP", "214"), ("VRFY x", "252"), ("HELO x", "250")] {
        // EHLO was the first.
        let flood = format!("C: {verb}\nS* {reply}\n").repeat(9);
        with(|limits| limits.commands_without_progress = 10)
            .check_greeted(&format!("{flood}S* 421 4.7.0\nCLOSE TooManyErrors\n"));
    }
    let loops = "C: MAIL FROM:<>\n? sender <>\n! ok\nS* 250\nC: RSET\nS* 250\n".repeat(4);
    with(|limits| limits.commands_without_progress = 10)
        .check_greeted(&format!("{loops}C: NOOP\nS* 250\nS* 421 4.7.0\nCLOSE TooManyErrors\n"));
    let chunks = "C: BDAT 0\nS* 250\n".repeat(8);
    with(|limits| limits.commands_without_progress = 10)
        .check_addressed("", &format!("{chunks}S* 421 4.7.0\n? aborted\nCLOSE TooManyErrors\n"));
}

#[test]
fn silence_ends() {
    mx().check("S* 220\n+299s\nC: NOOP\nS* 250\n+299s\nC: NOOP\nS* 250\n+300s\nS: 421 4.4.2 Timeout, closing the connection\nCLOSE Timeout");
    // Octets do not prolong the time of a line.
    mx().check("S* 220\n+200s\nC> NO\n+99s\nC> O\n+1s\nS* 421\nCLOSE Timeout");
    mx().check("S* 220\nC: STARTTLS\nS* 220\nTLS\n+300s\nS* 421\nCLOSE Timeout");
    // While the house thinks, the client waits without end.
    mx().check_greeted("C: MAIL FROM:<>\n? sender <>\n+2h\n! ok\nS* 250\n+299s\nC: RSET\nS* 250\n");
}

#[test]
fn a_handshake_has_its_time() {
    use posthouse_model::session::{CloseReason, Session, Step};
    use posthouse_model::time::Instant;
    use posthouse_testkit::transcript::Dialect;

    let mut session = mx().start();
    session.receive(b"STARTTLS\r\n", Instant(0));
    while session.next().is_some() {}
    session.wake(Instant(59_999));
    assert_eq!(session.next().map(|step| format!("{step:?}")), Some("WakeAt(Instant(60000))".to_owned()));
    session.wake(Instant(60_000));
    assert!(matches!(session.next(), Some(Step::Close(CloseReason::Timeout))));
}

#[test]
fn slow_text_ends() {
    // Silent for a block's time.
    mx().check_addressed("", "C: DATA\nS* 354\nC: a\n+180s\nB> a\\r\\n\nS* 421 4.4.2\n? aborted\nCLOSE Timeout");
    // Never silent for long, but far too slow: ten minutes of grace, then at least 256 octets a second.
    let drip = "C: drip\nB> drip\\r\\n\n+100s\n".repeat(6);
    mx().check_addressed("", &format!("C: DATA\nS* 354\n{drip}S* 421 4.4.2\n? aborted\nCLOSE Timeout"));
    let drip = "C: x\nB> x\\r\\n\n+100s\n".repeat(6);
    mx().check_addressed("", &format!("C: BDAT 1000\n{drip}S* 421 4.4.2\n? aborted\nCLOSE Timeout"));
    let chunks = "C> BDAT 1\\r\\nx\nB> x\nS* 250\n+101s\n".repeat(6);
    mx().check_addressed("", &format!("{chunks}C> BDAT 1\\r\\nx\nS* 421 4.4.2\n? aborted\nCLOSE Timeout"));
    with(|limits| limits.data_grace = Duration::from_secs(1000)).check_addressed(
        "",
        &format!("C: DATA\nS* 354\n{drip}C: .\n? store u@example.org 18 bytes with ESMTP\n! stored\nS* 250\n"),
    );
}

#[test]
fn senders_have_bounds() {
    mx().check_addressed(
        "",
        r"
        C: RCPT TO:<v@example.org>
        ? recipient v@example.org
        ! recipient-quota
        S: 450 4.7.1 This account may send to 100 recipients an hour, and has: try again in 10 minutes
        C: RCPT TO:<w@example.org>
        ? recipient w@example.org
        ! too-many
        S: 452 4.5.3 Too many recipients: at most 1 in one message
        C: DATA
        S* 354
        C: text
        C: .
        B> text\r\n
        ? store u@example.org 6 bytes with ESMTP
        ! message-quota
        S: 450 4.7.1 This account may send to 100 recipients an hour, and has: try again in 10 minutes
        C: MAIL FROM:<a@b.example>
        ? sender <a@b.example>
        ! sender-quota
        S: 550 5.7.1 This account may send to 100 recipients an hour, and has: try again in 3 days
        C: MAIL FROM:<a@b.example>
        ? sender <a@b.example>
        ! ok
        S: 250 2.1.0 Sender OK
        C: RCPT TO:<u@example.org>
        ? recipient u@example.org
        ! yes
        S: 250 2.1.5 Recipient OK
        C: BDAT 6 LAST
        C: text
        B> text\r\n
        ? store u@example.org 6 bytes with ESMTP
        ! attachment
        S: 552 5.3.4 An attachment is larger than the 1000 octets that you may send
        ",
    );
}

#[test]
fn a_frozen_account_is_told_at_mail() {
    mx().check_greeted(
        r"
        C: MAIL FROM:<a@b.example>
        ? sender <a@b.example>
        ! suspended
        S: 450 4.7.1 Sending is suspended for this account because of what it sent, ask its administrator
        C: MAIL FROM:<a@b.example>
        ? sender <a@b.example>
        ! switched-off
        S: 550 5.7.1 Sending is switched off for this account, ask its administrator
        C: RCPT TO:<a@b.example>
        S: 503 5.5.1 Give the sender first
        ",
    );
}
