//! Conversations of POP3, as correct and incorrect clients have them.
#![allow(clippy::unwrap_used, reason = "a test may end where it stands")]

mod dialect;

use std::time::Duration;

use dialect::{check, check_logged_in, check_with, logged_in};
use posthouse_model::session::TlsMode;

const GREETING: &str = "S: +OK mail.example POP3 server ready\n";

#[test]
fn a_session_from_greeting_to_update() {
    check_logged_in(
        "5:120 9:200",
        r"
        C: STAT
        S: +OK 2 320
        C: LIST
        S: +OK listing follows
        S: 1 120
        S: 2 200
        S: .
        C: UIDL
        S: +OK listing follows
        S: 1 77.5
        S: 2 77.9
        S: .
        C: RETR 1
        ? retrieve 5 whole
        ! message A: 1\r\n\r\n.dot\r\nend\r\n
        S: +OK 120 octets
        S: A: 1
        S> \r\n..dot\r\nend\r\n.\r\n
        C: DELE 1
        S: +OK marked as deleted
        C: STAT
        S: +OK 1 200
        C: DELE 1
        S: -ERR no such message
        C: LIST 1
        S: -ERR no such message
        C: LIST 2
        S: +OK 2 200
        C: UIDL 2
        S: +OK 2 77.9
        C: NOOP
        S: +OK
        C: QUIT
        ? commit 5
        ! committed 0
        S: +OK goodbye
        CLOSE Quit",
    );
}

#[test]
fn quit_without_marks_asks_nothing() {
    check(
        r"
        C: QUIT
        S: +OK goodbye
        CLOSE Quit",
    );
    check_logged_in(
        "5:1",
        r"
        C: DELE 1
        S: +OK marked as deleted
        C: RSET
        S: +OK the maildrop has 1 messages (1 octets)
        C: LIST
        S: +OK listing follows
        S: 1 1
        S: .
        C: QUIT
        S: +OK goodbye
        CLOSE Quit",
    );
}

#[test]
fn an_update_that_fails_is_told() {
    for answer in ["committed 1", "unavailable"] {
        check_logged_in(
            "5:1",
            &format!(
                r"
                C: DELE 1
                S: +OK marked as deleted
                C: QUIT
                ? commit 5
                ! {answer}
                S: -ERR [SYS/TEMP] some deleted messages were not removed
                CLOSE Quit"
            ),
        );
    }
}

#[test]
fn a_connection_that_ends_without_quit_deletes_nothing() {
    for end in [
        "EOF\nCLOSE Quit",
        "+10m\nCLOSE Timeout",
        "SHUTDOWN\nS: -ERR [SYS/TEMP] the server is shutting down\nCLOSE Shutdown",
        "C> QUIT\nEOF\nCLOSE Quit",
        "C> QUIT\\r\nEOF\nCLOSE Quit",
        "C> QUIT\\n\nS: -ERR lines end in CRLF\nCLOSE ProtocolError",
    ] {
        check_logged_in("5:1", &format!("C: DELE 1\nS: +OK marked as deleted\n{end}"));
    }
}

#[test]
fn capabilities_follow_the_state() {
    let asked = "C: CAPA\nS: +OK capability list follows\n";
    let common = "S: TOP\nS: UIDL\nS: RESP-CODES\nS: AUTH-RESP-CODE\nS: PIPELINING\nS: UTF8\nS: EXPIRE NEVER\n";
    let in_tls = format!("{asked}{common}S: USER\nS: SASL SCRAM-SHA-256 PLAIN LOGIN\nS: .\n");
    check(&in_tls);
    check_logged_in("", &in_tls);
    check_with(
        TlsMode::StartTlsRequired,
        |_| {},
        &format!("{GREETING}{asked}{common}S: STLS\nS: .\nC: STLS\nS: +OK begin TLS negotiation\nTLS\n{in_tls}"),
    );
    check_with(
        TlsMode::StartTlsOptional,
        |_| {},
        &format!("{GREETING}{asked}{common}S: SASL SCRAM-SHA-256\nS: STLS\nS: .\n"),
    );
    check_with(TlsMode::None, |_| {}, &format!("{GREETING}{asked}{common}S: SASL SCRAM-SHA-256\nS: .\n"));
    check_with(
        TlsMode::Implicit,
        |config| {
            config.user_pass = false;
            config.mechanisms.clear();
            config.login_delay = Some(Duration::from_secs(60));
            config.implementation = Some("Posthouse".to_owned());
        },
        &format!("TLS\n{GREETING}{asked}{common}S: LOGIN-DELAY 60\nS: IMPLEMENTATION Posthouse\nS: .\n"),
    );
}

