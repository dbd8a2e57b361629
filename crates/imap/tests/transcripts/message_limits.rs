//! MESSAGELIMIT (RFC 9738).

use std::num::NonZeroU32;

use posthouse_imap::{Config, Limits};
use posthouse_model::session::TlsMode;
use posthouse_testkit::transcript::check;

use crate::dialect::{Imap, config, selected};

/// Ten messages, of which a command may work on three.
fn limited() -> Imap {
    let limits = Limits { messages_per_command: NonZeroU32::new(3), ..Limits::default() };
    Imap { config: Config { limits, ..config(TlsMode::Implicit) }, ..selected("11:20") }
}

#[test]
fn it_is_announced_where_it_is_set() {
    let capabilities = |kind: Imap| {
        let mut session = kind.session();
        posthouse_model::session::Session::receive(&mut session, b"a CAPABILITY\r\n", posthouse_model::Instant(0));
        match posthouse_model::session::Session::next(&mut session) {
            Some(posthouse_model::session::Step::Send(bytes)) => String::from_utf8(bytes.to_vec()).unwrap(),
            step => panic!("{step:?}"),
        }
    };
    assert!(capabilities(limited()).contains(" MESSAGELIMIT=3 "));
    assert!(!capabilities(selected("11:20")).contains("MESSAGELIMIT"));
}

#[test]
fn what_can_be_done_in_part_is_done_for_the_newest() {
    check(
        &limited(),
        r#"
        C: a FETCH 1:* (FLAGS)
        ? fetch 18:20 flags
        ! row uid=18 modseq=1 flags=\Seen ; uid=19 modseq=1 flags=- ; uid=20 modseq=1 flags=-
        S: * 8 FETCH (FLAGS (\Seen))
        S: * 9 FETCH (FLAGS ())
        S: * 10 FETCH (FLAGS ())
        ? more
        ! fetched none
        ? sync 100
        ! changes modseq=100
        S: a OK [MESSAGELIMIT 3 18] Fetched
        C: b UID STORE 11:13,15 +FLAGS.SILENT (\Deleted)
        ? store 12:13,15 Add \Deleted
        ! stored
        ? sync 100
        ! changes modseq=100
        S: b OK [MESSAGELIMIT 3 12] Stored
        C: c UID MOVE 11:17 x
        ? move 15:17 x
        ! copied 15:17 1:3
        S: * OK [COPYUID 7 15:17 1:3] Moved
        ? sync 100
        ! changes modseq=101 vanished=15:17
        S: * 7 EXPUNGE
        S: * 6 EXPUNGE
        S: * 5 EXPUNGE
        S: c OK [MESSAGELIMIT 3 15] Moved
        C: d UID EXPUNGE 11:19
        ? expunge 14,18:19
        ! done
        ? sync 101
        ! changes modseq=101
        S: d OK [MESSAGELIMIT 3 14] Removed
        C: e SEARCH RETURN (COUNT) UNSEEN
        ? search And([Uids(UidSet { ranges: [(18, 20)] }), Not(Flag(Seen))]) all
        ! found 19
        S: * ESEARCH (TAG "e") COUNT 1
        ? sync 101
        ! changes modseq=101
        S: e OK [MESSAGELIMIT 3 18] Searched
        C: f FETCH 1:3 (FLAGS)
        ? fetch 11:13 flags
        ! fetched none
        ? sync 101
        ! changes modseq=101
        S: f OK Fetched
        C: g SEARCH 1:3 UNSEEN
        ? search And([Uids(UidSet { ranges: [(11, 13)] }), Not(Flag(Seen))]) all
        ! found 11
        S: * SEARCH 1
        ? sync 101
        ! changes modseq=101
        S: g OK Searched
        C: h UID SEARCH UIDBEFORE 14 UIDAFTER 11 SEEN
        ? search And([Uids(UidSet { ranges: [(1, 13)] }), Uids(UidSet { ranges: [(12, 4294967295)] }), Flag(Seen)]) all
        ! found 12
        S: * SEARCH 12
        ? sync 101
        ! changes modseq=101
        S: h OK Searched
        C: i EXPUNGE
        ? expunge
        ! done
        ? sync 101
        ! changes modseq=101
        S: i OK Removed
        "#,
    );
}

