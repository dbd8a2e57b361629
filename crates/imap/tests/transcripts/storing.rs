use posthouse_testkit::transcript::check;

use crate::dialect::{Imap, selected};

#[test]
fn flags_change_and_are_told_once() {
    check(
        &selected("10:12"),
        r"
        C: a STORE 1:2 +FLAGS (\Seen $Junk)
        ? store 10:11 Add \Seen $Junk
        ! stored rows=10/\Seen+$Junk/101,11/\Seen+$Junk/101
        S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft $Junk)
        S: * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft $Junk \*)] These flags stay
        S: * 1 FETCH (FLAGS (\Seen $Junk))
        S: * 2 FETCH (FLAGS (\Seen $Junk))
        ? sync 100
        ! changes modseq=102 changed=10/\Seen+$Junk/101,11/\Draft/102,12/\Flagged/101 keywords=$Junk
        S: * 2 FETCH (FLAGS (\Draft))
        S: * 3 FETCH (FLAGS (\Flagged))
        S: a OK Stored
        C: b NOOP
        ? sync 102
        ! changes modseq=103 changed=10/\Seen/103
        S: * 1 FETCH (FLAGS (\Seen))
        S: b OK Nothing done
        ",
    );
}

#[test]
fn silence_and_numbers() {
    check(
        &selected("10:12"),
        r"
        C: a UID STORE 12,10 -FLAGS.SILENT \Deleted
        ? store 10,12 Remove \Deleted
        ! stored rows=10/-/101,12/-/101
        ? sync 100
        ! changes modseq=101 changed=10/-/101,12/-/101
        S: a OK Stored
        C: b UID STORE 11 FLAGS ()
        ? store 11 Replace
        ! stored rows=11/-/102
        S: * 2 FETCH (UID 11 FLAGS ())
        ? sync 101
        ! changes modseq=102 changed=11/-/102
        S: b OK Stored
        C: c STORE 1 FLAGS (\Recent \Seen)
        ? store 10 Replace \Seen
        ! stored missing=10
        ? sync 102
        ! changes modseq=103 vanished=10
        S: c OK [EXPUNGEISSUED] Some of the messages no longer exist
        C: d NOOP
        ? sync 103
        ! changes modseq=103
        S: * 1 EXPUNGE
        S: d OK Nothing done
        ",
    );
}

#[test]
fn unchangedsince() {
    check(
        &Imap { enable: "CONDSTORE", ..selected("10:13") },
        r"
        C: a STORE 1:3 (UNCHANGEDSINCE 50) +FLAGS.SILENT (\Seen)
        ? store 10:12 Add \Seen unchanged-since 50
        ! stored rows=10/\Seen/101 modified=11:12
        S: * 1 FETCH (UID 10 MODSEQ (101))
        ? sync 100
        ! changes modseq=101 changed=10/\Seen/101
        S: a OK [MODIFIED 2:3] Some had changed
        C: b UID STORE 13 (UNCHANGEDSINCE 0) FLAGS \Seen
        ? store 13 Replace \Seen unchanged-since 0
        ! stored modified=13
        ? sync 101
        ! changes modseq=101
        S: b OK [MODIFIED 13] Some had changed
        C: c UID STORE 13 +FLAGS \Seen
        ? store 13 Add \Seen
        ! stored rows=13/\Seen/102
        S: * 4 FETCH (UID 13 MODSEQ (102) FLAGS (\Seen))
        ? sync 101
        ! changes modseq=102 changed=13/\Seen/102
        S: c OK Stored
        ",
    );
}

#[test]
fn what_cannot_be_stored() {
    check(
        &selected("10"),
        r"
        C: a STORE 1 FLAGS \Foo
        S: a BAD Expected a flag that a client may set
        C: b STORE 1 FLAGS (a]b)
        S: b BAD Expected a closing parenthesis
        C> c STORE 1 FLAGS \(129*x)\r\n
        S: c NO [CANNOT] That keyword cannot be stored
        C: d STORE 2 FLAGS ()
        S: d BAD There is no message with that number
        C: e STORE 1 FLAGSFOO ()
        S: e BAD Expected a space
        C: f STORE 1 (FOO 5) FLAGS ()
        S: f BAD Expected a known modifier of STORE
        C: g STORE 1 FLAGS ()
        ? store 10 Replace
        ! refused OverQuota
        ? sync 100
        ! changes modseq=100
        S: g NO [OVERQUOTA] No room is left
        ",
    );
    check(
        &Imap { read_only: true, ..selected("10") },
        r"
        C: a STORE 1 FLAGS ()
        S: a NO The mailbox is open for reading only
        C: b EXPUNGE
        S: b NO The mailbox is open for reading only
        C: c MOVE 1 Trash
        S: c NO The mailbox is open for reading only
        ",
    );
}

/// RFC 9051 §6.4.6: silence is about what the client does itself.
#[test]
fn what_others_did_is_told_in_spite_of_silence() {
    check(
        &selected("10:12"),
        r"
        C: a STORE 1:3 +FLAGS.SILENT (\Seen)
        ? store 10:12 Add \Seen
        ! stored rows=10/\Seen/103,11/\Seen+\Draft/103,12/\Seen/90 others=100,102,90
        S: * 2 FETCH (FLAGS (\Seen \Draft))
        ? sync 100
        ! changes modseq=103 changed=10/\Seen/103,11/\Seen+\Draft/103
        S: a OK Stored
        ",
    );
}
