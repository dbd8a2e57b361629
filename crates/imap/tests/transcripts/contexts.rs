//! CONTEXT=SEARCH and CONTEXT=SORT (RFC 5267 §4).

use posthouse_testkit::transcript::check;

use crate::dialect::{Imap, logged_in, selected};

#[test]
fn results_are_kept_up_to_date() {
    check(
        &selected("10:19"),
        r#"
        C: a SEARCH RETURN (UPDATE COUNT CONTEXT) SEEN
        ? search Flag(Seen) all
        ! found 11:13,15
        S: * ESEARCH (TAG "a") COUNT 4
        ? sync 100
        ! changes modseq=100
        S: a OK Searched
        C: b NOOP
        ? sync 100
        ! changes modseq=101 vanished=12 added=20,21 changed=10/\Seen/101,13/-/101
        S: * ESEARCH (TAG "a") REMOVEFROM (0 3)
        S: * 3 EXPUNGE
        S: * 11 EXISTS
        S: * 1 FETCH (FLAGS (\Seen))
        S: * 3 FETCH (FLAGS ())
        ? search And([Uids(UidSet { ranges: [(10, 10), (13, 13), (20, 21)] }), Flag(Seen)]) all
        ! found 10,21
        S: * ESEARCH (TAG "a") REMOVEFROM (0 3) ADDTO (0 1,11)
        S: b OK Nothing done
        C: c NOOP
        ? sync 101
        ! changes modseq=101
        S: c OK Nothing done
        C: d CANCELUPDATE "x" "a"
        ? sync 101
        ! changes modseq=102 changed=10/-/102
        S: * 1 FETCH (FLAGS ())
        S: d OK No further updates
        "#,
    );
}

/// RFC 5267 §4.3.4: what goes is told at once, though its number goes later.
#[test]
fn expunges_are_told_before_numbers_change() {
    check(
        &selected("10:19"),
        r#"
        C: a SEARCH RETURN (UPDATE) ALL
        ? search All all
        ! found 10:19
        S: * ESEARCH (TAG "a")
        ? sync 100
        ! changes modseq=101 vanished=12
        S: * ESEARCH (TAG "a") REMOVEFROM (0 3)
        S: a OK [EXPUNGEISSUED] Searched
        C: b NOOP
        ? sync 101
        ! changes modseq=101
        S: * 3 EXPUNGE
        S: b OK Nothing done
        "#,
    );
}

#[test]
fn sorted_results_are_kept_in_order() {
    check(
        &selected("10:19"),
        r#"
        C: a UID SORT RETURN (UPDATE ALL) (DATE) UTF-8 SEEN
        ? sort +Date Flag(Seen) all
        ! sorted 15,16,11,13
        S: * ESEARCH (TAG "a") UID ALL 15:16,11,13
        ? sync 100
        ! changes modseq=100
        S: a OK Sorted
        C: b NOOP
        ? sync 100
        ! changes modseq=101 vanished=16 added=20,21 changed=12/\Seen/101,13/-/101
        S: * ESEARCH (TAG "a") UID REMOVEFROM (2 16)
        S: * 7 EXPUNGE
        S: * 11 EXISTS
        S: * 3 FETCH (FLAGS (\Seen))
        S: * 4 FETCH (FLAGS ())
        ? search And([Uids(UidSet { ranges: [(12, 13), (20, 21)] }), Flag(Seen)]) all
        ! found 12,20,21
        S: * ESEARCH (TAG "a") UID REMOVEFROM (3 13)
        ? sort +Date Uids(UidSet { ranges: [(11, 12), (15, 15), (20, 21)] }) all
        ! sorted 20,21,15,12,11
        S: * ESEARCH (TAG "a") UID ADDTO (1 20:21 4 12)
        S: b OK Nothing done
        C: c NOOP
        ? sync 101
        ! changes modseq=102 vanished=15,20,11
        S: * ESEARCH (TAG "a") UID REMOVEFROM (5 11 3 15 1 20)
        S: * 10 EXPUNGE
        S: * 6 EXPUNGE
        S: * 2 EXPUNGE
        S: c OK Nothing done
        "#,
    );
}

#[test]
fn updates_come_while_idling() {
    check(
        &Imap { idling: true, ..selected("10:11") },
        r#"
        C: a UID SEARCH RETURN (UPDATE ALL) UNSEEN
        ? search Not(Flag(Seen)) all
        ! found 10
        S: * ESEARCH (TAG "a") UID ALL 10
        ? sync 100
        ! changes modseq=100
        S: a OK Searched
        C: b IDLE
        S: + idling
        ? watch true
        ! done
        ? sync 100
        ! changes modseq=101 added=12
        S: * 3 EXISTS
        ? search And([Uids(UidSet { ranges: [(12, 12)] }), Not(Flag(Seen))]) all
        ! found 12
        S: * ESEARCH (TAG "a") UID ADDTO (0 12)
        C: DONE
        ? watch false
        ! done
        ? sync 101
        ! changes modseq=101
        S: b OK No longer idle
        "#,
    );
}

#[test]
fn updates_are_bounded_and_may_end() {
    let mut script = String::new();
    for number in 0..=16 {
        script.push_str(&format!(
            "C: t{number} SEARCH RETURN (UPDATE COUNT) ALL\n? search All all\n! found 10\n\
             S: * ESEARCH (TAG \"t{number}\") COUNT 1\n"
        ));
        if number == 16 {
            script.push_str("S: * NO [NOUPDATE \"t16\"] This result is not kept up to date\n");
        }
        script.push_str(&format!("? sync 100\n! changes modseq=100\nS: t{number} OK Searched\n"));
    }
    check(&selected("10"), &script);
    check(
        &selected("10"),
        r#"
        C: a SEARCH RETURN (UPDATE) ALL
        ? search All all
        ! found 10
        S: * ESEARCH (TAG "a")
        ? sync 100
        ! changes modseq=100
        S: a OK Searched
        C: a SEARCH RETURN (UPDATE) SEEN
        S: a BAD That tag has updates already
        C: a SORT RETURN (UPDATE) (DATE) UTF-8 SEEN
        S: a BAD That tag has updates already
        C: b NOOP
        ? sync 100
        ! changes modseq=101 added=11
        S: * 2 EXISTS
        ? search And([Uids(UidSet { ranges: [(11, 11)] }), All]) all
        ! refused Unavailable
        S: * NO [NOUPDATE "a"] This result is not kept up to date
        S: b OK Nothing done
        C: c NOOP
        ? sync 101
        ! changes modseq=102 added=12
        S: * 3 EXISTS
        S: c OK Nothing done
        C: d CANCELUPDATE
        S: d BAD Expected a space
        C: e CANCELUPDATE a
        S: e BAD Expected a string
        "#,
    );
    check(
        &logged_in(),
        r#"
        C: a CANCELUPDATE "b"
        S: a BAD Select a mailbox first
        "#,
    );
}
