use posthouse_testkit::transcript::check;

use crate::dialect::{enabled, logged_in, selected};

#[test]
fn select_tells_all() {
    check(
        &logged_in(),
        r"
        C: a SELECT inbox
        ? select INBOX
        ! selected 3,5:9 modseq=42 unseen=6 keywords=$Junk,Foo
        S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft $Junk Foo)
        S: * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft $Junk Foo \*)] These flags stay
        S: * 6 EXISTS
        S: * 0 RECENT
        S: * OK [UNSEEN 3] The first that is not seen
        S: * OK [UIDVALIDITY 7] UIDs are valid
        S: * OK [UIDNEXT 10] The next UID
        S: * OK [HIGHESTMODSEQ 42] The highest
        S: * OK [MAILBOXID (F1)] That is its id
        S: a OK [READ-WRITE] Open
        C: b EXAMINE Sent
        S: * OK [CLOSED] The mailbox that was open is closed
        ? examine Sent
        ! selected none modseq=1
        S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft)
        S: * OK [PERMANENTFLAGS ()] The mailbox is open for reading only
        S: * 0 EXISTS
        S: * 0 RECENT
        S: * OK [UIDVALIDITY 7] UIDs are valid
        S: * OK [UIDNEXT 1] The next UID
        S: * OK [HIGHESTMODSEQ 1] The highest
        S: * OK [MAILBOXID (F1)] That is its id
        S: b OK [READ-ONLY] Open for reading only
        C: c SELECT Nowhere
        S: * OK [CLOSED] The mailbox that was open is closed
        ? select Nowhere
        ! refused NonExistent
        S: c NO [NONEXISTENT] There is no such mailbox
        C: d FETCH 1 FLAGS
        S: d BAD Select a mailbox first
        ",
    );
}

#[test]
fn imap4rev2_has_no_recent_and_names_the_mailbox() {
    check(
        &enabled("IMAP4rev2"),
        r#"
        C: a SELECT "Entwürfe"
        ? select Entwürfe
        ! selected 1 modseq=1 unseen=1
        S* * FLAGS
        S* * OK [PERMANENTFLAGS
        S: * 1 EXISTS
        S* * OK [UIDVALIDITY
        S* * OK [UIDNEXT
        S* * OK [HIGHESTMODSEQ
        S* * OK [MAILBOXID
        S: * LIST () "/" "Entwürfe"
        S: a OK [READ-WRITE] Open
        "#,
    );
}

#[test]
fn close_removes_and_unselect_does_not() {
    check(
        &selected("1:3"),
        r"
        C: a UNSELECT
        ? unselect
        ! done
        S: a OK Closed
        C: b CLOSE
        S: b BAD Select a mailbox first
        C: c SELECT INBOX
        ? select INBOX
        ! selected 1 read-only
        S* * FLAGS
        S* * OK [PERMANENTFLAGS
        S* * 1 EXISTS
        S* * 0 RECENT
        S* * OK [UIDVALIDITY
        S* * OK [UIDNEXT
        S* * OK [HIGHESTMODSEQ
        S* * OK [MAILBOXID
        S: c OK [READ-ONLY] Open for reading only
        C: d CLOSE
        ? unselect
        ! done
        S: d OK Closed
        ",
    );
    check(
        &selected("1:3"),
        r"
        C: a CLOSE
        ? unselect expunge
        ! done
        S: a OK Closed
        C: b ENABLE CONDSTORE
        S: * ENABLED CONDSTORE
        S: b OK Enabled
        ",
    );
}

#[test]
fn enable_is_for_before() {
    check(&selected("1:3"), "C: a ENABLE CONDSTORE\nS: a BAD Not while a mailbox is selected");
}

#[test]
fn parameters_of_select() {
    check(
        &logged_in(),
        r"
        C: a SELECT INBOX (CONDSTORE FOO)
        S: a BAD Expected a known parameter of SELECT
        C: b SELECT INBOX (QRESYNC (7 1))
        S: b BAD Enable QRESYNC first
        C: c SELECT INBOX (CONDSTORE)
        ? select INBOX
        ! refused Unavailable
        S: c NO [UNAVAILABLE] Not available now, try again later
        C: d SELECT &AOk
        S: d NO [CANNOT] That cannot be the name of a mailbox
        C: e SELECT a//b
        S: e NO [CANNOT] That cannot be the name of a mailbox
        C: f SELECT {4+}
        C> a\r\nb\r\n
        S: f NO [CANNOT] That cannot be the name of a mailbox
        ",
    );
}
