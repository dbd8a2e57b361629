use posthouse_testkit::transcript::check;

use crate::dialect::{Imap, enabled, selected};

#[test]
fn a_client_catches_up_when_it_opens() {
    check(
        &enabled("QRESYNC"),
        r"
        C: a SELECT INBOX (QRESYNC (7 50 1:20 (1,3 10,12)))
        ? select INBOX resync 7 50 1:20 1=10,3=12
        ! selected 10,12:14 modseq=100 resync vanished=3:5,11 changed=12/\Seen/60,14/\Draft/70
        S* * FLAGS
        S* * OK [PERMANENTFLAGS
        S: * 4 EXISTS
        S: * 0 RECENT
        S* * OK [UIDVALIDITY 7]
        S* * OK [UIDNEXT 15]
        S* * OK [HIGHESTMODSEQ 100]
        S* * OK [MAILBOXID
        S: * VANISHED (EARLIER) 3:5,11
        S: * 2 FETCH (UID 12 MODSEQ (60) FLAGS (\Seen))
        S: * 4 FETCH (UID 14 MODSEQ (70) FLAGS (\Draft))
        S: a OK [READ-WRITE] Open
        C: b SELECT INBOX (QRESYNC (6 50))
        S* * OK [CLOSED]
        ? select INBOX resync 6 50 all
        ! selected 10,12:14 modseq=100
        S* * FLAGS
        S* * OK [PERMANENTFLAGS
        S: * 4 EXISTS
        S: * 0 RECENT
        S* * OK [UIDVALIDITY 7]
        S* * OK [UIDNEXT 15]
        S* * OK [HIGHESTMODSEQ 100]
        S* * OK [MAILBOXID
        S: b OK [READ-WRITE] Open
        ",
    );
}

#[test]
fn fetch_tells_what_vanished() {
    check(
        &Imap { selected: Some("10,12:14"), ..enabled("QRESYNC") },
        r"
        C: a UID FETCH 1:* (FLAGS) (CHANGEDSINCE 50 VANISHED)
        ? fetch 1:4294967295 uid,flags,modseq since 50 vanished
        ! vanished 3:5,11
        S: * VANISHED (EARLIER) 3:5,11
        ? more
        ! row uid=12 modseq=60 flags=\Seen
        S: * 2 FETCH (UID 12 MODSEQ (60) FLAGS (\Seen))
        ? more
        ! fetched 1:9,11
        ? sync 100
        ! changes modseq=100
        S: a OK Fetched
        C: b FETCH 1 (FLAGS) (CHANGEDSINCE 50 VANISHED)
        S: b BAD VANISHED goes with UID FETCH, CHANGEDSINCE and ENABLE QRESYNC
        C: c UID FETCH 1 (FLAGS) (VANISHED)
        S: c BAD VANISHED goes with UID FETCH, CHANGEDSINCE and ENABLE QRESYNC
        ",
    );
}

#[test]
fn condstore_is_enabled_by_use() {
    for command in ["FETCH 1 MODSEQ", "FETCH 1 FLAGS (CHANGEDSINCE 5)"] {
        let items = if command.contains("CHANGED") { "flags,modseq since 5" } else { "modseq" };
        check(
            &selected("10"),
            &format!(
                r"
                C: a {command}
                S: * OK [HIGHESTMODSEQ 100] From now on changes are numbered
                ? fetch 10 {items}
                ! fetched none
                ? sync 100
                ! changes modseq=101 changed=10/\Seen/101
                S: * 1 FETCH (UID 10 MODSEQ (101) FLAGS (\Seen))
                S: a OK Fetched
                "
            ),
        );
    }
}

/// RFC 7162 §6: while it cannot be told what went, the client must not think that it knows all.
#[test]
fn a_delayed_expunge_holds_the_modification_sequence_back() {
    check(
        &Imap { selected: Some("10:12"), ..enabled("QRESYNC") },
        r"
        C: a STORE 1 +FLAGS.SILENT (\Seen)
        ? store 10 Add \Seen
        ! stored rows=10/\Seen/102
        S: * 1 FETCH (UID 10 MODSEQ (102))
        ? sync 100
        ! changes modseq=102 vanished=11 changed=10/\Seen/102
        S: a OK [HIGHESTMODSEQ 100] Stored
        C: b STORE 3 (UNCHANGEDSINCE 1) +FLAGS.SILENT (\Seen)
        ? store 12 Add \Seen unchanged-since 1
        ! stored modified=12
        ? sync 102
        ! changes modseq=102
        S: * OK [HIGHESTMODSEQ 100] Up to here nothing is missing
        S: b OK [MODIFIED 3] Some had changed
        C: c NOOP
        ? sync 102
        ! changes modseq=103
        S: * VANISHED 11
        S: c OK [HIGHESTMODSEQ 103] Nothing done
        C: d NOOP
        ? sync 103
        ! changes modseq=103
        S: d OK Nothing done
        ",
    );
}