/// A login by USER and PASS up to its question.
const LOGIN: &str = "C: USER ada\nS: +OK send the password\nC: PASS two words\n? login ada two words\n";

#[test]
fn logins_are_refused_for_a_reason() {
    for (answer, reply) in [
        ("login no", "-ERR [AUTH] authentication failed"),
        ("login soon", "-ERR [LOGIN-DELAY] the last login was too short a time ago"),
        ("login unavailable", "-ERR [SYS/TEMP] this cannot be done now, try again later"),
        // An answer that does not fit is a fault of ours, never a login.
        ("gone", "-ERR [SYS/TEMP] this cannot be done now, try again later"),
        ("committed 0", "-ERR [SYS/TEMP] this cannot be done now, try again later"),
        ("maildrop 1:1", "-ERR [SYS/TEMP] this cannot be done now, try again later"),
    ] {
        check(&format!("{LOGIN}! {answer}\nS: {reply}\nC: STAT\nS: -ERR log in first\n"));
    }
}

#[test]
fn maildrops_are_refused_for_a_reason() {
    for (answer, reply) in [
        ("maildrop in-use", "-ERR [IN-USE] the maildrop is in use by another session"),
        ("maildrop denied", "-ERR [AUTH] authentication failed"),
        ("maildrop soon", "-ERR [LOGIN-DELAY] the last login was too short a time ago"),
        ("maildrop unavailable", "-ERR [SYS/TEMP] this cannot be done now, try again later"),
        ("login yes", "-ERR [SYS/TEMP] this cannot be done now, try again later"),
    ] {
        let refused = format!("{LOGIN}! login yes\n? open ada\n! {answer}\nS: {reply}\n");
        check(&format!("{refused}C: STAT\nS: -ERR log in first\n"));
        // RFC 1939 §4: the client may begin anew.
        check(&format!("{refused}{}", logged_in("5:1", "C: STAT\nS: +OK 1 1\n")));
    }
}

#[test]
fn pass_comes_right_after_user() {
    check(
        r"
        C: PASS secret
        S: -ERR PASS comes right after USER
        C: USER ada
        S: +OK send the password
        C: NOOP
        S: -ERR log in first
        C: PASS secret
        S: -ERR PASS comes right after USER
        C: USER ada
        S: +OK send the password
        C: USER bob
        S: +OK send the password
        C: PASS x
        ? login bob x
        ! login no
        S: -ERR [AUTH] authentication failed
        C: PASS y
        S: -ERR PASS comes right after USER",
    );
}

#[test]
fn sasl_plain_with_and_without_initial_response() {
    // RFC 4616 §4.
    let opened = "! verified yes\n? open tim\n! maildrop 1:5\nS: +OK the maildrop has 1 messages (5 octets)\n";
    for begin in [
        "C: AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\n? nonce\n! nonce\n",
        "C: auth plain\n? nonce\n! nonce\nS> + \\r\\n\nC: AHRpbQB0YW5zdGFhZnRhbnN0YWFm\n",
    ] {
        check(&format!("{begin}? verify tim tanstaaftanstaaf\n{opened}C: STAT\nS: +OK 1 5\n"));
    }
    check(
        r"
        C: AUTH PLAIN VXJzZWwAS3VydAB4aXBqM3BsbXE=
        ? nonce
        ! nonce
        ? verify Kurt xipj3plmq as Ursel
        ! verified yes
        ? open Kurt as Ursel
        ! maildrop denied
        S: -ERR [AUTH] authentication failed",
    );
}

#[test]
fn sasl_login_prompts_twice() {
    check(
        r"
        C: AUTH LOGIN
        ? nonce
        ! nonce
        S: + VXNlcm5hbWU6
        C: dGlt
        S: + UGFzc3dvcmQ6
        C: c2VjcmV0
        ? verify tim secret
        ! verified no
        S: -ERR [AUTH] authentication failed",
    );
}

