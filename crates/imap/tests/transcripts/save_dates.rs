//! SAVEDATE (RFC 8514).

use posthouse_testkit::transcript::check;

use crate::dialect::selected;

#[test]
fn save_dates() {
    check(
        &selected("10"),
        r#"
        C: a FETCH 1 SAVEDATE
        ? fetch 10 save-date
        ! row uid=10 saved=837596665
        S: * 1 FETCH (SAVEDATE "17-Jul-1996 09:44:25 +0000")
        ? more
        ! fetched none
        ? sync 100
        ! changes modseq=100
        S: a OK Fetched
        C: b SEARCH SAVEDSINCE 17-Jul-1996 SAVEDBEFORE 18-Jul-1996 SAVEDON "17-Jul-1996"
        ? search And([SavedSince(UnixDay(9694)), SavedBefore(UnixDay(9695)), SavedOn(UnixDay(9694))]) all
        ! found 10
        S: * SEARCH 1
        ? sync 100
        ! changes modseq=100
        S: b OK Searched
        C: c SEARCH NOT SAVEDATESUPPORTED
        ? search Not(All) all
        ! found none
        S: * SEARCH
        ? sync 100
        ! changes modseq=100
        S: c OK Searched
        C: d SEARCH SAVEDON yesterday
        S: d BAD Expected a date
        "#,
    );
}
