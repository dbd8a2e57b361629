//! FILTERS (RFC 5466).

use posthouse_testkit::transcript::check;

use crate::dialect::selected;

#[test]
fn filters_are_read_where_they_are_named() {
    check(
        &selected("10:19"),
        r#"
        C: a SEARCH UID 12:13 FILTER on-the-road SEEN
        ? annotations server [/private/filters/values/on-the-road, /shared/filters/values/on-the-road] Entry
        ! annotations /private/filters/values/on-the-road=OR_SMALLER_5111_2
        ? search And([Uids(UidSet { ranges: [(12, 13)] }), Or([Smaller(5111), Uids(UidSet { ranges: [(11, 11)] })]), Flag(Seen)]) all
        ! found 12
        S: * SEARCH 3
        ? sync 100
        ! changes modseq=100
        S: a OK Searched
        C: b UID SORT (DATE) UTF-8 FILTER one
        ? annotations server [/private/filters/values/one, /shared/filters/values/one] Entry
        ! annotations /shared/filters/values/one=FILTER_two
        ? annotations server [/private/filters/values/two, /shared/filters/values/two] Entry
        ! annotations /private/filters/values/two=SEEN /shared/filters/values/two=DELETED
        ? sort +Date Flag(Seen) all
        ! sorted 12
        S: * SORT 12
        ? sync 100
        ! changes modseq=100
        S: b OK Sorted
        "#,
    );
}

#[test]
fn filters_that_cannot_be_are_told_by_name() {
    check(
        &selected("10:19"),
        r#"
        C: a SEARCH FILTER none
        ? annotations server [/private/filters/values/none, /shared/filters/values/none] Entry
        ! annotations
        ? sync 100
        ! changes modseq=100
        S: a NO [UNDEFINED-FILTER none] There is no such filter
        C: b SEARCH FILTER loop
        ? annotations server [/private/filters/values/loop, /shared/filters/values/loop] Entry
        ! annotations /private/filters/values/loop=FILTER_loop
        ? sync 100
        ! changes modseq=100
        S: b NO [UNDEFINED-FILTER loop] There is no such filter
        C: c SEARCH FILTER half
        ? annotations server [/private/filters/values/half, /shared/filters/values/half] Entry
        ! annotations /private/filters/values/half=OR_SMALLER
        S: c BAD Expected a known search key with its argument
        C: d SEARCH FILTER a/b
        S: d BAD Expected the name of a filter
        C: e SEARCH FILTER x
        ? annotations server [/private/filters/values/x, /shared/filters/values/x] Entry
        ! refused Unavailable
        ? sync 100
        ! changes modseq=100
        S: e NO [UNAVAILABLE] Not available now, try again later
        "#,
    );
}
