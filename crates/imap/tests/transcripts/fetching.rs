use posthouse_testkit::transcript::check;

use crate::dialect::{Imap, selected};

#[test]
fn rows_come_in_batches() {
    check(
        &selected("10:14"),
        r"
        C: a FETCH 1:2,5 (FLAGS UID INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)
        ? fetch 10:11,14 uid,flags,date,size,envelope,bodystructure
        ! row uid=10 flags=\Seen+$Junk date=0 size=3 envelope=(E) structure=(S) ; uid=11 envelope=(F) structure=(T)
        S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft $Junk)
        S: * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft $Junk \*)] These flags stay
        S> * 1 FETCH (UID 10 FLAGS (\\Seen $Junk) INTERNALDATE \x2201-Jan-1970 00:00:00 +0000\x22 RFC822.SIZE 3
        S:  ENVELOPE (E) BODYSTRUCTURE (S))
        S> * 2 FETCH (UID 11 FLAGS () INTERNALDATE \x2201-Jan-1970 00:00:00 +0000\x22 RFC822.SIZE 0
        S:  ENVELOPE (F) BODYSTRUCTURE (T))
        ? more
        ! row uid=14 size=9 envelope=(G) structure=(U)
        S* * 5 FETCH (UID 14
        ? more
        ! fetched none
        ? sync 100
        ! changes modseq=100
        S: a OK Fetched
        ",
    );
}

#[test]
fn sections_whole_and_streamed() {
    check(
        &selected("10"),
        r"
        C: a UID FETCH 10 (BODY.PEEK[HEADER.FIELDS (From {2+}
        C: To)] BODY.PEEK[1.MIME]<2.10> BODY.PEEK[9])
        ? fetch 10 uid,Body[:HeaderFields(['From', 'To'])],Body[1:Mime]<2.10>,Body[9:Full]
        ! row uid=10 section=whole:From:_a|| section=stream:6 section=absent
        S> * 1 FETCH (UID 10 BODY[HEADER.FIELDS (From To)] {11}\r\nFrom: a\r\n\r\n BODY[1.MIME]<2> {6}\r\n
        ? more
        ! data abc
        S> abc
        ? more
        ! data def
        S: def BODY[9] NIL)
        ? more
        ! fetched none
        ? sync 100
        ! changes modseq=100
        S: a OK Fetched
        "
        .replace('\'', "\"")
        .as_str(),
    );
}

#[test]
fn rows_wait_for_streamed_data() {
    check(
        &selected("10:12"),
        r"
        C: a FETCH 1:3 (FLAGS RFC822.HEADER RFC822.TEXT)
        ? fetch 10:12 flags,Rfc822Header[:Header],Rfc822Text[:Text] mark-seen
        ! row uid=10 flags=\Seen newly-seen section=stream:2 section=stream:0 ; uid=11 section=whole:( section=whole:)
        S> * 1 FETCH (FLAGS (\\Seen) RFC822.HEADER {2}\r\n
        ? more
        ! data xy
        S> xy RFC822.TEXT {0}\r\n)\r\n* 2 FETCH (FLAGS () RFC822.HEADER {1}\r\n( RFC822.TEXT {1}\r\n))\r\n
        ? more
        ! fetched 12
        ? sync 100
        ! changes modseq=101 changed=10/\Seen/0,11/\Flagged/101
        S: * 2 FETCH (FLAGS (\Flagged))
        S: a NO [EXPUNGEISSUED] Some of the messages no longer exist
        ",
    );
}

#[test]
fn reading_tells_that_it_was_seen_once() {
    check(
        &selected("10:11"),
        r"
        C: a FETCH 1 BODY[]
        ? fetch 10 Body[:Full] mark-seen
        ! row uid=10 modseq=101 flags=\Seen newly-seen section=whole:x
        S> * 1 FETCH (FLAGS (\\Seen) BODY[] {1}\r\nx)\r\n
        ? more
        ! fetched none
        ? sync 100
        ! changes modseq=101 changed=10/\Seen/101
        S: a OK Fetched
        ",
    );
    check(
        &Imap { enable: "CONDSTORE", ..selected("10:11") },
        r"
        C: a FETCH 1 BODY[]
        ? fetch 10 Body[:Full] mark-seen
        ! row uid=10 modseq=101 flags=\Seen newly-seen section=whole:x
        S> * 1 FETCH (UID 10 MODSEQ (101) FLAGS (\\Seen) BODY[] {1}\r\nx)\r\n
        ? more
        ! fetched none
        ? sync 100
        ! changes modseq=102 changed=10/\Seen+\Flagged/102
        S: * 1 FETCH (UID 10 MODSEQ (102) FLAGS (\Flagged \Seen))
        S: a OK Fetched
        ",
    );
}

#[test]
fn large_pieces_pass_as_they_are() {
    let zeros = "\\0".repeat(20_000);
    check(
        &selected("10"),
        &format!(
            r"
            C: a FETCH 1 BINARY.PEEK[1]
            ? fetch 10 Binary[1:Full]
            ! row uid=10 section=zeros:20000
            S> * 1 FETCH (BINARY[1] ~{{20000}}\r\n{zeros})\r\n
            ? more
            ! fetched none
            ? sync 100
            ! changes modseq=100
            S: a OK Fetched
            "
        ),
    );
}

