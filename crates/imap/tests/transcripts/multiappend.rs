//! APPEND of several messages (RFC 3502), and put together from parts (RFC 4469).

use posthouse_imap::{Config, Limits};
use posthouse_model::session::TlsMode;
use posthouse_testkit::transcript::check;

use crate::dialect::{Imap, config, enabled, logged_in, selected};

#[test]
fn several_messages_come_together() {
    check(
        &logged_in(),
        r#"
        C: a APPEND Drafts (\Seen) {5}
        ? append-check Drafts 5
        ! done
        S: + Send the message
        C: hello (\Flagged $x) " 1-Jan-1970 00:00:07 +0000" ~{3}
        B> hello
        ? another \Seen
        ! done
        S: + Send the message
        C> a\0b
        B> a\0b
        C:  {2+}
        C: xy
        ? another \Flagged $x at 7
        ! done
        B> xy
        ? append Drafts
        ! appended 4:6
        S: a OK [APPENDUID 7 4:6] Stored
        C: b NOOP
        S: b OK Nothing done
        "#,
    );
}

#[test]
fn one_message_that_cannot_come_takes_all_with_it() {
    check(
        &logged_in(),
        r"
        C: a APPEND Drafts {5+}
        C: hello {2+}
        C: xy {3+}
        C: abc
        ? append-check Drafts 5
        ! done
        B> hello
        ? another
        ! refused OverQuota
        S: a NO [OVERQUOTA] No room is left
        C: b APPEND Drafts {5+}
        C: hello {0+}
        C:  {3+}
        C: abc
        ? append-check Drafts 5
        ! done
        B> hello
        ? another
        ! done
        S: b NO A message without octets cancels all
        C: c APPEND Drafts {5+}
        C: hello {67108865}
        ? append-check Drafts 5
        ! done
        B> hello
        S: c NO [TOOBIG] The message is too large
        C: d APPEND Drafts {5+}
        C> a\0bcd {5+}\r\nhello\r\n
        ? append-check Drafts 5
        ! done
        B> a\0bcd
        S: d BAD NUL may stand in a literal8 only
        C: e APPEND Drafts {5+}
        C: hello (\Foo) {5+}
        C: abcde
        ? append-check Drafts 5
        ! done
        B> hello
        S: e BAD Expected a flag that a client may set
        C: f NOOP
        S: f OK Nothing done
        ",
    );
}

#[test]
fn there_are_limits_to_one_command() {
    let limits = Limits { append_messages: 2, append_command_bytes: 10, ..Limits::default() };
    let imap = Imap { config: Config { limits, ..config(TlsMode::Implicit) }, ..logged_in() };
    check(
        &imap,
        r"
        C: a APPEND x {1+}
        C: a {1+}
        C: b {1+}
        C: c
        ? append-check x 1
        ! done
        B> a
        ? another
        ! done
        B> b
        S: a NO [LIMIT] Too many messages at once
        C: b APPEND x {6+}
        C: abcdef {5}
        ? append-check x 6
        ! done
        B> abcdef
        S: b NO [TOOBIG] The message is too large
        C: c APPEND x CATENATE (TEXT {6+}
        C: abcdef URL /y/;UID=1 TEXT {2}
        ? append-check x 6
        ! done
        B> abcdef
        ? url y 1 [:Full] 4
        ! part 3
        S: c NO [TOOBIG] The message is too large
        ",
    );
}

#[test]
fn a_message_is_put_together() {
    check(
        &logged_in(),
        r#"
        C: A003 APPEND Drafts (\Seen \Draft $MDNSent) CATENATE (URL "/Drafts;UIDVALIDITY=385759045/;UID=20/;section=HEADER" TEXT {4}
        ? append-check Drafts 4
        ! done
        ? url Drafts 20 validity 385759045 [:Header] 67108864
        ! part 100
        S: + Send the message
        C: abcd URL "/Drafts;UIDVALIDITY=385759045/;UID=20/;section=1.MIME" URL /Drafts/;UID=30 TEXT ~{3}
        B> abcd
        ? url Drafts 20 validity 385759045 [1:Mime] 67108760
        ! part 60
        ? url Drafts 30 [:Full] 67108700
        ! part 700
        S: + Send the message
        C> a\0b)\r\n
        B> a\0b
        ? append Drafts \Seen \Draft $MDNSent
        ! appended 45
        S: A003 OK [APPENDUID 7 45] Stored
        C: b APPEND x CATENATE (URL /a/;UID=1) (\Seen) CATENATE (URL {10+}
        C: /b/;UID=22) {2+}
        C: hi
        ? append-check x 2
        ! done
        ? url a 1 [:Full] 67108864
        ! part 5
        ? another
        ! done
        ? url b 22 [:Full] 67108864
        ! part 5
        ? another \Seen
        ! done
        B> hi
        ? append x
        ! appended 1:3
        S: b OK [APPENDUID 7 1:3] Stored
        C: c APPEND x {2+}
        C: hi CATENATE (TEXT {1+}
        C: a URL {8}
        ? append-check x 2
        ! done
        B> hi
        ? another
        ! done
        B> a
        S: + Go ahead
        C: /;UID=20)
        S: c NO [BADURL /;UID=20] There is no such message or part
        C: d NOOP
        S: d OK Nothing done
        "#,
    );
}

#[test]
fn bad_urls_are_named() {
    check(
        &logged_in(),
        r#"
        C: a APPEND x CATENATE (URL "imap://other.example/x/;UID=1")
        ? append-check x 0
        ! done
        S: a NO [BADURL imap://other.example/x/;UID=1] There is no such message or part
        C: b APPEND x CATENATE (URL "/x]y" TEXT {5+}
        C: hello)
        ? append-check x 5
        ! done
        S: b NO [BADURL /x%5Dy] There is no such message or part
        C: c APPEND x CATENATE (URL /x/;UID=9 TEXT {5}
        ? append-check x 5
        ! done
        ? url x 9 [:Full] 67108864
        ! refused BadUrl
        S: c NO [BADURL /x/;UID=9] There is no such message or part
        C: d APPEND x CATENATE (URL /x/;UID=9)
        ? append-check x 0
        ! done
        ? url x 9 [:Full] 67108864
        ! refused TooBig
        S: d NO [TOOBIG] The message is too large
        C: e APPEND x CATENATE (URL /x/;UID=9)
        ? append-check x 0
        ! done
        ? url x 9 [:Full] 67108864
        ! part 0
        S: e NO A message without octets cancels all
        C: f APPEND x CATENATE ()
        S: f BAD Expected TEXT or URL
        C: g APPEND x CATENATE (TEXT hello)
        S: g BAD Expected a message as a literal
        "#,
    );
}

#[test]
fn urls_may_be_of_the_open_mailbox() {
    check(
        &selected("10"),
        r"
        C: a APPEND x CATENATE (URL /;UID=10/;SECTION=1.2/;PARTIAL=5.7)
        ? append-check x 0
        ! done
        ? url here 10 [1.2:Full]<5.7> 67108864
        ! part 7
        ? append x
        ! appended 1
        ? sync 100
        ! changes modseq=100
        S: a OK [APPENDUID 7 1] Stored
        ",
    );
}

#[test]
fn parts_with_utf8_headers() {
    check(
        &enabled("UTF8=ACCEPT"),
        r"
        C: a APPEND x CATENATE (UTF8 (~{2+}
        C: hi) URL /x/;UID=1)
        ? append-check x 2
        ! done
        B> hi
        ? url x 1 [:Full] 67108862
        ! part 1
        ? append x
        ! appended 1
        S: a OK [APPENDUID 7 1] Stored
        ",
    );
}
