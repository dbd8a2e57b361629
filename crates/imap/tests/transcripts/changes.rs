//! What other sessions do, told when it may be.

use posthouse_testkit::transcript::check;

use crate::dialect::{Imap, enabled, selected};

#[test]
fn numbers_do_not_move_under_a_fetch() {
    check(
        &selected("10:14"),
        r"
        C: a FETCH 1 FLAGS
        ? fetch 10 flags
        ! row uid=10 flags=\Seen
        S: * 1 FETCH (FLAGS (\Seen))
        ? more
        ! fetched none
        ? sync 100
        ! changes modseq=103 vanished=11,99 added=15:16 changed=11/\Seen/101,12/\Draft/102,15/\Seen/103
        S: * 7 EXISTS
        S: * 3 FETCH (FLAGS (\Draft))
        S: a OK Fetched
        C: b FETCH 2:3 FLAGS
        ? fetch 11:12 flags
        ! fetched 11
        ? sync 103
        ! changes modseq=104 vanished=16
        S: b NO [EXPUNGEISSUED] Some of the messages no longer exist
        C: c UID FETCH 12 FLAGS
        ? fetch 12 uid,flags
        ! row uid=12
        S: * 3 FETCH (UID 12 FLAGS ())
        ? more
        ! fetched none
        ? sync 104
        ! changes modseq=104
        S: * 7 EXPUNGE
        S: * 2 EXPUNGE
        S: c OK Fetched
        C: d FETCH 5 UID
        ? fetch 15 uid
        ! row uid=15
        S: * 5 FETCH (UID 15)
        ? more
        ! fetched none
        ? sync 104
        ! changes modseq=104
        S: d OK Fetched
        C: e FETCH 6 UID
        S: e BAD There is no message with that number
        ",
    );
}

#[test]
fn with_qresync_the_uid_is_told() {
    check(
        &Imap { selected: Some("10:14"), ..enabled("QRESYNC") },
        r"
        C: a NOOP
        ? sync 100
        ! changes modseq=103 vanished=10:11,13 added=15 changed=12/\Draft/102
        S: * VANISHED 10:11,13
        S: * 3 EXISTS
        S: * 1 FETCH (UID 12 MODSEQ (102) FLAGS (\Draft))
        S: a OK Nothing done
        ",
    );
}

#[test]
fn a_mailbox_that_is_gone_is_empty() {
    check(
        &selected("10:11"),
        r"
        C: a FETCH 1 FLAGS
        ? fetch 10 flags
        ! refused NonExistent
        ? sync 100
        ! refused NonExistent
        S: a NO [NONEXISTENT] There is no such mailbox
        C: b NOOP
        ? sync 100
        ! refused NonExistent
        S: * 2 EXPUNGE
        S: * 1 EXPUNGE
        S: b OK Nothing done
        ",
    );
}

#[test]
fn news_that_cannot_be_had_is_no_failure() {
    check(
        &selected("10"),
        r"
        C: a STORE 1 FLAGS.SILENT ()
        ? store 10 Replace
        ! stored rows=10/-/101
        ? sync 100
        ! refused Unavailable
        S: a OK Stored
        C: b NOOP
        ? sync 100
        ! changes modseq=101
        S: b OK Nothing done
        ",
    );
}