/// NUL may stand in no literal but that of BINARY: another octet stands for it, and lengths stay.
#[test]
fn nul_is_told_by_binary_only() {
    check(
        &selected("10"),
        r"
        C: a FETCH 1 (BODY.PEEK[] BINARY.PEEK[1] BODY.PEEK[TEXT]<1.2> RFC822.TEXT)
        ? fetch 10 Body[:Full],Binary[1:Full],Body[:Text]<1.2>,Rfc822Text[:Text] mark-seen
        ! row uid=10 section=zeros:3 section=zeros:2 section=zeros:2 section=stream:4
        S> * 1 FETCH (BODY[] {3}\r\n\x80\x80\x80 BINARY[1] ~{2}\r\n\0\0 BODY[TEXT]<1> {2}\r\n\x80\x80 RFC822.TEXT {4}\r\n
        ? more
        ! data aNULb
        S> a\x80b
        ? more
        ! data c
        S> c)\r\n
        ? more
        ! fetched none
        ? sync 100
        ! changes modseq=100
        S: a OK Fetched
        "
        .replace("NUL", "\0")
        .as_str(),
    );
}

#[test]
fn decoded_parts() {
    check(
        &selected("10"),
        r"
        C: a FETCH 1 (BINARY.SIZE[1] BINARY.PEEK[1])
        ? fetch 10 Binary[1:Full],size[1]
        ! row uid=10 binary-size=2 section=whole:hi
        S> * 1 FETCH (BINARY.SIZE[1] 2 BINARY[1] {2}\r\nhi)\r\n
        ? more
        ! fetched none
        ? sync 100
        ! changes modseq=100
        S: a OK Fetched
        C: b FETCH 1 BINARY.PEEK[2]<5.10>
        ? fetch 10 Binary[2:Full]<5.10>
        ! row uid=10 section=unknown
        S: * 1 FETCH (BINARY[2]<5> NIL)
        ? more
        ! fetched none
        ? sync 100
        ! changes modseq=100
        S: b NO [UNKNOWN-CTE] Part of it is in an unknown encoding
        ",
    );
}

#[test]
fn sets_that_name_nothing() {
    check(
        &selected("10:12"),
        r"
        C: a FETCH 4 FLAGS
        S: a BAD There is no message with that number
        C: b UID FETCH 1:5 FLAGS
        ? sync 100
        ! changes modseq=100
        S: b OK There is nothing to fetch
        C: c UID FETCH 500:* FLAGS
        ? fetch 12 uid,flags
        ! row uid=12
        S: * 3 FETCH (UID 12 FLAGS ())
        ? more
        ! fetched none
        ? sync 100
        ! changes modseq=100
        S: c OK Fetched
        C: d FETCH $ FLAGS
        ? sync 100
        ! changes modseq=100
        S: d OK There is nothing to fetch
        ",
    );
    check(
        &selected("none"),
        r"
        C: a FETCH 1:* FLAGS
        ? sync 100
        ! changes modseq=100
        S: a OK There is nothing to fetch
        C: b FETCH 1 FLAGS
        S: b BAD There is no message with that number
        ",
    );
}

#[test]
fn failures_in_the_middle() {
    check(
        &selected("10"),
        r"
        C: a FETCH 1 BODY.PEEK[]
        ? fetch 10 Body[:Full]
        ! row uid=10 section=stream:10
        S> * 1 FETCH (BODY[] {10}\r\n
        ? more
        ! data abc
        S> abc
        ? more
        ! refused Unavailable
        CLOSE Shutdown
        ",
    );
    check(
        &selected("10"),
        r"
        C: a FETCH 1 BODY.PEEK[]
        ? fetch 10 Body[:Full]
        ! row uid=10 section=stream:1
        S> * 1 FETCH (BODY[] {1}\r\n
        ? more
        ! data abc)
        CLOSE Shutdown
        ",
    );
    check(
        &selected("10:11"),
        r"
        C: a FETCH 1:2 BODY.PEEK[]
        ? fetch 10:11 Body[:Full]
        ! row uid=10 section=stream:1 ; uid=11 section=whole:x
        S> * 1 FETCH (BODY[] {1}\r\n
        ? more
        ! fetched none
        CLOSE Shutdown
        ",
    );
    check(
        &selected("10"),
        r"
        C: a FETCH 1 BODY.PEEK[]
        ? fetch 10 Body[:Full]
        ! refused Corruption
        ? sync 100
        ! changes modseq=100
        S: a NO [CORRUPTION] Stored data is damaged
        C: b FETCH 1 FLAGS
        ? fetch 10 flags
        ! created
        S: b NO [SERVERBUG] The server made a mistake
        ",
    );
}

#[test]
fn nothing_is_told_of_messages_without_a_number() {
    check(
        &selected("10"),
        r"
        C: a UID FETCH 10 BODY.PEEK[]
        ? fetch 10 uid,Body[:Full]
        ! row uid=11 section=stream:3 ; uid=10 section=whole:x
        ? more
        ! data abc
        S> * 1 FETCH (UID 10 BODY[] {1}\r\nx)\r\n
        ? more
        ! fetched none
        ? sync 100
        ! changes modseq=100
        S: a OK Fetched
        ",
    );
}
