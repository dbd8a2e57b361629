//! PREVIEW (RFC 8970).

use posthouse_testkit::transcript::check;

use crate::dialect::selected;

#[test]
fn previews() {
    check(
        &selected("10:12"),
        r#"
        C: a FETCH 1:3 (UID PREVIEW (LAZY))
        ? fetch 10:12 uid,preview-at-hand
        ! row uid=10 preview=Dear_Ann ; uid=11 preview= ; uid=12
        S: * 1 FETCH (UID 10 PREVIEW "Dear Ann")
        S: * 2 FETCH (UID 11 PREVIEW "")
        S: * 3 FETCH (UID 12 PREVIEW NIL)
        ? more
        ! fetched none
        ? sync 100
        ! changes modseq=100
        S: a OK Fetched
        C: b FETCH 3 PREVIEW
        ? fetch 12 preview
        ! row uid=12 preview=Grüße
        S> * 3 FETCH (PREVIEW {7}\r\n
        S: Grüße)
        ? more
        ! fetched none
        ? sync 100
        ! changes modseq=100
        S: b OK Fetched
        C: c FETCH 3 PREVIEW
        ? fetch 12 preview
        ! row uid=12
        S: * 3 FETCH (PREVIEW "")
        ? more
        ! fetched none
        ? sync 100
        ! changes modseq=100
        S: c OK Fetched
        C: d FETCH 3 (PREVIEW (EAGER))
        S: d BAD Expected a known FETCH item
        "#,
    );
}

#[test]
fn a_modifier_of_fetch_is_none_of_preview() {
    check(
        &selected("10"),
        r"
        C: a FETCH 1 PREVIEW (CHANGEDSINCE 7)
        S: * OK [HIGHESTMODSEQ 100] From now on changes are numbered
        ? fetch 10 modseq,preview since 7
        ! fetched none
        ? sync 100
        ! changes modseq=100
        S: a OK Fetched
        C: b FETCH 1 PREVIEW (LAZY) (CHANGEDSINCE 7)
        ? fetch 10 modseq,preview-at-hand since 7
        ! fetched none
        ? sync 100
        ! changes modseq=100
        S: b OK Fetched
        ",
    );
}
