//! UIDONLY (RFC 9586), and what it changes in the answers of others.

use posthouse_testkit::transcript::check;

use crate::dialect::{Imap, enabled, logged_in};

fn uid_only(uids: &'static str) -> Imap {
    Imap { selected: Some(uids), ..enabled("UIDONLY") }
}

#[test]
fn it_is_enabled() {
    check(
        &logged_in(),
        r#"
        C: a ENABLE UIDONLY
        S: * ENABLED UIDONLY
        S: a OK Enabled
        C: b SELECT INBOX
        ? select INBOX
        ! selected 5,9 modseq=5 unseen=9
        S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft)
        S: * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft \*)] These flags stay
        S: * 2 EXISTS
        S: * 0 RECENT
        S: * OK [UIDVALIDITY 7] UIDs are valid
        S: * OK [UIDNEXT 10] The next UID
        S: * OK [HIGHESTMODSEQ 5] The highest
        S: * OK [MAILBOXID (F1)] That is its id
        S: b OK [READ-WRITE] Open
        "#,
    );
}

#[test]
fn numbers_are_refused() {
    check(
        &uid_only("5:9"),
        r#"
        C: a FETCH 1 FLAGS
        S: a BAD [UIDREQUIRED] Message numbers are not used any more
        C: b STORE 1 +FLAGS (\Seen)
        S: b BAD [UIDREQUIRED] Message numbers are not used any more
        C: c SEARCH ALL
        S: c BAD [UIDREQUIRED] Message numbers are not used any more
        C: d COPY 1 x
        S: d BAD [UIDREQUIRED] Message numbers are not used any more
        C: e MOVE 1 x
        S: e BAD [UIDREQUIRED] Message numbers are not used any more
        C: f REPLACE 1 x {5}
        S: f BAD [UIDREQUIRED] Message numbers are not used any more
        C: g UID SEARCH 1:3
        S: g BAD [UIDREQUIRED] Message numbers are not used any more
        C: h UID SEARCH OR UNSEEN (NOT *)
        S: h BAD [UIDREQUIRED] Message numbers are not used any more
        C: i UID SEARCH $
        ? search Uids(UidSet { ranges: [] }) all
        ! found none
        S: * SEARCH
        ? sync 100
        ! changes modseq=100
        S: i OK Searched
        "#,
    );
}

#[test]
fn answers_name_uids() {
    check(
        &uid_only("5,7:9"),
        r#"
        C: a UID FETCH 5 (FLAGS)
        ? fetch 5 flags
        ! row uid=5 modseq=7 flags=\Seen
        S: * 5 UIDFETCH (FLAGS (\Seen))
        ? more
        ! fetched none
        ? sync 100
        ! changes modseq=101 changed=7/\Flagged/101
        S: * 7 UIDFETCH (FLAGS (\Flagged))
        S: a OK Fetched
        C: b UID FETCH 5 (UID BODY[])
        ? fetch 5 uid,Body[:Full] mark-seen
        ! row uid=5 modseq=7 section=whole:hello
        S: * 5 UIDFETCH (UID 5 BODY[] {5}
        S: hello)
        ? more
        ! fetched none
        ? sync 101
        ! changes modseq=101
        S: b OK Fetched
        C: c UID STORE 8:9 +FLAGS (\Deleted)
        ? store 8:9 Add \Deleted
        ! stored rows=8/\Deleted/102,9/\Deleted/102
        S: * 8 UIDFETCH (FLAGS (\Deleted))
        S: * 9 UIDFETCH (FLAGS (\Deleted))
        ? sync 101
        ! changes modseq=102 changed=8/\Deleted/102,9/\Deleted/102
        S: c OK Stored
        C: d EXPUNGE
        ? expunge
        ! done
        ? sync 102
        ! changes modseq=103 vanished=8:9 added=12
        S: * VANISHED 8:9
        S: * 3 EXISTS
        S: d OK Removed
        C: e UID SEARCH RETURN (MIN COUNT) UID 5:7
        ? search Uids(UidSet { ranges: [(5, 7)] }) all
        ! found 5,7
        S: * ESEARCH (TAG "e") UID MIN 5 COUNT 2
        ? sync 103
        ! changes modseq=103
        S: e OK Searched
        C: f UID MOVE 5 x
        ? move 5 x
        ! copied 5 1
        S: * OK [COPYUID 7 5 1] Moved
        ? sync 103
        ! changes modseq=104 vanished=5
        S: * VANISHED 5
        S: f OK Moved
        C: g UID REPLACE 7 INBOX {2+}
        C: hi
        ? append-check INBOX 2
        ! done
        B> hi
        ? append INBOX replacing 7
        ! appended 13
        S: * OK [APPENDUID 7 13] The new message is stored
        ? sync 104
        ! changes modseq=106 vanished=7 added=13
        S: * VANISHED 7
        S: * 2 EXISTS
        S: g OK Replaced
        "#,
    );
}

#[test]
fn with_condstore_and_qresync() {
    check(
        &Imap { selected: Some("5:6"), ..enabled("UIDONLY QRESYNC") },
        r#"
        C: a UID STORE 5 (UNCHANGEDSINCE 50) +FLAGS.SILENT (\Seen)
        ? store 5 Add \Seen unchanged-since 50
        ! stored rows=5/\Seen/101
        S: * 5 UIDFETCH (MODSEQ (101))
        ? sync 100
        ! changes modseq=102 changed=5/\Seen/101,6/-/102
        S: * 6 UIDFETCH (MODSEQ (102) FLAGS ())
        S: a OK Stored
        C: b UID FETCH 1:* (FLAGS) (CHANGEDSINCE 90 VANISHED)
        ? fetch 1:4294967295 flags,modseq since 90 vanished
        ! vanished 1:4
        S: * VANISHED (EARLIER) 1:4
        ? more
        ! row uid=6 modseq=102
        S: * 6 UIDFETCH (MODSEQ (102) FLAGS ())
        ? more
        ! fetched none
        ? sync 102
        ! changes modseq=102
        S: b OK Fetched
        C: c SELECT INBOX (QRESYNC (7 50 1:9 (1 5)))
        S: c BAD [UIDREQUIRED] Message numbers are not used any more
        C: d SELECT INBOX (QRESYNC (7 50))
        S: * OK [CLOSED] The mailbox that was open is closed
        ? select INBOX resync 7 50 all
        ! selected 5:6 modseq=102 resync vanished=1 changed=6/\Seen/102
        S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft)
        S: * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft \*)] These flags stay
        S: * 2 EXISTS
        S: * 0 RECENT
        S: * OK [UIDVALIDITY 7] UIDs are valid
        S: * OK [UIDNEXT 7] The next UID
        S: * OK [HIGHESTMODSEQ 102] The highest
        S: * OK [MAILBOXID (F1)] That is its id
        S: * VANISHED (EARLIER) 1
        S: * 6 UIDFETCH (MODSEQ (102) FLAGS (\Seen))
        S: d OK [READ-WRITE] Open
        "#,
    );
}