#[test]
fn sasl_exchanges_fail_in_many_ways() {
    const BEGIN: &str = "C: AUTH PLAIN\n? nonce\n! nonce\nS> + \\r\\n\n";
    let malformed = "S: -ERR the response cannot be understood\nC: QUIT\nS: +OK goodbye\nCLOSE Quit";
    for end in ["C: no base64!\n", "C> \\r\\n\n", "C: =\n", "C: QUIT\n", "C> \\(3000*AAAA)\\r\\n\n"] {
        check(&format!("{BEGIN}{end}{malformed}"));
    }
    check(&format!("C: AUTH PLAIN =\n? nonce\n! nonce\n{malformed}"));
    check(&format!("C> AUTH PLAIN \\(3000*AAAA)\\r\\n\n? nonce\n! nonce\n{malformed}"));
    check(&format!("{BEGIN}C: *\nS: -ERR authentication cancelled\nC: STAT\nS: -ERR log in first\n"));
    check(&format!("{BEGIN}C> \\(20000*A)\\r\\n\nS: -ERR the line is too long\nC: STAT\nS: -ERR log in first\n"));
    check(&format!("{BEGIN}EOF\nCLOSE Quit"));
    let unavailable = "S: -ERR [SYS/TEMP] this cannot be done now, try again later\n";
    check(&format!("C: AUTH PLAIN AHRpbQB4\n? nonce\n! nonce\n? verify tim x\n! verified unavailable\n{unavailable}"));
    check(&format!("C: AUTH PLAIN AHRpbQB4\n? nonce\n! nonce\n? verify tim x\n! login yes\n{unavailable}"));
    check(&format!("C: AUTH PLAIN AHRpbQB4\n? nonce\n! unavailable\n{unavailable}"));
    for mechanism in ["KERBEROS_V4", "CRAM-MD5", "SCRAM-SHA-256-PLUS"] {
        check(&format!("C: AUTH {mechanism}\nS: -ERR [SYS/PERM] this mechanism is not available here\n"));
    }
}

#[test]
fn nothing_of_weight_before_tls() {
    let refused = "S: -ERR [SYS/PERM] issue STLS first\n";
    let mut script = GREETING.to_owned();
    for command in ["USER ada", "PASS secret", "AUTH PLAIN AHRpbQB4", "AUTH LOGIN"] {
        script += &format!("C: {command}\n{refused}");
    }
    let scram = "C: AUTH SCRAM-SHA-256\n";
    check_with(TlsMode::StartTlsRequired, |_| {}, &format!("{script}{scram}{refused}"));
    check_with(TlsMode::StartTlsOptional, |_| {}, &format!("{script}{scram}? nonce\n! nonce\nS> + \\r\\n\n"));
}

#[test]
fn stls_forgets_what_was_said_before() {
    check_with(
        TlsMode::StartTlsRequired,
        |_| {},
        r"
        S* +OK
        C: STLS
        S: +OK begin TLS negotiation
        TLS
        C: PASS secret
        S: -ERR PASS comes right after USER
        C: STLS
        S: -ERR TLS is already active",
    );
    check_logged_in("", "C: STLS\nS: -ERR already logged in\n");
    check_with(TlsMode::None, |_| {}, "S* +OK\nC: STLS\nS: -ERR STLS is not available here\n");
    check_with(
        TlsMode::StartTlsOptional,
        |_| {},
        "S* +OK\nC: UTF8\nS: +OK UTF-8 mode\nC: STLS\nS: -ERR STLS comes before UTF8\n",
    );
}

#[test]
fn commands_belong_to_their_state() {
    for command in ["STAT", "LIST", "LIST 1", "UIDL", "RETR 1", "TOP 1 0", "DELE 1", "NOOP", "RSET"] {
        check(&format!("C: {command}\nS: -ERR log in first\n"));
    }
    for command in ["USER x", "PASS x", "AUTH PLAIN", "UTF8", "STLS"] {
        check_logged_in("", &format!("C: {command}\nS: -ERR already logged in\n"));
    }
}

#[test]
fn top_sends_the_header_and_so_many_lines() {
    let message = "! message A: 1\\r\\nB: 2\\r\\n\\r\\n.one\\r\\ntwo\\r\\nthree\\r\\n\nS: +OK top of message follows\n";
    for (lines, body) in [
        ("0", ""),
        ("1", "S: ..one\n"),
        ("2", "S: ..one\nS: two\n"),
        ("3", "S: ..one\nS: two\nS: three\n"),
        ("18446744073709551615", "S: ..one\nS: two\nS: three\n"),
    ] {
        check_logged_in(
            "5:9",
            &format!(
                "C: TOP 1 {lines}\n? retrieve 5 top {lines}\n{message}S: A: 1\nS: B: 2\nS> \\r\\n\n{body}S: .\n\
                 C: NOOP\nS: +OK\n"
            ),
        );
    }
}

#[test]
fn messages_become_legal_whatever_is_stored() {
    let ask = "C: RETR 1\n? retrieve 5 whole\n";
    check_logged_in(
        "5:9",
        &format!("{ask}! message a\\n.\\n\\nb\nS: +OK 9 octets\nS> a\\r\\n..\\r\\n\\r\\nb\\r\\n.\\r\\n\n"),
    );
    check_logged_in("5:0", &format!("{ask}! message\nS: +OK 0 octets\nS: .\n"));
    check_logged_in("5:1", &format!("{ask}! message x\nS: +OK 1 octets\nS: x\nS: .\n"));
}

