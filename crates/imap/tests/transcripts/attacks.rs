use posthouse_model::session::TlsMode;
use posthouse_testkit::transcript::check;

use crate::dialect::{fresh, logged_in, selected};

/// What a stranger says inside TLS, and how it ends.
#[track_caller]
fn check_stranger(script: &str) {
    check(&fresh(TlsMode::Implicit), &format!("TLS\nS* * OK\n{script}"));
}

#[test]
fn strangers_cannot_make_us_keep_much() {
    check_stranger("C: a LOGIN {99999999}\nS: a BAD [TOOBIG] The literal is too large");
    check_stranger("C: a LOGIN {99999999+}\nS: * BYE [TOOBIG] The literal is too large\nCLOSE ProtocolError");
    check_stranger("C: a LOGIN {5000+}\nS: a BAD [TOOBIG] The literal is too large");
    check_stranger(
        r"
        C> \(40961*x)
        S: * BYE The line is too long
        CLOSE ProtocolError
    ",
    );
    check_stranger(
        r"
        C: a LOGIN {20000}
        S: + Go ahead
        C> \(20000*x) {20000}\r\n
        S: + Go ahead
        C> \(20000*y) {20000}\r\n
        S: a BAD [TOOBIG] The literal is too large
    ",
    );
    // What looks like TLS within a command that was refused is the rest of the command.
    check_stranger(
        r"
        C> c SEARCH {2+}\r\nxy\x16\x03z\r\n
        S: c BAD Log in first
        C: d NOOP
        S: d OK Nothing done
    ",
    );
    // A message is not taken from a stranger.
    check_stranger("C: a APPEND INBOX {99999}\nS: a BAD Log in first");
}

#[test]
fn strangers_cannot_talk_for_ever() {
    let noops: String = (0..64).map(|n| format!("C: a{n} NOOP\nS: a{n} OK Nothing done\n")).collect();
    check_stranger(&format!("{noops}C: b NOOP\nS: * BYE Too many commands before login\nCLOSE TooManyErrors"));
    let bad: String = (0..20).map(|_| "C: a\nS: a BAD Expected a tag, a space and a command\n").collect();
    check_stranger(&format!("{bad}S: * BYE Too many bad commands\nCLOSE TooManyErrors"));
}

#[test]
fn other_protocols_are_recognised() {
    check_stranger("C: GET / HTTP/1.1\nS: * BYE This is an IMAP server\nCLOSE ProtocolError");
    check_stranger("C: EHLO x\nS: * BYE This is an IMAP server\nCLOSE ProtocolError");
    for record in [r"\x16\x03\x01\x02\x00\x01", r"\x16\x03\x01\r\n", r"\x16\x03\x01\n", r"\x16\x03\x01 {4}\r\n"] {
        check(&fresh(TlsMode::StartTlsRequired), &format!("S* * OK\nC> {record}\nCLOSE WrongTransport"));
    }
}

#[test]
fn lines_end_in_crlf() {
    check_stranger("C> a NOOP\\n\nS: * BYE Lines end in CRLF\nCLOSE ProtocolError");
    check(
        &logged_in(),
        r"
        C> a NOOP\nb NOOP\r\n
        S: a BAD Lines end in CRLF
        S: b OK Nothing done
        C> c NOOP\rd NOOP\r\n
        S: c BAD Expected the end of the command
        C> \r\n
        S: * BAD Expected a tag, a space and a command
        ",
    );
}

#[test]
fn octets_where_they_do_not_belong() {
    check(
        &logged_in(),
        r#"
        C> a SELECT "x\0y"\r\n
        S: a BAD Expected a quoted string
        C> b SELECT x\0y\r\n
        S: b BAD Expected a space
        C> c SELECT {3+}\r\nx\0y\r\n
        S: c BAD Expected a literal without NUL
        C> d SELECT "x\xff"\r\n
        S: d BAD Expected a quoted string in UTF-8
        C> \xff NOOP\r\n
        S: * BAD Expected a tag, a space and a command
        C> a+ NOOP\r\n
        S: a BAD Expected a tag, a space and a command
        C> {3}\r\n
        S: * BAD Expected a tag, a space and a command
        C> abc {3}\r\n
        S: abc BAD There is no such command
        C> \(65*t) NOOP\r\n
        S: * BAD Expected a tag, a space and a command
        C> e\tNOOP\r\n
        S: e BAD Expected a tag, a space and a command
        C: f  NOOP
        S: f BAD There is no such command
        "#,
    );
}

#[test]
fn long_commands_are_refused_and_passed_over() {
    check(
        &logged_in(),
        r"
        C> a SELECT \(70000*x)\r\n
        S: a BAD The line is too long
        C: b SELECT {300000}
        S: b BAD [TOOBIG] The literal is too large
        C: c SELECT {4097+}
        C> \(4097*x) {3+}\r\nabc\r\n
        S: c BAD [TOOBIG] The literal is too large
        C: d NOOP
        S: d OK Nothing done
        ",
    );
}

#[test]
fn nesting_is_bounded() {
    let deep = "(".repeat(60);
    check(&selected("1"), &format!("C: a SEARCH {deep}ALL\nS: a BAD [LIMIT] Too many nested search keys"));
    let nots = "NOT ".repeat(5_000);
    check(&selected("1"), &format!("C: a SEARCH {nots}ALL\nS: a BAD [LIMIT] Too many nested search keys"));
    let set = vec!["1"; 9_000].join(",");
    check(&selected("1"), &format!("C: a FETCH {set} FLAGS\nS: a BAD [LIMIT] Too many ranges in a set of messages"));
}

#[test]
fn nothing_a_client_says_comes_back_as_a_line() {
    // A tag, a mailbox name, a header name and an ID are what a client can have repeated.
    check(
        &selected("10"),
        r#"
        C> a FETCH 1 BODY.PEEK[HEADER.FIELDS ({8+}\r\nX\r\n* BYE)]\r\n
        S: a BAD Expected the name of a header field
        C> b FETCH 1 BODY.PEEK[HEADER.FIELDS (X)]]\r\n
        S: b BAD Expected a space
        C> c STATUS {6+}\r\nx\r\n* X (MESSAGES)\r\n
        S: c NO [CANNOT] That cannot be the name of a mailbox
        "#,
    );
}

#[test]
fn one_account_stays_in_its_own() {
    // There is no other user's namespace: a name is looked up in the account that logged in, whatever it looks like.
    check(
        &logged_in(),
        r"
        C: a SELECT ../bob/INBOX
        ? select ../bob/INBOX
        ! refused NonExistent
        S: a NO [NONEXISTENT] There is no such mailbox
        C: b SELECT #user/bob
        ? select #user/bob
        ! refused NonExistent
        S: b NO [NONEXISTENT] There is no such mailbox
        ",
    );
}

#[test]
fn nothing_comes_after_the_end() {
    check(&logged_in(), "C: a LOGOUT\nS* * BYE\nS* a OK\nCLOSE Quit\nSHUTDOWN\nEOF");
    check(
        &fresh(TlsMode::StartTlsRequired),
        "S* * OK\nC: a STARTTLS\nS* a OK\nTLS\nSHUTDOWN\nS* * BYE\nCLOSE Shutdown",
    );
    check(&fresh(TlsMode::Implicit), "SHUTDOWN\nCLOSE Shutdown");
}

#[test]
fn the_end_of_the_connection() {
    check(&logged_in(), "EOF\nCLOSE Quit");
    check(&logged_in(), "C> a NO\nEOF\nCLOSE ProtocolError");
    check(&logged_in(), "C: a LIST \"\" *\n? list\nEOF\nCLOSE ProtocolError");
}
