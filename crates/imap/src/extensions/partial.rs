//! PARTIAL (RFC 9394, and RFC 5267 §4.4 before it): a page of a result, or of what a UID FETCH names.

use posthouse_model::{Uid, UidSet};

use crate::grammar::cursor::Cursor;
use crate::grammar::{CommandError, Parsed};
use crate::response::token::{number, ranges};

/// A page, counted from one end or the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PartialRange {
    /// The lower and the higher; a client may write them in either order.
    ends: (u32, u32),
    /// Counted from the last result.
    from_last: bool,
}

impl PartialRange {
    /// So many of the last.
    pub(crate) fn last(count: u32) -> Self {
        Self { ends: (1, count), from_last: true }
    }

    /// ```text
    /// partial-range       = partial-range-first / partial-range-last
    /// partial-range-first = nz-number ":" nz-number
    /// partial-range-last  = MINUS nz-number ":" MINUS nz-number
    /// ```
    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Parsed<Self> {
        let from_last = cursor.take(b'-');
        let first = cursor.nonzero_number()?;
        if !cursor.take(b':') || cursor.take(b'-') != from_last {
            return Err(CommandError::Expected("a range of results"));
        }
        let last = cursor.nonzero_number()?;
        Ok(Self { ends: (first.min(last), first.max(last)), from_last })
    }

    /// As it is answered.
    pub(crate) fn write(self, out: &mut Vec<u8>) {
        let sign: &[u8] = if self.from_last { b"-" } else { b"" };
        out.extend_from_slice(sign);
        number(out, u64::from(self.ends.0));
        out.push(b':');
        out.extend_from_slice(sign);
        number(out, u64::from(self.ends.1));
    }

    /// Which of `total` results it names, from the first (counted from zero) to the one behind the last.
    fn among(self, total: u64) -> (u64, u64) {
        let (low, high) = (u64::from(self.ends.0), u64::from(self.ends.1));
        if self.from_last {
            (total.saturating_sub(high), (total + 1).saturating_sub(low))
        } else {
            ((low - 1).min(total), high.min(total))
        }
    }

    /// The page of results that stand in order as ranges.
    pub(crate) fn of_ranges(self, found: &[(u32, u32)]) -> Vec<(u32, u32)> {
        let length = |&(from, to): &(u32, u32)| u64::from(to - from) + 1;
        let (start, end) = self.among(found.iter().map(length).sum());
        let mut page = Vec::new();
        let mut before = 0;
        for range in found {
            let (first, behind) = (start.max(before), end.min(before + length(range)));
            if first < behind {
                // Both are within the range.
                page.push((range.0 + (first - before) as u32, range.0 + (behind - before) as u32 - 1));
            }
            before += length(range);
        }
        page
    }

    /// The page of a set.
    pub(crate) fn of_uids(self, uids: &UidSet) -> UidSet {
        let all: Vec<(u32, u32)> = uids.ranges().map(|range| (*range.start(), *range.end())).collect();
        uid_set_of(&self.of_ranges(&all))
    }
}

/// UIDs that stand as ranges in any order.
pub(crate) fn uid_set_of(found: &[(u32, u32)]) -> UidSet {
    let mut rising = found.to_vec();
    rising.sort_unstable();
    let mut set = UidSet::new();
    for (from, to) in rising {
        if let (Some(from), Some(to)) = (Uid::new(from), Uid::new(to)) {
            set.insert_range(from, to);
        }
    }
    set
}

/// ```text
/// ret-data-partial = "PARTIAL" SP "(" partial-range SP partial-results ")"
/// partial-results  = sequence-set / "NIL"
/// ```
pub(crate) fn write_partial(out: &mut Vec<u8>, range: PartialRange, found: &[(u32, u32)]) {
    out.extend_from_slice(b" PARTIAL (");
    range.write(out);
    out.push(b' ');
    match range.of_ranges(found).as_slice() {
        [] => out.extend_from_slice(b"NIL"),
        page => ranges(out, page.iter().copied()),
    }
    out.push(b')');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(range: &str, found: &[(u32, u32)], expected: &str) {
        let range = PartialRange::read(&mut Cursor::new(range.as_bytes())).unwrap();
        let mut out = Vec::new();
        write_partial(&mut out, range, found);
        assert_eq!(String::from_utf8(out).unwrap(), format!(" PARTIAL ({expected})"));
    }

    #[test]
    fn pages() {
        let found = [(10, 12), (3, 3), (5, 6)];
        check("1:2", &found, "1:2 10:11");
        check("2:1", &found, "1:2 10:11");
        check("3:5", &found, "3:5 12,3,5");
        check("6:100", &found, "6:100 6");
        check("7:100", &found, "7:100 NIL");
        check("-1:-2", &found, "-1:-2 5:6");
        check("-3:-3", &found, "-3:-3 3");
        check("-4294967295:-5", &found, "-5:-4294967295 10:11");
        check("-7:-9", &found, "-7:-9 NIL");
        check("1:1", &[], "1:1 NIL");
        check("-1:-1", &[], "-1:-1 NIL");
    }

    #[test]
    fn what_is_no_page_is_refused() {
        for bad in ["", "1", "0:1", "1:0", "1:*", "-1:1", "1:-1", "-1", "--1:-1", "1:4294967296", "-0:-1"] {
            let read = PartialRange::read(&mut Cursor::new(bad.as_bytes()));
            assert!(read.is_err(), "{bad}: {read:?}");
        }
    }

    proptest! {
        #[test]
        fn pages_are_those_of_a_plain_list(
            found in prop::collection::vec((1_u32..50, 0_u32..4), 0..8), ends in (1_u32..30, 1_u32..30), from_last: bool,
        ) {
            let found: Vec<(u32, u32)> = found.into_iter().map(|(from, more)| (from, from + more)).collect();
            let plain: Vec<u32> = found.iter().flat_map(|&(from, to)| from..=to).collect();
            let (low, high) = (ends.0.min(ends.1) as usize, ends.0.max(ends.1) as usize);
            let expected: Vec<u32> = plain.iter().copied().enumerate().filter(|(at, _)| {
                let position = if from_last { plain.len() - at } else { at + 1 };
                (low..=high).contains(&position)
            }).map(|(_, one)| one).collect();
            let range = PartialRange { ends: (low as u32, high as u32), from_last };
            let page = range.of_ranges(&found);
            prop_assert_eq!(page.into_iter().flat_map(|(from, to)| from..=to).collect::<Vec<_>>(), expected);
        }
    }
}
