//! Sets of messages (RFC 9051 §9 `sequence-set`).

use posthouse_model::{Uid, UidSet};

use super::cursor::Cursor;
use super::{CommandError, Parsed};
use crate::limits::MAX_SEQUENCE_SET_RANGES;
use crate::view::SequenceView;

/// A set as the client wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SequenceSet {
    /// `$`: what the last SEARCH saved (RFC 5182 §2.1).
    Saved,
    /// Pairs of ends, in whichever order; [`STAR`] for `*`.
    Ranges(Vec<(u32, u32)>),
}

/// Stands for `*`; zero is no number of a message.
const STAR: u32 = 0;

/// ```text
/// sequence-set = (seq-number / seq-range) *("," (seq-number / seq-range)) / "$"
/// seq-range    = seq-number ":" seq-number
/// seq-number   = nz-number / "*"
/// ```
pub(crate) fn sequence_set(cursor: &mut Cursor<'_>) -> Parsed<SequenceSet> {
    if cursor.take(b'$') {
        return Ok(SequenceSet::Saved);
    }
    let mut ranges = Vec::new();
    loop {
        if ranges.len() == MAX_SEQUENCE_SET_RANGES {
            return Err(CommandError::TooMany("ranges in a set of messages"));
        }
        let from = number(cursor)?;
        let to = if cursor.take(b':') { number(cursor)? } else { from };
        ranges.push((from, to));
        if !cursor.take(b',') {
            return Ok(SequenceSet::Ranges(ranges));
        }
    }
}

fn number(cursor: &mut Cursor<'_>) -> Parsed<u32> {
    if cursor.take(b'*') {
        return Ok(STAR);
    }
    cursor.nonzero_number().map_err(|_| CommandError::Expected("a set of messages"))
}

/// `known-uids`, `uid-set`: UIDs without `*` and `$` (RFC 7162 §7).
pub(crate) fn uid_set(cursor: &mut Cursor<'_>) -> Parsed<UidSet> {
    let ranges = fixed_ranges(cursor)?;
    Ok(collect(ranges.into_iter()))
}

/// Numbers without `*` and `$`, as they stand.
pub(crate) fn fixed_ranges(cursor: &mut Cursor<'_>) -> Parsed<Vec<(u32, u32)>> {
    match sequence_set(cursor)? {
        SequenceSet::Ranges(ranges) if ranges.iter().all(|&(from, to)| from != STAR && to != STAR) => Ok(ranges),
        _ => Err(CommandError::Expected("numbers without *")),
    }
}

impl SequenceSet {
    /// The messages meant by sequence numbers.
    ///
    /// A number that no message has is an error, but for a range that has `*` at one end: what `5:*` names in a
    /// mailbox of three is the last message, and `1:*` in an empty one nothing. Strictly both are errors
    /// (RFC 9051 §9 `seq-number`), yet clients ask so and mean it so.
    pub(crate) fn by_sequence(&self, view: &SequenceView, saved: &UidSet) -> Parsed<UidSet> {
        let last = view.len();
        match self {
            Self::Ranges(ranges) if ranges.iter().any(|&(a, b)| a != STAR && b != STAR && a.max(b) > last) => {
                Err(CommandError::NoSuchMessage)
            }
            _ => Ok(self.present_by_sequence(view, saved)),
        }
    }

    /// Likewise, passing over numbers that no message has: as a key of a SEARCH, such a number finds nothing.
    pub(crate) fn present_by_sequence(&self, view: &SequenceView, saved: &UidSet) -> UidSet {
        let Self::Ranges(ranges) = self else {
            return view.known(saved);
        };
        let last = view.len();
        let mut uids = UidSet::new();
        for &(a, b) in ranges {
            let (from, to) = match (a, b) {
                (STAR, STAR) => (last, last),
                (number, STAR) | (STAR, number) => (number.min(last), last),
                (a, b) => (a.min(b), a.max(b)),
            };
            view.add_uids_between(from, to, &mut uids);
        }
        uids
    }

