use posthouse_testkit::transcript::check;

use crate::dialect::{Imap, enabled, selected};

#[test]
fn search_by_number_and_by_uid() {
    check(
        &selected("10:12,20"),
        r"
        C: a SEARCH UNSEEN 2:*
        ? search And([Not(Flag(Seen)), Uids(UidSet { ranges: [(11, 12), (20, 20)] })]) all
        ! found 11,20
        S: * SEARCH 2 4
        ? sync 100
        ! changes modseq=101 vanished=10
        S: a OK [EXPUNGEISSUED] Searched
        C: b UID SEARCH ALL
        ? search All all
        ! found 10:12,20,21
        S: * SEARCH 11 12 20
        ? sync 101
        ! changes modseq=102 added=21
        S: * 1 EXPUNGE
        S: * 4 EXISTS
        S: b OK Searched
        C: c SEARCH ALL
        ? search All all
        ! found none
        S: * SEARCH
        ? sync 102
        ! changes modseq=102
        S: c OK Searched
        C: d SEARCH CHARSET KOI8-R TEXT x
        S: d NO [BADCHARSET (US-ASCII UTF-8)] That character set is not known
        C: e SEARCH
        S: e BAD Expected a space
        ",
    );
}

#[test]
fn esearch() {
    check(
        &selected("10:19"),
        r#"
        C: a SEARCH RETURN (MIN COUNT ALL) SEEN
        ? search Flag(Seen) all
        ! found 11:13,15
        S: * ESEARCH (TAG "a") MIN 2 COUNT 4 ALL 2:4,6
        ? sync 100
        ! changes modseq=100
        S: a OK Searched
        C: b UID SEARCH RETURN (MIN MAX) SEEN
        ? search And([Uids(UidSet { ranges: [(10, 19)] }), Flag(Seen)]) ends true true
        ! found 11,15
        S: * ESEARCH (TAG "b") UID MIN 11 MAX 15
        ? sync 100
        ! changes modseq=100
        S: b OK Searched
        C: c UID SEARCH RETURN () SEEN
        ? search Flag(Seen) all
        ! found none
        S: * ESEARCH (TAG "c") UID
        ? sync 100
        ! changes modseq=100
        S: c OK Searched
        C: d SEARCH RETURN (COUNT) SEEN
        ? search Flag(Seen) all
        ! found none
        S: * ESEARCH (TAG "d") COUNT 0
        ? sync 100
        ! changes modseq=100
        S: d OK Searched
        C: e SEARCH RETURN (FOO) SEEN
        S: e BAD Expected a known RETURN option
        "#,
    );
}

#[test]
fn results_are_saved_and_follow_expunges() {
    check(
        &selected("10:19"),
        r#"
        C: a SEARCH RETURN (SAVE) SEEN
        ? search Flag(Seen) all
        ! found 11:13,15
        ? sync 100
        ! changes modseq=100
        S: a OK Searched
        C: b NOOP
        ? sync 100
        ! changes modseq=101 vanished=12
        S: * 3 EXPUNGE
        S: b OK Nothing done
        C: c FETCH $ FLAGS
        ? fetch 11,13,15 flags
        ! fetched none
        ? sync 101
        ! changes modseq=101
        S: c OK Fetched
        C: d UID SEARCH RETURN (SAVE MIN) UID $ SMALLER 5
        ? search And([Uids(UidSet { ranges: [(10, 11), (13, 19)] }), And([Uids(UidSet { ranges: [(11, 11), (13, 13), (15, 15)] }), Smaller(5)])]) ends true false
        ! found 13
        S: * ESEARCH (TAG "d") UID MIN 13
        ? sync 101
        ! changes modseq=101
        S: d OK Searched
        C: e UID STORE $ +FLAGS.SILENT \Seen
        ? store 13 Add \Seen
        ! stored rows=13/\Seen/102
        ? sync 101
        ! changes modseq=102 changed=13/\Seen/102
        S: e OK Stored
        C: f SEARCH RETURN (SAVE) FOO
        S: f BAD Expected a known search key with its argument
        C: g UID COPY $ Trash
        ? copy 13 Trash
        ! copied 13 1
        ? sync 102
        ! changes modseq=102
        S: g OK [COPYUID 7 13 1] Copied
        C: h SEARCH RETURN (SAVE) ALL
        ? search All all
        ! refused Unavailable
        ? sync 102
        ! changes modseq=102
        S: h NO [UNAVAILABLE] Not available now, try again later
        C: i UID FETCH $ FLAGS
        ? sync 102
        ! changes modseq=102
        S: i OK There is nothing to fetch
        "#,
    );
}