#[test]
fn messages_that_do_not_come() {
    for (answer, reply) in [
        ("gone", "-ERR the message was removed by another session"),
        ("needs-utf8", "-ERR [UTF8] this message needs UTF-8 mode"),
        ("unavailable", "-ERR [SYS/TEMP] this cannot be done now, try again later"),
        ("login yes", "-ERR [SYS/TEMP] this cannot be done now, try again later"),
    ] {
        check_logged_in(
            "5:1",
            &format!("C: RETR 1\nC: STAT\n? retrieve 5 whole\n! {answer}\nS: {reply}\nS: +OK 1 1\n"),
        );
    }
    for command in ["RETR 2", "TOP 2 1", "DELE 2", "LIST 2", "UIDL 2", "RETR 4294967297", "RETR 18446744073709551617"] {
        check_logged_in("5:1", &format!("C: {command}\nS: -ERR no such message\n"));
    }
}

#[test]
fn utf8_mode_lets_names_be_what_they_are() {
    check("C: USER jürgen\nS: -ERR the command holds characters that are not allowed\n");
    check(
        r"
        C: UTF8
        S: +OK UTF-8 mode
        C: USER jürgen
        S: +OK send the password
        C: PASS grün
        ? login jürgen grün
        ! login yes
        ? open jürgen
        ! maildrop 1:1
        S* +OK
        C: RETR 1
        ? retrieve 1 whole utf8
        ! message ü
        S: +OK 1 octets
        S: ü
        S: .
        C: DELE ü
        S: -ERR the command holds characters that are not allowed",
    );
}

#[test]
fn pipelined_commands_are_answered_in_order() {
    check_logged_in(
        "5:1 6:2",
        r"
        C: LIST
        C: RETR 2
        C: DELE 2
        C: UIDL
        C: NOOP
        C: QUIT
        C: STAT
        S: +OK listing follows
        S: 1 1
        S: 2 2
        S: .
        ? retrieve 6 whole
        ! message x
        S: +OK 2 octets
        S: x
        S: .
        S: +OK marked as deleted
        S: +OK listing follows
        S: 1 77.5
        S: .
        S: +OK
        ? commit 6
        ! committed 0
        S: +OK goodbye
        CLOSE Quit",
    );
    check(
        r"
        C: USER ada
        C: PASS x
        C: STAT
        S: +OK send the password
        ? login ada x
        ! login yes
        ? open ada
        ! maildrop 1:3
        S: +OK the maildrop has 1 messages (3 octets)
        S: +OK 1 3",
    );
}

#[test]
fn time_is_limited_by_state() {
    check("+3m\nCLOSE Timeout");
    check_with(TlsMode::Implicit, |_| {}, "+3m\nCLOSE Timeout");
    // Who has not logged in wins no time by talking.
    check("+2m\nC: UTF8\nS: +OK UTF-8 mode\n+1m\nCLOSE Timeout");
    check_logged_in("", "+599s\nC: NOOP\nS: +OK\n+599s\nC: NOOP\nS: +OK\n+600s\nCLOSE Timeout");
    // Half a command is no command.
    check_logged_in("", "+599s\nC> NOO\n+1s\nCLOSE Timeout");
    // It is not the client's fault when we are slow, but it is when it does not read.
    check("C: USER a\nC: PASS b\nS* +OK\n? login a b\n+1h\n! login no\nS* -ERR [AUTH]\n+1ms\nCLOSE Timeout");
    check_logged_in("5:1", "C: RETR 1\n? retrieve 5 whole\n+10m\nCLOSE Timeout");
}

#[test]
fn shutting_down_waits_for_what_is_under_way() {
    let told = "S: -ERR [SYS/TEMP] the server is shutting down\nCLOSE Shutdown";
    check(&format!("SHUTDOWN\n{told}"));
    check_logged_in(
        "5:1",
        &format!("C: RETR 1\n? retrieve 5 whole\nSHUTDOWN\n! message x\nS: +OK 1 octets\nS: x\nS: .\n{told}"),
    );
    check_logged_in(
        "5:1",
        r"
        C: DELE 1
        S: +OK marked as deleted
        C: QUIT
        ? commit 5
        SHUTDOWN
        ! committed 0
        S: +OK goodbye
        CLOSE Quit",
    );
    check_with(TlsMode::Implicit, |_| {}, "SHUTDOWN\nCLOSE Shutdown");
}
