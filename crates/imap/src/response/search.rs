//! The SEARCH and ESEARCH responses (RFC 3501 §7.2.5, RFC 9051 §7.3.4).

use posthouse_model::{MailboxName, ModSeq, UidValidity};

use super::token::{mailbox, number, ranges, string};
use crate::extensions::partial::{PartialRange, write_partial};
use crate::grammar::mailbox::NameEncoding;

/// `* SEARCH *(SP nz-number) [SP "(" "MODSEQ" SP mod-sequence-value ")"]` (RFC 7162 §3.1.6)
pub(crate) fn search(out: &mut Vec<u8>, found: &[(u32, u32)], modseq: Option<ModSeq>) {
    out.extend_from_slice(b"* SEARCH");
    for one in found.iter().flat_map(|&(from, to)| from..=to) {
        out.push(b' ');
        number(out, u64::from(one));
    }
    if let Some(modseq) = modseq.filter(|_| !found.is_empty()) {
        out.extend_from_slice(b" (MODSEQ ");
        number(out, modseq.0);
        out.push(b')');
    }
    out.extend_from_slice(b"\r\n");
}

/// `sort-data = "SORT" *(SP nz-number)`, with the highest modification sequence where there is one (RFC 7162 §7)
pub(crate) fn sort(out: &mut Vec<u8>, sorted: impl Iterator<Item = u32>, modseq: Option<ModSeq>) {
    out.extend_from_slice(b"* SORT");
    let mut any = false;
    for one in sorted {
        out.push(b' ');
        number(out, u64::from(one));
        any = true;
    }
    if let Some(modseq) = modseq.filter(|_| any) {
        out.extend_from_slice(b" (MODSEQ ");
        number(out, modseq.0);
        out.push(b')');
    }
    out.extend_from_slice(b"\r\n");
}

/// What an ESEARCH response tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SearchReturn {
    pub(crate) min: bool,
    pub(crate) max: bool,
    pub(crate) all: bool,
    pub(crate) count: bool,
    /// A page of it (RFC 9394 §3.1).
    pub(crate) partial: Option<PartialRange>,
}

/// What an ESEARCH response belongs to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Correlator<'a> {
    pub(crate) tag: &'a str,
    /// Of an ESEARCH command: where it was found (RFC 7377 §2.1).
    pub(crate) mailbox: Option<(&'a MailboxName, NameEncoding, UidValidity)>,
}

/// An ESEARCH response to SEARCH or SORT.
pub(crate) fn esearch(
    out: &mut Vec<u8>,
    tag: &str,
    by_uid: bool,
    wanted: SearchReturn,
    found: &[(u32, u32)],
    modseq: Option<ModSeq>,
) {
    esearch_in(out, &Correlator { tag, mailbox: None }, by_uid, wanted, found, modseq);
}

/// ```text
/// esearch-response  = "ESEARCH" [search-correlator] [SP "UID"] *(SP search-return-data)     ; RFC 4731 §3.1
/// search-correlator = SP "(" one-correlator *(SP one-correlator) ")"
/// one-correlator    = ("TAG" SP tag-string) / ("MAILBOX" SP astring) / ("UIDVALIDITY" SP nz-number)
/// ```
pub(crate) fn esearch_in(
    out: &mut Vec<u8>,
    correlator: &Correlator<'_>,
    by_uid: bool,
    wanted: SearchReturn,
    found: &[(u32, u32)],
    modseq: Option<ModSeq>,
) {
    out.extend_from_slice(b"* ESEARCH (TAG ");
    string(out, correlator.tag.as_bytes());
    if let Some((name, encoding, uid_validity)) = correlator.mailbox {
        out.extend_from_slice(b" MAILBOX ");
        mailbox(out, name, encoding);
        out.extend_from_slice(b" UIDVALIDITY ");
        number(out, u64::from(uid_validity.0.get()));
    }
    out.push(b')');
    if by_uid {
        out.extend_from_slice(b" UID");
    }
    let mut item = |label: &str, value: u64| {
        out.extend_from_slice(label.as_bytes());
        number(out, value);
    };
    if let (Some(first), Some(last)) = (found.first(), found.last()) {
        if wanted.min {
            item(" MIN ", u64::from(first.0));
        }
        if wanted.max {
            item(" MAX ", u64::from(last.1));
        }
    }
    if wanted.count {
        item(" COUNT ", found.iter().map(|&(from, to)| u64::from(to - from) + 1).sum());
    }
    if wanted.all && !found.is_empty() {
        out.extend_from_slice(b" ALL ");
        ranges(out, found.iter().copied());
    }
    if let Some(range) = wanted.partial {
        write_partial(out, range, found);
    }
    if let Some(modseq) = modseq.filter(|_| !found.is_empty()) {
        out.extend_from_slice(b" MODSEQ ");
        number(out, modseq.0);
    }
    out.extend_from_slice(b"\r\n");
}