    /// The messages meant by UIDs, as far as the view has them (RFC 9051 §6.4.9: others are ignored).
    pub(crate) fn by_uid(&self, view: &SequenceView, saved: &UidSet) -> UidSet {
        match self {
            Self::Saved => view.known(saved),
            Self::Ranges(ranges) => {
                // RFC 9051 §9 `seq-number`: in an empty mailbox `*` is the next UID; there is nothing to find.
                let last = view.last_uid().map_or(u32::MAX, Uid::value);
                let end = |number| if number == STAR { last } else { number };
                view.known(&collect(ranges.iter().map(|&(from, to)| (end(from), end(to)))))
            }
        }
    }

    /// The UIDs meant, whether there are such messages or not: for what has been expunged. A range to `*` goes on
    /// behind the last message, because those that were there may be among the expunged.
    pub(crate) fn any_uid(&self, view: &SequenceView, saved: &UidSet) -> UidSet {
        let Self::Ranges(ranges) = self else {
            return saved.clone();
        };
        let last = view.last_uid().map_or(u32::MAX, Uid::value);
        collect(ranges.iter().map(|&range| match range {
            (STAR, STAR) => (last, u32::MAX),
            (number, STAR) | (STAR, number) => (number.min(last), u32::MAX),
            range => range,
        }))
    }
}

/// Sorts first, so that a set of many ranges in disorder costs no more than one in order.
fn collect(ranges: impl Iterator<Item = (u32, u32)>) -> UidSet {
    let mut ranges: Vec<(u32, u32)> = ranges.map(|(a, b)| (a.min(b), a.max(b))).collect();
    ranges.sort_unstable();
    let mut set = UidSet::new();
    for (from, to) in ranges {
        if let (Some(from), Some(to)) = (Uid::new(from), Uid::new(to)) {
            set.insert_range(from, to);
        }
    }
    set
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(text: &str) -> SequenceView {
        SequenceView::new(&if text.is_empty() {
            UidSet::new()
        } else {
            uid_set(&mut Cursor::new(text.as_bytes())).unwrap()
        })
    }

    #[track_caller]
    fn check(uids: &str, set: &str, by_sequence: Option<&str>, by_uid: &str) {
        let (view, saved) = (view(uids), uid_set(&mut Cursor::new(b"20:30")).unwrap());
        let mut cursor = Cursor::new(set.as_bytes());
        let parsed = sequence_set(&mut cursor).unwrap();
        cursor.end().unwrap();
        assert_eq!(parsed.by_sequence(&view, &saved).ok().map(|s| s.to_string()).as_deref(), by_sequence, "{set}");
        assert_eq!(parsed.by_uid(&view, &saved).to_string(), by_uid, "{set}");
    }

    #[test]
    fn sets_name_messages() {
        check("10,20,30", "1:*", Some("10,20,30"), "10,20,30");
        check("10,20,30", "2", Some("20"), "");
        check("10,20,30", "3:2,1", Some("10,20,30"), "");
        check("10,20,30", "4", None, "");
        check("10,20,30", "1:4", None, "");
        check("10,20,30", "5:*", Some("30"), "10,20,30");
        check("10,20,30", "559:*", Some("30"), "30");
        check("10,20,30", "*", Some("30"), "30");
        check("10,20,30", "*:2", Some("20,30"), "10,20,30");
        check("10,20,30", "$", Some("20,30"), "20,30");
        check("", "1:*", Some(""), "");
        check("", "*", Some(""), "");
        check("", "1", None, "");
        check("10", "1,1,1:1", Some("10"), "");
    }

    #[test]
    fn broken_sets_are_refused() {
        for bad in ["", "0", "a", "1:", ":1", "1,", ",1", "1::2", "4294967296", "-1", "1:0"] {
            let mut cursor = Cursor::new(bad.as_bytes());
            assert!(sequence_set(&mut cursor).is_err(), "{bad}");
        }
        let many = vec!["1"; MAX_SEQUENCE_SET_RANGES + 1].join(",");
        assert_eq!(
            sequence_set(&mut Cursor::new(many.as_bytes())),
            Err(CommandError::TooMany("ranges in a set of messages"))
        );
    }
}
