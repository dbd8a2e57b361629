use posthouse_testkit::transcript::check;

use crate::dialect::{Imap, enabled, selected};

#[test]
fn copies() {
    check(
        &selected("10:12"),
        r"
        C: a COPY 1:2 Trash
        ? copy 10:11 Trash
        ! copied 10:11 5:6
        ? sync 100
        ! changes modseq=100
        S: a OK [COPYUID 7 10:11 5:6] Copied
        C: b UID COPY 12 Nowhere
        ? copy 12 Nowhere
        ! refused NonExistent
        ? sync 100
        ! changes modseq=100
        S: b NO [TRYCREATE] There is no such mailbox, create it first
        C: c UID COPY 99 Trash
        ? sync 100
        ! changes modseq=100
        S: c OK There is nothing to copy
        C: d UID COPY 12 Trash
        ? copy 12 Trash
        ! copied none none
        ? sync 100
        ! changes modseq=100
        S: d OK Copied
        ",
    );
}

#[test]
fn moves_expunge() {
    check(
        &selected("10:14"),
        r"
        C: a MOVE 2:3,5 Trash
        ? move 11:12,14 Trash
        ! copied 11:12,14 5:7
        S: * OK [COPYUID 7 11:12,14 5:7] Moved
        ? sync 100
        ! changes modseq=101 vanished=11:12,14
        S: * 5 EXPUNGE
        S: * 3 EXPUNGE
        S: * 2 EXPUNGE
        S: a OK Moved
        ",
    );
    check(
        &Imap { selected: Some("10:14"), ..enabled("QRESYNC") },
        r"
        C: a UID MOVE 11:12 Trash
        ? move 11:12 Trash
        ! copied 11:12 5:6
        S: * OK [COPYUID 7 11:12 5:6] Moved
        ? sync 100
        ! changes modseq=101 vanished=11:12
        S: * VANISHED 11:12
        S: a OK [HIGHESTMODSEQ 101] Moved
        ",
    );
}

#[test]
fn expunges() {
    check(
        &selected("10:14"),
        r"
        C: a EXPUNGE
        ? expunge
        ! done
        ? sync 100
        ! changes modseq=101 vanished=10,13
        S: * 4 EXPUNGE
        S: * 1 EXPUNGE
        S: a OK Removed
        C: b UID EXPUNGE 11:12
        ? expunge 11:12
        ! done
        ? sync 101
        ! changes modseq=102 vanished=11
        S: * 1 EXPUNGE
        S: b OK Removed
        C: c UID EXPUNGE 1:5
        ? sync 102
        ! changes modseq=102
        S: c OK There is nothing to remove
        C: d EXPUNGE
        ? expunge
        ! refused NoPermission
        ? sync 102
        ! changes modseq=102
        S: d NO [NOPERM] Not permitted
        ",
    );
}
