//! XCLIENT: neighbours that say on whose behalf they come, and others that would like to.

use posthouse_model::session::TlsMode;
use posthouse_testkit::transcript;

use super::dialect::{SIGN_IN, Trusting, mx, plain_mx, submission};

const OFFERED: [&str; 1] = ["XCLIENT NAME ADDR PORT PROTO HELO DESTADDR DESTPORT"];

#[track_caller]
fn check(script: &str) {
    let listener = plain_mx();
    let greeted = listener.greeted(&OFFERED);
    transcript::check(&Trusting(listener), &(greeted + script));
}

#[test]
fn the_session_begins_anew_for_the_client() {
    check(
        r"
        C: XCLIENT NAME=spike.example ADDR=192.0.2.9 PORT=4711 PROTO=ESMTP DESTADDR=198.51.100.2 DESTPORT=2525
        ? client 192.0.2.9:4711 at 198.51.100.2:2525
        S: 220 mail.example.org ESMTP Posthouse
        C: MAIL FROM:<a@b.example>
        S: 503 5.5.1 Introduce yourself first
        C: HELO spike.example
        S* 250
        C: MAIL FROM:<a@b.example>
        ? sender <a@b.example>
        ! ok
        S* 250
        C: XCLIENT ADDR=192.0.2.10
        S: 503 5.5.1 A message is under way
        C: RCPT TO:<u@example.org>
        ? recipient u@example.org
        ! yes
        S* 250
        C: DATA
        S* 354
        C: .
        ? store u@example.org 0 bytes with SMTP for 192.0.2.9:4711 as spike.example
        ! stored
        S* 250
        C: XCLIENT ADDR=IPV6:2001:db8::9 HELO=other.example
        ? client [2001:db8::9]:4711 at 198.51.100.2:2525
        S: 220 mail.example.org ESMTP Posthouse
        C: EHLO proxy.example
        S* 250-
        S* 250-
        S* 250-
        S* 250-
        S* 250-
        S* 250-
        S* 250-
        S* 250-
        S* 250-
        S* 250-XCLIENT
        S* 250 LIMITS
        C: MAIL FROM:<a@b.example>
        ? sender <a@b.example>
        ! ok
        S* 250
        C: RCPT TO:<u@example.org>
        ? recipient u@example.org
        ! yes
        S* 250
        C: DATA
        S* 354
        C: .
        ? store u@example.org 0 bytes with ESMTP for [2001:db8::9]:4711 as other.example
        ! stored
        S* 250
        ",
    );
}

#[test]
fn what_is_not_known_stays_as_it_is() {
    check(
        r"
        C: xclient NAME=[UNAVAILABLE] ADDR=[TEMPUNAVAIL] PORT=[UNAVAILABLE] LOGIN=[UNAVAILABLE]
        ? client 192.0.2.7:40000 at 198.51.100.1:25
        S: 220 mail.example.org ESMTP Posthouse
        ",
    );
}

#[test]
fn what_cannot_be_read_is_refused() {
    check("C: XCLIENT\nS: 501 5.5.4 Argument missing\n");
    check("C: XCLIENT ADDR=192.0.2.9 ADDR=192.0.2.9\nS: 501 5.5.4 Parameter given twice\n");
    // A line end in xtext does not become one, neither here nor in a trace field.
    for argument in ["ADDR", "ADDR=me", "COLOUR=blue", "HELO=x+0D+0AQUIT", "NAME=x+0A", "HELO=x+00y", "PORT=99999"] {
        check(&format!("C: XCLIENT {argument}\nS: 501 5.5.4 Bad parameter value\nC: NOOP\nS* 250\n"));
    }
}

/// Nobody is let in on a neighbour's word.
#[test]
fn a_login_is_not_believed() {
    check("C: XCLIENT ADDR=192.0.2.9 LOGIN=u@example.org\nS: 501 5.5.4 LOGIN is not accepted, use AUTH\n");
    let inside = Trusting(submission(TlsMode::Implicit));
    transcript::check(
        &inside,
        "TLS\nS* 220\nC: XCLIENT LOGIN=u@example.org\nS* 501\nC: MAIL FROM:<u@example.org>\nS* 530\n",
    );
}

#[test]
fn strangers_are_not_heard() {
    for argument in ["ADDR=192.0.2.9", "", "rubbish", "LOGIN=u@example.org"] {
        plain_mx().check_greeted(&format!("C: XCLIENT {argument}\nS: 550 5.7.0 Insufficient authorization\n"));
    }
}

/// Who signed in before is not who is there now.
#[test]
fn a_login_ends_with_the_client() {
    let inside = submission(TlsMode::Implicit);
    let ehlo = inside.ehlo(&OFFERED);
    let script = format!(
        r"
        TLS
        S* 220
        C: XCLIENT ADDR=192.0.2.8
        ? client 192.0.2.8:40000 at 198.51.100.1:25
        S* 220
        {ehlo}{SIGN_IN}
        C: XCLIENT ADDR=192.0.2.9
        ? client 192.0.2.9:40000 at 198.51.100.1:25
        S* 220
        {ehlo}
        C: MAIL FROM:<u@example.org>
        S: 530 5.7.0 Authentication required
        "
    );
    transcript::check(&Trusting(inside), &script);
}

/// Whoever could write into the clear text in front of TLS is not to choose the client inside.
#[test]
fn what_was_said_in_clear_counts_no_more_inside_tls() {
    let listener = Trusting(mx());
    transcript::check(
        &listener,
        r"
        S* 220
        C: XCLIENT ADDR=192.0.2.9 HELO=forged.example
        ? client 192.0.2.9:40000 at 198.51.100.1:25
        S* 220
        C: STARTTLS
        S: 220 2.0.0 Ready to start TLS
        TLS
        ? client 192.0.2.7:40000 at 198.51.100.1:25
        C: HELO c.example
        S* 250
        C: MAIL FROM:<a@b.example>
        ? sender <a@b.example>
        ! ok
        S* 250
        C: RCPT TO:<u@example.org>
        ? recipient u@example.org
        ! yes
        S* 250
        C: DATA
        S* 354
        C: .
        ? store u@example.org 0 bytes with ESMTPS for 192.0.2.7:40000 as c.example
        ! stored
        S* 250
        ",
    );
    // Behind STARTTLS in one packet, the connection ends.
    transcript::check_split(
        &listener,
        r"
        S* 220
        C> STARTTLS\r\nXCLIENT ADDR=192.0.2.9\r\n
        CLOSE PipelinedStartTls
        ",
        transcript::Split::Whole,
    );
    let strict = Trusting(submission(TlsMode::StartTlsRequired));
    transcript::check(&strict, "S* 220\nC: XCLIENT ADDR=192.0.2.9\nS: 530 5.7.0 Must issue a STARTTLS command first\n");
}

/// Each has its price, so that a neighbour's line cannot keep a session for ever.
#[test]
fn changes_of_the_client_are_counted() {
    let listener = Trusting(plain_mx().with(|config| config.limits.commands_without_progress = 2));
    transcript::check(
        &listener,
        r"
        S* 220
        C: XCLIENT ADDR=192.0.2.9
        ? client 192.0.2.9:40000 at 198.51.100.1:25
        S* 220
        C: XCLIENT ADDR=192.0.2.10
        ? client 192.0.2.10:40000 at 198.51.100.1:25
        S* 220
        S* 421
        CLOSE TooManyErrors
        ",
    );
}
