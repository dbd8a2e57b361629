//! Updates of results, and their refusal (RFC 5267 §5).

use super::token::{number, ranges, string};

/// A change of a result: at which place, counted from 1, or anywhere for 0; which messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Remove(u32, Vec<(u32, u32)>),
    Add(u32, Vec<(u32, u32)>),
}

/// ```text
/// ret-data-addto      = "ADDTO" SP "(" context-position SP sequence-set *(SP context-position SP sequence-set) ")"
/// ret-data-removefrom = "REMOVEFROM" SP "(" context-position SP sequence-set … ")"
/// ```
///
/// Changes are told in this order, for the client makes them in it (RFC 5267 §4.3.2). Without any there is no response.
pub(crate) fn context_update(out: &mut Vec<u8>, tag: &str, by_uid: bool, changes: &[Change]) {
    if changes.is_empty() {
        return;
    }
    out.extend_from_slice(b"* ESEARCH (TAG ");
    string(out, tag.as_bytes());
    out.push(b')');
    if by_uid {
        out.extend_from_slice(b" UID");
    }
    for same in changes.chunk_by(|one, next| std::mem::discriminant(one) == std::mem::discriminant(next)) {
        let label: &[u8] = if matches!(same[0], Change::Remove(..)) { b" REMOVEFROM (" } else { b" ADDTO (" };
        out.extend_from_slice(label);
        for (at, Change::Remove(place, numbers) | Change::Add(place, numbers)) in same.iter().enumerate() {
            if at > 0 {
                out.push(b' ');
            }
            number(out, u64::from(*place));
            out.push(b' ');
            ranges(out, numbers.iter().copied());
        }
        out.push(b')');
    }
    out.extend_from_slice(b"\r\n");
}

/// `resp-text-code =/ "NOUPDATE" SP quoted`
pub(crate) fn no_update(out: &mut Vec<u8>, tag: &str) {
    out.extend_from_slice(b"* NO [NOUPDATE ");
    string(out, tag.as_bytes());
    out.extend_from_slice(b"] This result is not kept up to date\r\n");
}
