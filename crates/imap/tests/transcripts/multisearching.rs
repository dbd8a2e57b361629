//! MULTISEARCH (RFC 7377).

use posthouse_testkit::transcript::check;

use crate::dialect::{Imap, enabled, logged_in, selected};

#[test]
fn several_mailboxes_are_looked_into() {
    check(
        &logged_in(),
        r#"
        C: a ESEARCH IN (mailboxes (Archive Entw&APw-rfe) subtree-one x) unseen
        ? list
        ! mailboxes INBOX:1 Archive:2 Entwürfe:3 x:4 x/y:5 x/y/z:6 gone:-
        ? search-open Archive
        ! opened 7 1:9
        ? search-opened Not(Flag(Seen)) all
        ! found 4001,4003
        S: * ESEARCH (TAG "a" MAILBOX "Archive" UIDVALIDITY 7) UID ALL 4001,4003
        ? search-open Entwürfe
        ! opened 8 1:9
        ? search-opened Not(Flag(Seen)) all
        ! found 5
        S: * ESEARCH (TAG "a" MAILBOX "Entw&APw-rfe" UIDVALIDITY 8) UID ALL 5
        ? search-open x
        ! refused NonExistent
        ? search-open x/y
        ! opened 9 none
        ? search-opened Not(Flag(Seen)) all
        ! found none
        S: a OK Searched
        C: b ESEARCH IN (inboxes) RETURN (MIN COUNT PARTIAL -1:-1) ALL
        ? list
        ! mailboxes INBOX:1 x:4
        ? search-open INBOX
        ! opened 1 1:9
        ? search-opened All all
        ! found 2:5
        S: * ESEARCH (TAG "b" MAILBOX "INBOX" UIDVALIDITY 1) UID MIN 2 COUNT 4 PARTIAL (-1:-1 5)
        S: b OK Searched
        C: c ESEARCH IN (personal) ALL
        ? list
        ! mailboxes INBOX:1
        ? search-open INBOX
        ! opened 1 1:9
        ? search-opened All all
        ! refused Unavailable
        S: c NO [UNAVAILABLE] Not available now, try again later
        "#,
    );
}

/// INPROGRESS (RFC 9585): messages would be counted from nothing in each mailbox, so mailboxes are.
#[test]
fn it_tells_in_how_many_mailboxes_it_has_looked() {
    check(
        &selected("10:19"),
        r#"
        C: a ESEARCH IN (selected mailboxes (x y)) UNSEEN
        ? search Not(Flag(Seen)) all
        ! progress 3 9
        S: * OK [INPROGRESS ("a" NIL NIL)] Still at it
        ? more
        ! found none
        ? list
        ! mailboxes x:4 y:5
        ? search-open x
        ! progress 0 0
        S: * OK [INPROGRESS ("a" 0 2)] Still at it
        ? more
        ! opened 9 1:8
        ? search-opened Not(Flag(Seen)) all
        ! progress 5 8
        S: * OK [INPROGRESS ("a" 0 2)] Still at it
        ? more
        ! found 7
        S: * ESEARCH (TAG "a" MAILBOX "x" UIDVALIDITY 9) UID ALL 7
        ? search-open y
        ! progress 0 0
        S: * OK [INPROGRESS ("a" 1 2)] Still at it
        ? more
        ! refused NonExistent
        ? sync 100
        ! changes modseq=100
        S: a OK Searched
        C: b ESEARCH UNSEEN
        ? search Not(Flag(Seen)) all
        ! progress 3 9
        S: * OK [INPROGRESS ("b" 3 9)] Still at it
        ? more
        ! found none
        ? sync 100
        ! changes modseq=100
        S: b OK Searched
        "#,
    );
}

/// Numbers and `*` mean other messages in each mailbox.
#[test]
fn sets_are_read_for_each_mailbox() {
    check(
        &selected("10:19"),
        r#"
        C: a ESEARCH IN (selected mailboxes (INBOX x)) 9:* UID 12:*
        ? search And([Uids(UidSet { ranges: [(18, 19)] }), Uids(UidSet { ranges: [(12, 4294967295)] })]) all
        ! found 18,21
        S: * ESEARCH (TAG "a" MAILBOX "INBOX" UIDVALIDITY 7) UID ALL 18
        ? list
        ! mailboxes INBOX:1 x:4
        ? search-open x
        ! opened 9 1:8,30
        ? search-opened And([Uids(UidSet { ranges: [(30, 30)] }), Uids(UidSet { ranges: [(12, 4294967295)] })]) all
        ! found 30
        S: * ESEARCH (TAG "a" MAILBOX "x" UIDVALIDITY 9) UID ALL 30
        ? sync 100
        ! changes modseq=100
        S: a OK Searched
        "#,
    );
}

#[test]
fn the_selected_mailbox_is_meant_if_none_is_named() {
    check(
        &selected("10:19"),
        r#"
        C: a ESEARCH RETURN (SAVE COUNT) SEEN
        ? search Flag(Seen) all
        ! found 11:12
        S: * ESEARCH (TAG "a" MAILBOX "INBOX" UIDVALIDITY 7) UID COUNT 2
        ? sync 100
        ! changes modseq=101 vanished=10
        S: * 1 EXPUNGE
        S: a OK Searched
        C: b ESEARCH IN (selected) RETURN (UPDATE) UID $
        ? search Uids(UidSet { ranges: [(11, 12)] }) all
        ! found 11:12
        S: * ESEARCH (TAG "b" MAILBOX "INBOX" UIDVALIDITY 7) UID
        ? sync 101
        ! changes modseq=102 vanished=11
        S: * ESEARCH (TAG "b") UID REMOVEFROM (0 11)
        S: * 1 EXPUNGE
        S: b OK Searched
        "#,
    );
    check(
        &Imap { selected: Some("10:19"), ..enabled("IMAP4rev2") },
        r#"
        C: a ESEARCH CHARSET KOI8-R ALL
        S: a NO [BADCHARSET (US-ASCII UTF-8)] That character set is not known
        "#,
    );
}

#[test]
fn what_cannot_be_is_refused() {
    check(
        &logged_in(),
        r#"
        C: a ESEARCH ALL
        S: a BAD Select a mailbox first
        C: b ESEARCH IN (selected) ALL
        S: b BAD Select a mailbox first
        C: c ESEARCH IN (personal) RETURN (SAVE) ALL
        S: c BAD SAVE goes with the selected mailbox only
        C: d ESEARCH IN (personal) RETURN (UPDATE) ALL
        S: d BAD UPDATE goes with the selected mailbox
        C: e ESEARCH IN (everywhere) ALL
        S: e BAD Expected a known group of mailboxes
        C: f ESEARCH IN (personal) FOO
        S: f BAD Expected a known search key with its argument
        C: g ESEARCH IN (personal (scope)) ALL
        S: g BAD Expected an atom
        "#,
    );
}