#[test]
fn modification_sequences_are_found() {
    check(
        &selected("10:19"),
        r#"
        C: a SEARCH MODSEQ "/flags/\\draft" all 50
        S: * OK [HIGHESTMODSEQ 100] From now on changes are numbered
        ? search And([Uids(UidSet { ranges: [(10, 19)] }), ModSeq(ModSeq(50))]) all modseq
        ! found 11,15 modseq=99
        S: * SEARCH 2 6 (MODSEQ 99)
        ? sync 100
        ! changes modseq=101 changed=15/-/101
        S: * 6 FETCH (UID 15 MODSEQ (101) FLAGS ())
        S: a OK Searched
        C: b UID SEARCH RETURN (ALL) MODSEQ 50
        ? search And([Uids(UidSet { ranges: [(10, 19)] }), ModSeq(ModSeq(50))]) all modseq
        ! found 11,15 modseq=99
        S: * ESEARCH (TAG "b") UID ALL 11,15 MODSEQ 99
        ? sync 101
        ! changes modseq=101
        S: b OK Searched
        "#,
    );
    check(
        &selected("10:19"),
        r"
        C: a SEARCH MODSEQ 50
        S: * OK [HIGHESTMODSEQ 100] From now on changes are numbered
        ? search And([Uids(UidSet { ranges: [(10, 19)] }), ModSeq(ModSeq(50))]) all modseq
        ! found none
        S: * SEARCH
        ? sync 100
        ! changes modseq=100
        S: a OK Searched
        ",
    );
}

#[test]
fn a_client_of_utf8_names_no_charset() {
    check(
        &Imap { selected: Some("10"), ..enabled("UTF8=ACCEPT") },
        r"
        C: a SEARCH CHARSET UTF-8 ALL
        S: a BAD Expected no CHARSET once UTF8=ACCEPT is enabled
        ",
    );
}

#[test]
fn imap4rev2_answers_esearch() {
    check(
        &Imap { selected: Some("10:19"), ..enabled("IMAP4rev2") },
        r#"
        C: a SEARCH ALL
        ? search All all
        ! found 10:19
        S: * ESEARCH (TAG "a") ALL 1:10
        ? sync 100
        ! changes modseq=100
        S: a OK Searched
        "#,
    );
}

/// INPROGRESS (RFC 9585).
#[test]
fn long_searches_tell_how_far_they_are() {
    check(
        &selected("10:19"),
        r#"
        C: a SEARCH TEXT x
        ? search Text("x") all
        ! progress 0 0
        S: * OK [INPROGRESS ("a" NIL NIL)] Still at it
        ? more
        ! progress 12 0
        S: * OK [INPROGRESS ("a" 12 NIL)] Still at it
        ? more
        ! progress 25 20
        S: * OK [INPROGRESS ("a" 20 20)] Still at it
        ? more
        ! found 11
        S: * SEARCH 2
        ? sync 100
        ! changes modseq=100
        S: a OK Searched
        C: b UID SORT (DATE) UTF-8 ALL
        ? sort +Date All all
        ! progress 5 9
        S: * OK [INPROGRESS ("b" 5 9)] Still at it
        ? more
        ! sorted 11
        S: * SORT 11
        ? sync 100
        ! changes modseq=100
        S: b OK Sorted
        "#,
    );
}
