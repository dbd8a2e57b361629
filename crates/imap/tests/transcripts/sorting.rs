use posthouse_testkit::transcript::check;

use crate::dialect::{Imap, enabled, logged_in, selected};

#[test]
fn sort_by_number_and_by_uid() {
    check(
        &selected("10:12,20"),
        r#"
        C: a SORT (SUBJECT REVERSE DATE) UTF-8 UNSEEN
        ? sort +Subject,-Date Not(Flag(Seen)) all
        ! sorted 20,11
        S: * SORT 4 2
        ? sync 100
        ! changes modseq=101 vanished=10
        S: a OK [EXPUNGEISSUED] Sorted
        C: b UID SORT (displayfrom) us-ascii ALL
        ? sort +DisplayFrom All all
        ! sorted 20,10,12,21,11
        S: * SORT 20 12 11
        ? sync 101
        ! changes modseq=101
        S: * 1 EXPUNGE
        S: b OK Sorted
        C: c SORT (SIZE) "UTF-8" 2
        ? sort +Size Uids(UidSet { ranges: [(12, 12)] }) all
        ! sorted none
        S: * SORT
        ? sync 101
        ! changes modseq=101
        S: c OK Sorted
        C: d SORT (CC) UTF-8 ALL
        ? sort +Cc All all
        ! refused Limit
        ? sync 101
        ! changes modseq=101
        S: d NO [LIMIT] Too many for now, try again later
        "#,
    );
}

#[test]
fn what_is_no_sort_is_refused() {
    check(
        &selected("10"),
        r"
        C: a SORT (SUBJECT) KOI8-R ALL
        S: a NO [BADCHARSET (US-ASCII UTF-8)] That character set is not known
        C: b SORT (SUBJECT) ALL
        S: b NO [BADCHARSET (US-ASCII UTF-8)] That character set is not known
        C: c SORT SUBJECT UTF-8 ALL
        S: c BAD Expected an opening parenthesis
        C: d SORT (COLOUR) UTF-8 ALL
        S: d BAD Expected a known sort key
        C: e SORT () UTF-8 ALL
        S: e BAD Expected an atom
        C: f SORT (SUBJECT) UTF-8
        S: f BAD Expected a space
        C: h THREAD COLOUR UTF-8 ALL
        S: h BAD Expected a known threading algorithm
        C: i THREAD REFERENCES ALL
        S: i NO [BADCHARSET (US-ASCII UTF-8)] That character set is not known
        ",
    );
    check(
        &logged_in(),
        r"
        C: a SORT (SUBJECT) UTF-8 ALL
        S: a BAD Select a mailbox first
        C: b UID THREAD REFERENCES UTF-8 ALL
        S: b BAD Select a mailbox first
        ",
    );
}

#[test]
fn extended_sort() {
    check(
        &selected("10:19"),
        r#"
        C: a SORT RETURN (MIN MAX COUNT ALL) (DATE) UTF-8 SEEN
        ? sort +Date Flag(Seen) all
        ! sorted 15,16,17,12,11,10,19
        S: * ESEARCH (TAG "a") MIN 6 MAX 10 COUNT 7 ALL 6:8,3,2,1,10
        ? sync 100
        ! changes modseq=100
        S: a OK Sorted
        C: b UID SORT RETURN () (DATE) UTF-8 SEEN
        ? sort +Date Flag(Seen) all
        ! sorted 15,14
        S: * ESEARCH (TAG "b") UID ALL 15,14
        ? sync 100
        ! changes modseq=100
        S: b OK Sorted
        C: c UID SORT RETURN (MIN MAX SAVE) (DATE) UTF-8 SEEN
        ? sort +Date And([Uids(UidSet { ranges: [(10, 19)] }), Flag(Seen)]) ends true true
        ! sorted 19,10
        S: * ESEARCH (TAG "c") UID MIN 19 MAX 10
        ? sync 100
        ! changes modseq=100
        S: c OK Sorted
        C: d UID SORT (SIZE) UTF-8 $
        ? sort +Size Uids(UidSet { ranges: [(10, 10), (19, 19)] }) all
        ! sorted 10
        S: * SORT 10
        ? sync 100
        ! changes modseq=100
        S: d OK Sorted
        C: e SORT RETURN (SAVE) (SIZE) KOI8-R ALL
        S: e NO [BADCHARSET (US-ASCII UTF-8)] That character set is not known
        C: f UID FETCH $ FLAGS
        ? sync 100
        ! changes modseq=100
        S: f OK There is nothing to fetch
        "#,
    );
}

#[test]
fn sorting_tells_modification_sequences() {
    check(
        &selected("10:19"),
        r#"
        C: a SORT (DATE) UTF-8 MODSEQ 50
        S: * OK [HIGHESTMODSEQ 100] From now on changes are numbered
        ? sort +Date And([Uids(UidSet { ranges: [(10, 19)] }), ModSeq(ModSeq(50))]) all modseq
        ! sorted 15,11 modseq=99
        S: * SORT 6 2 (MODSEQ 99)
        ? sync 100
        ! changes modseq=101 changed=15/-/101
        S: * 6 FETCH (UID 15 MODSEQ (101) FLAGS ())
        S: a OK Sorted
        C: b SORT RETURN (COUNT) (DATE) UTF-8 MODSEQ 50
        ? sort +Date And([Uids(UidSet { ranges: [(10, 19)] }), ModSeq(ModSeq(50))]) all modseq
        ! sorted 15,11 modseq=99
        S: * ESEARCH (TAG "b") COUNT 2 MODSEQ 99
        ? sync 101
        ! changes modseq=101
        S: b OK Sorted
        "#,
    );
}

/// RFC 6855 §3 forbids CHARSET in SEARCH only: SORT has always one.
#[test]
fn a_client_of_utf8_sorts() {
    check(
        &Imap { selected: Some("10"), ..enabled("UTF8=ACCEPT") },
        r"
        C: a SORT (DATE) UTF-8 ALL
        ? sort +Date All all
        ! sorted 10
        S: * SORT 1
        ? sync 100
        ! changes modseq=100
        S: a OK Sorted
        ",
    );
}

#[test]
fn threads() {
    check(
        &selected("10:14,20"),
        r#"
        C: a THREAD REFERENCES UTF-8 UNSEEN
        ? thread References And([Uids(UidSet { ranges: [(10, 14), (20, 20)] }), Not(Flag(Seen))])
        ! threaded 12+2 10 11+1 20 -+2 13 14
        S: * THREAD (3 (1)(2 6))((4)(5))
        ? sync 100
        ! changes modseq=101 vanished=10
        S: a OK [EXPUNGEISSUED] Threaded
        C: b UID THREAD orderedsubject US-ASCII ALL
        ? thread OrderedSubject And([Uids(UidSet { ranges: [(11, 14), (20, 20)] }), All])
        ! threaded 12+1 20
        S: * THREAD (12 20)
        ? sync 101
        ! changes modseq=101
        S: * 1 EXPUNGE
        S: b OK Threaded
        C: c THREAD REFERENCES UTF-8 FROM x
        ? thread References And([Uids(UidSet { ranges: [(11, 14), (20, 20)] }), Header("from", "x")])
        ! threaded
        S: * THREAD
        ? sync 101
        ! changes modseq=101
        S: c OK Threaded
        C: d THREAD REFERENCES UTF-8 ALL
        ? thread References And([Uids(UidSet { ranges: [(11, 14), (20, 20)] }), All])
        ! threaded 99
        S: d NO [SERVERBUG] The server made a mistake
        "#,
    );
}
