//! PARTIAL (RFC 9394).

use posthouse_testkit::transcript::check;

use crate::dialect::{Imap, enabled, selected};

#[test]
fn pages_of_results() {
    check(
        &selected("10:19"),
        r#"
        C: a SEARCH RETURN (PARTIAL 2:3 COUNT) SEEN
        ? search Flag(Seen) all
        ! found 11:13,15,21
        S: * ESEARCH (TAG "a") COUNT 4 PARTIAL (2:3 3:4)
        ? sync 100
        ! changes modseq=100
        S: a OK Searched
        C: b UID SEARCH RETURN (PARTIAL -1:-2 MIN) SEEN
        ? search Flag(Seen) all
        ! found 11:13,15
        S: * ESEARCH (TAG "b") UID MIN 11 PARTIAL (-1:-2 13,15)
        ? sync 100
        ! changes modseq=100
        S: b OK Searched
        C: c UID SORT RETURN (PARTIAL 1:2) (REVERSE DATE) UTF-8 SEEN
        ? sort -Date Flag(Seen) all
        ! sorted 15,11,12,13
        S: * ESEARCH (TAG "c") UID PARTIAL (1:2 15,11)
        ? sync 100
        ! changes modseq=100
        S: c OK Sorted
        C: d SEARCH RETURN (PARTIAL 9:8) MODSEQ 5
        S: * OK [HIGHESTMODSEQ 100] From now on changes are numbered
        ? search And([Uids(UidSet { ranges: [(10, 19)] }), ModSeq(ModSeq(5))]) all modseq
        ! found 11:13 modseq=7
        S: * ESEARCH (TAG "d") PARTIAL (8:9 NIL) MODSEQ 7
        ? sync 100
        ! changes modseq=100
        S: d OK Searched
        "#,
    );
}

#[test]
fn what_is_no_page_is_refused() {
    check(
        &selected("10:19"),
        r"
        C: a SEARCH RETURN (PARTIAL 1:2 ALL) SEEN
        S: a BAD Expected either ALL or PARTIAL
        C: b SEARCH RETURN (PARTIAL 1:2 PARTIAL 3:4) SEEN
        S: b BAD Expected PARTIAL only once
        C: c SEARCH RETURN (PARTIAL 1:*) SEEN
        S: c BAD Expected a number
        C: d SEARCH RETURN (PARTIAL 1:-2) SEEN
        S: d BAD Expected a range of results
        C: e SEARCH RETURN (PARTIAL) SEEN
        S: e BAD Expected a space
        C: f FETCH 1:* FLAGS (PARTIAL 1:2)
        S: f BAD PARTIAL goes with UID FETCH
        ",
    );
}

/// The table of RFC 9394 §3.2.
#[test]
fn pages_are_saved() {
    for (options, saved) in [
        ("PARTIAL 2:3", "12,13"),
        ("PARTIAL 2:3 MIN", "11:13"),
        ("PARTIAL 2:3 MAX", "12,13,15"),
        ("PARTIAL 2:3 MIN MAX", "11:13,15"),
        ("PARTIAL 2:3 COUNT MIN", "11:13,15"),
    ] {
        let saved = saved.replace("12,13", "12:13");
        let mut script = format!(
            "C: a UID SEARCH RETURN (SAVE {options}) SEEN\n? search Flag(Seen) all\n! found 11:13,15\n\
             S: * ESEARCH (TAG \"a\") UID"
        );
        for (option, item) in [("MIN", " MIN 11"), ("MAX", " MAX 15"), ("COUNT", " COUNT 4")] {
            if options.contains(option) {
                script.push_str(item);
            }
        }
        script.push_str(" PARTIAL (2:3 12:13)\n? sync 100\n! changes modseq=100\nS: a OK Searched\n");
        script.push_str(&format!("C: b UID FETCH $ FLAGS\n? fetch {saved} uid,flags\n! fetched none\n"));
        script.push_str("? sync 100\n! changes modseq=100\nS: b OK Fetched\n");
        check(&selected("10:19"), &script);
    }
}

#[test]
fn pages_of_messages() {
    check(
        &selected("10:19"),
        r"
        C: a UID FETCH 5:17 (UID FLAGS) (PARTIAL -1:-3)
        ? fetch 15:17 uid,flags
        ! fetched none
        ? sync 100
        ! changes modseq=100
        S: a OK Fetched
        C: b UID FETCH 1:* FLAGS (PARTIAL 100:200)
        ? sync 100
        ! changes modseq=100
        S: b OK There is nothing to fetch
        C: c UID FETCH 1:* FLAGS (CHANGEDSINCE 98 PARTIAL 1:2)
        S: * OK [HIGHESTMODSEQ 100] From now on changes are numbered
        ? fetch 10:11 uid,flags,modseq since 98
        ! fetched none
        ? sync 100
        ! changes modseq=100
        S: c OK Fetched
        ",
    );
    // Messages that are gone are told, wherever the page is.
    check(
        &Imap { selected: Some("10:19"), ..enabled("QRESYNC") },
        r"
        C: a UID FETCH 5:21 FLAGS (CHANGEDSINCE 98 VANISHED PARTIAL -1:-2)
        ? fetch 5:9,18:21 uid,flags,modseq since 98 vanished
        ! vanished 7
        S: * VANISHED (EARLIER) 7
        ? more
        ! fetched none
        ? sync 100
        ! changes modseq=100
        S: a OK Fetched
        ",
    );
}
