//! QRESYNC (RFC 7162 §3.2): catching up when a mailbox is opened.

use std::num::NonZeroU32;

use posthouse_model::{ModSeq, Uid, UidValidity};

use crate::answer::Resync;
use crate::grammar::cursor::Cursor;
use crate::grammar::sequence_set::{fixed_ranges, uid_set};
use crate::grammar::{CommandError, Parsed};
use crate::limits::MAX_SEQUENCE_SET_RANGES;
use crate::question::ResyncRequest;
use crate::response::fetch::flags_row;
use crate::session::ImapSession;
use crate::view::SequenceView;

/// ```text
/// SP "(" uidvalidity SP mod-sequence-value [SP known-uids] [SP seq-match-data] ")"
/// seq-match-data = "(" known-sequence-set SP known-uid-set ")"
/// ```
pub(crate) fn resync_request(cursor: &mut Cursor<'_>) -> Parsed<ResyncRequest> {
    cursor.space()?;
    cursor.open()?;
    let uid_validity =
        NonZeroU32::new(cursor.number()?).map(UidValidity).ok_or(CommandError::Expected("a UIDVALIDITY"))?;
    cursor.space()?;
    let since = match cursor.number64()? {
        0 => return Err(CommandError::Expected("a modification sequence above zero")),
        since => ModSeq(since),
    };
    let mut request = ResyncRequest { uid_validity, since, known_uids: None, matches: Vec::new() };
    if cursor.take(b' ') {
        if cursor.peek() != Some(b'(') {
            request.known_uids = Some(uid_set(cursor)?);
            if cursor.take(b' ') {
                request.matches = match_data(cursor)?;
            }
        } else {
            request.matches = match_data(cursor)?;
        }
    }
    cursor.close()?;
    Ok(request)
}

/// `"(" known-sequence-set SP known-uid-set ")"`: as many of the one as of the other, both rising.
fn match_data(cursor: &mut Cursor<'_>) -> Parsed<Vec<(u32, Uid)>> {
    cursor.open()?;
    let sequences = numbers(fixed_ranges(cursor)?)?;
    cursor.space()?;
    let uids = numbers(fixed_ranges(cursor)?)?;
    cursor.close()?;
    if sequences.len() != uids.len() {
        return Err(CommandError::Expected("as many numbers as UIDs"));
    }
    Ok(sequences.into_iter().zip(uids).filter_map(|(sequence, uid)| Some((sequence, Uid::new(uid)?))).collect())
}

/// The numbers themselves, which a client sends few of.
fn numbers(ranges: Vec<(u32, u32)>) -> Parsed<Vec<u32>> {
    let mut numbers = Vec::new();
    for (from, to) in ranges {
        let rising = numbers.last().is_none_or(|last| from > *last) && from <= to;
        let room = MAX_SEQUENCE_SET_RANGES - numbers.len();
        if !rising {
            return Err(CommandError::Expected("rising numbers"));
        }
        if (to - from) as usize >= room {
            return Err(CommandError::TooMany("numbers"));
        }
        numbers.extend(from..=to);
    }
    Ok(numbers)
}

impl ImapSession {
    /// What the client missed: `VANISHED (EARLIER)` first, then changed flags (RFC 7162 §3.2.5.1).
    pub(crate) fn write_resync(&mut self, resync: &Resync, view: &SequenceView) {
        self.write_vanished(&resync.vanished, true);
        for row in &resync.changed {
            if let Some(sequence) = view.sequence_of(row.uid) {
                let name = self.enabled.row_name(sequence, row.uid);
                flags_row(&mut self.out, name, Some(row.uid), Some(row.modseq), Some(&row.flags));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// UIDVALIDITY, modification sequence, known UIDs, pairs.
    type Expected<'a> = (u32, u64, Option<&'a str>, &'a [(u32, u32)]);

    #[track_caller]
    fn check(text: &str, expected: Option<Expected<'_>>) {
        let mut cursor = Cursor::new(text.as_bytes());
        let read = resync_request(&mut cursor).ok().filter(|_| cursor.at_end());
        let read = read.map(|request| {
            let pairs: Vec<_> = request.matches.iter().map(|(sequence, uid)| (*sequence, uid.value())).collect();
            (request.uid_validity.0.get(), request.since.0, request.known_uids.map(|uids| uids.to_string()), pairs)
        });
        let expected = expected.map(|(v, m, known, pairs)| (v, m, known.map(str::to_owned), pairs.to_vec()));
        assert_eq!(read, expected, "{text}");
    }

    #[test]
    fn parameters() {
        check(" (67890007 20050715194045000)", Some((67_890_007, 20_050_715_194_045_000, None, &[])));
        check(" (1 2 41,43:211)", Some((1, 2, Some("41,43:211"), &[])));
        check(" (1 2 1:300 (1,3:4 5,7:8))", Some((1, 2, Some("1:300"), &[(1, 5), (3, 7), (4, 8)])));
        check(" (1 2 (1 5))", Some((1, 2, None, &[(1, 5)])));
        for bad in [
            " ()",
            " (0 1)",
            " (1 0)",
            " (1)",
            " (1 2 *)",
            " (1 2 $)",
            " (1 2 (1:2 5))",
            " (1 2 (2,1 5,6))",
            " (1 2 (1:4000000000 1:4000000000))",
            " (1 2",
            "(1 2)",
        ] {
            check(bad, None);
        }
    }
}
