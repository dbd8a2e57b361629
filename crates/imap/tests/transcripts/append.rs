use posthouse_model::session::TlsMode;
use posthouse_testkit::transcript::check;

use crate::dialect::{Imap, config, enabled, logged_in, selected};

#[test]
fn a_message_streams_by() {
    check(
        &logged_in(),
        r#"
        C: a APPEND Drafts (\Seen $x) " 1-Jan-1970 01:00:00 +0000" ~{12}
        ? append-check Drafts 12
        ! done
        S: + Send the message
        C> a: b\r\n\r\nx\0\xffy
        C> \r\n
        B> a: b\r\n\r\nx\0\xffy
        ? append Drafts \Seen $x at 3600
        ! appended 9
        S: a OK [APPENDUID 7 9] Stored
        C: b APPEND {5}
        S: + Go ahead
        C: Inbox {3+}
        C: abc
        ? append-check INBOX 3
        ! done
        B> abc
        ? append INBOX
        ! refused NonExistent
        S: b NO [TRYCREATE] There is no such mailbox, create it first
        C: c APPEND x ~{1+}
        C: y
        ? append-check x 1
        ! done
        B> y
        ? append x
        ! refused BadMessage
        S: c NO That is no message
        C: d NOOP
        S: d OK Nothing done
        "#,
    );
}

#[test]
fn a_message_may_be_refused_before_it_comes() {
    check(
        &logged_in(),
        r"
        C: a APPEND Drafts {12}
        ? append-check Drafts 12
        ! refused OverQuota
        S: a NO [OVERQUOTA] No room is left
        C: b APPEND Drafts {5+}
        C: hello
        C: c NOOP
        ? append-check Drafts 5
        ! refused TryCreate
        S: b NO [TRYCREATE] There is no such mailbox, create it first
        S: c OK Nothing done
        C: d APPEND Drafts {67108865}
        S: d NO [TOOBIG] The message is too large
        C: e APPEND Drafts {5000+}
        C> \(5000*x)\r\n
        S: e BAD [TOOBIG] Wait for leave to send so large a literal
        C: f APPEND Drafts {99999999999999999999999}
        S: f NO [TOOBIG] The message is too large
        ",
    );
    let plus =
        Imap { config: posthouse_imap::Config { literal_plus: true, ..config(TlsMode::Implicit) }, ..logged_in() };
    check(
        &plus,
        r"
        C: e APPEND Drafts {5000+}
        C> \(5000*x)\r\n
        ? append-check Drafts 5000
        ! done
        B> \(5000*x)
        ? append Drafts
        ! appended 1
        S: e OK [APPENDUID 7 1] Stored
        ",
    );
}

#[test]
fn what_is_wrong_around_a_message() {
    check(
        &logged_in(),
        r#"
        C: a APPEND Drafts
        S: a BAD Expected a space
        C: b APPEND Drafts "x"
        S: b BAD Expected a date and time
        C: c APPEND Drafts (\Foo) {5}
        S: c BAD Expected a flag that a client may set
        C: d APPEND Drafts {5+}
        C: hello there
        ? append-check Drafts 5
        ! done
        B> hello
        S: d BAD Expected a message as a literal
        C: e APPEND Drafts {5+}
        C: hello there {3+}
        C: abc
        ? append-check Drafts 5
        ! done
        B> hello
        S: e BAD Expected a message as a literal
        C: f APPEND Drafts UTF8 (~{5+}
        C: hello)
        S: f BAD Expected a message as a literal
        C: h APPEND Drafts {5+}
        C> a\0b\0c\r\n
        ? append-check Drafts 5
        ! done
        B> a\0b\0c
        S: h BAD NUL may stand in a literal8 only
        C: i APPEND Drafts {0+}
        C:
        ? append-check Drafts 0
        ! done
        S: i NO A message without octets cancels all
        C: g NOOP
        S: g OK Nothing done
        "#,
    );
}

#[test]
fn messages_with_utf8_headers() {
    check(
        &enabled("UTF8=ACCEPT"),
        r#"
        C: a APPEND "Entwürfe" UTF8 (~{5}
        ? append-check Entwürfe 5
        ! done
        S: + Send the message
        C: hello)
        B> hello
        ? append Entwürfe
        ! appended 1
        S: a OK [APPENDUID 7 1] Stored
        C: b APPEND x UTF8 (~{2+}
        C: hi
        ? append-check x 2
        ! done
        B> hi
        S: b BAD Expected a closing parenthesis
        "#,
    );
}

#[test]
fn a_message_to_the_open_mailbox_shows() {
    check(
        &selected("10"),
        r"
        C: a APPEND INBOX {1+}
        C: x
        ? append-check INBOX 1
        ! done
        B> x
        ? append INBOX
        ! appended 11
        ? sync 100
        ! changes modseq=101 added=11 changed=11/-/101
        S: * 2 EXISTS
        S: a OK [APPENDUID 7 11] Stored
        ",
    );
}