#[test]
fn another_response_code_is_more_important() {
    check(
        &limited(),
        r#"
        C: a STORE 1:* (UNCHANGEDSINCE 5) +FLAGS.SILENT (\Seen)
        S: * OK [HIGHESTMODSEQ 100] From now on changes are numbered
        ? store 18:20 Add \Seen unchanged-since 5
        ! stored modified=19
        ? sync 100
        ! changes modseq=100
        S: * NO [MESSAGELIMIT 3 18] That was a part of the messages
        S: a OK [MODIFIED 9] Some had changed
        C: b NOOP
        ? sync 100
        ! changes modseq=100
        S: b OK Nothing done
        C: c SEARCH UNSEEN
        ? search And([Uids(UidSet { ranges: [(18, 20)] }), Not(Flag(Seen))]) all
        ! found 18
        S: * SEARCH 8
        ? sync 100
        ! changes modseq=101 vanished=19
        S: * NO [MESSAGELIMIT 3 18] That was a part of the messages
        S: c OK [EXPUNGEISSUED] Searched
        "#,
    );
}

/// Of what is refused, nothing is done, and a client must not go on from there.
#[test]
fn what_is_refused_is_not_done_in_part() {
    check(
        &limited(),
        r"
        C: a STORE 1:* +FLAGS (\Seen)
        ? store 18:20 Add \Seen
        ! refused NoPermission
        ? sync 100
        ! changes modseq=100
        S: a NO [NOPERM] Not permitted
        C: b MOVE 1:* x
        ? move 18:20 x
        ! refused OverQuota
        ? sync 100
        ! changes modseq=100
        S: b NO [OVERQUOTA] No room is left
        C: c FETCH 1:* (FLAGS)
        ? fetch 18:20 flags
        ! refused Unavailable
        ? sync 100
        ! changes modseq=100
        S: c NO [UNAVAILABLE] Not available now, try again later
        ",
    );
}

/// What was not looked at is no part of the result, and does not come into it.
#[test]
fn a_result_of_a_part_is_kept_up_to_date_in_that_part() {
    check(
        &limited(),
        r#"
        C: a SEARCH RETURN (UPDATE ALL) UNSEEN
        ? search And([Uids(UidSet { ranges: [(18, 20)] }), Not(Flag(Seen))]) all
        ! found 18
        S: * ESEARCH (TAG "a") ALL 8
        ? sync 100
        ! changes modseq=100
        S: a OK [MESSAGELIMIT 3 18] Searched
        C: b UID SEARCH RETURN (UPDATE ALL) UIDBEFORE 18 UIDAFTER 14 UNSEEN
        ? search And([Uids(UidSet { ranges: [(1, 17)] }), Uids(UidSet { ranges: [(15, 4294967295)] }), Not(Flag(Seen))]) all
        ! found 15
        S: * ESEARCH (TAG "b") UID ALL 15
        ? sync 100
        ! changes modseq=100
        S: b OK Searched
        C: c NOOP
        ? sync 100
        ! changes modseq=101 changed=17/-/101,20/-/101
        S: * 7 FETCH (FLAGS ())
        S: * 10 FETCH (FLAGS ())
        ? search And([Uids(UidSet { ranges: [(17, 17), (20, 20)] }), And([Uids(UidSet { ranges: [(18, 4294967295)] }), Not(Flag(Seen))])]) all
        ! found 20
        S: * ESEARCH (TAG "a") ADDTO (0 10)
        ? search And([Uids(UidSet { ranges: [(17, 17), (20, 20)] }), And([Uids(UidSet { ranges: [(1, 17)] }), Uids(UidSet { ranges: [(15, 4294967295)] }), Not(Flag(Seen))])]) all
        ! found 17
        S: * ESEARCH (TAG "b") UID ADDTO (0 17)
        S: c OK Nothing done
        "#,
    );
}

#[test]
fn what_is_done_as_a_whole_is_refused() {
    check(
        &limited(),
        r"
        C: a COPY 1:4 x
        S: a NO [MESSAGELIMIT 3 12] Those are too many messages at once
        C: b SORT (DATE) UTF-8 ALL
        S: b NO [MESSAGELIMIT 3] Those are too many messages at once
        C: c THREAD REFERENCES UTF-8 2:6
        S: c NO [MESSAGELIMIT 3] Those are too many messages at once
        C: d UID FETCH 1:* FLAGS (PARTIAL 1:4)
        S: d NO [MESSAGELIMIT 3] Those are too many messages at once
        C: e ESEARCH UNSEEN
        S: e NO [MESSAGELIMIT 3] Those are too many messages at once
        C: f COPY 2:4 x
        ? copy 12:14 x
        ! copied 12:14 1:3
        ? sync 100
        ! changes modseq=100
        S: f OK [COPYUID 7 12:14 1:3] Copied
        C: g SEARCH UIDAFTER 0
        S: g BAD Expected a number above zero
        ",
    );
}
