//! The FETCH response (RFC 9051 §7.5.2).

use bytes::Bytes;
use posthouse_mime::{Section, SectionKind};
use posthouse_model::{Flags, ModSeq, Uid, UnixDay, UnixMillis};

use super::flags::flag_list;
use super::token::{literal_header, number, string, two_digits};
use crate::answer::{BinarySize, FetchRow, SectionData};
use crate::extensions::object_id::{email_id, thread_id};
use crate::extensions::preview::preview;
use crate::grammar::date::MONTHS;
use crate::question::{FetchItems, SectionForm, SectionRequest};

const SECONDS_PER_DAY: i64 = 86_400;

/// What the rows of one FETCH command look like; worked out once.
#[derive(Debug)]
pub(crate) struct FetchLayout {
    pub(crate) items: FetchItems,
    /// `BODY[…]<…> ` for each section asked for.
    section_labels: Vec<Box<[u8]>>,
    /// `BINARY.SIZE[…] ` for each part asked for.
    size_labels: Vec<Box<[u8]>>,
}

impl FetchLayout {
    pub(crate) fn new(items: FetchItems) -> Self {
        let section_labels = items.sections.iter().map(section_label).collect();
        let size_labels = items
            .binary_sizes
            .iter()
            .map(|path| {
                let mut label = b"BINARY.SIZE[".to_vec();
                part_numbers(&mut label, path);
                label.extend_from_slice(b"] ");
                label.into()
            })
            .collect();
        Self { items, section_labels, size_labels }
    }

    /// Everything of a row that comes before its sections: `* 1 FETCH (UID 5 …`. The row is left open. Returns what
    /// separates the next item. UID and modification sequence are written if asked for, or if `with_ids`.
    pub(crate) fn begin(&self, out: &mut Vec<u8>, name: RowName, row: &FetchRow, with_ids: bool) -> &'static [u8] {
        let items = &self.items;
        let mut separator = begin_row(out, name);
        let mut label = |out: &mut Vec<u8>, text: &[u8]| {
            out.extend_from_slice(std::mem::replace(&mut separator, b" "));
            out.extend_from_slice(text);
        };
        // The name of the row tells the UID already where it is one.
        if items.uid || (with_ids && matches!(name, RowName::Number(_))) {
            label(out, b"UID ");
            number(out, u64::from(row.uid.value()));
        }
        if items.modseq || with_ids {
            label(out, b"MODSEQ (");
            number(out, row.modseq.0);
            out.push(b')');
        }
        if items.flags || row.newly_seen {
            label(out, b"FLAGS ");
            flag_list(out, &row.flags);
        }
        if items.internal_date {
            label(out, b"INTERNALDATE ");
            date_time(out, row.internal_date);
        }
        if items.size {
            label(out, b"RFC822.SIZE ");
            number(out, row.size);
        }
        for (wanted, text, octets) in [
            (items.envelope, &b"ENVELOPE "[..], &row.envelope),
            (items.body, b"BODY ", &row.body),
            (items.body_structure, b"BODYSTRUCTURE ", &row.body_structure),
        ] {
            if wanted {
                label(out, text);
                out.extend_from_slice(octets);
            }
        }
        if items.save_date {
            label(out, b"SAVEDATE ");
            date_time(out, row.saved_at);
        }
        if items.email_id {
            label(out, b"");
            email_id(out, row.message);
        }
        if items.thread_id {
            label(out, b"");
            thread_id(out, row.thread);
        }
        if let Some(need) = items.preview {
            label(out, b"");
            preview(out, need, row.preview.as_deref());
        }
        for (text, size) in self.size_labels.iter().zip(&row.binary_sizes) {
            if let BinarySize::Octets(octets) = size {
                label(out, text);
                number(out, *octets);
            }
        }
        separator
    }

    /// The label and the value of a section, but for octets that are not in `data`; those follow.
    pub(crate) fn section(&self, out: &mut Vec<u8>, index: usize, data: &SectionData) {
        let (Some(label), Some(request)) = (self.section_labels.get(index), self.items.sections.get(index)) else {
            return;
        };
        out.extend_from_slice(label);
        let binary = request.form == SectionForm::Binary;
        match data {
            SectionData::Absent | SectionData::UnknownEncoding => out.extend_from_slice(b"NIL"),
            SectionData::Whole(octets) => {
                // RFC 9051 §4.3.1: NUL may stand in a literal8 only.
                if binary && octets.contains(&0) {
                    out.push(b'~');
                }
                literal_header(out, octets.len() as u64);
            }
            SectionData::Streamed { length } => {
                if binary {
                    out.push(b'~');
                }
                literal_header(out, *length);
            }
        }
    }

    /// Octets of a section as they may stand in its literal. `literal = "{" number "}" CRLF *CHAR8` knows no NUL (RFC 3501
    /// §9, RFC 9051 §9): where a message has one, which takes a part of Content-Transfer-Encoding `binary`, another
    /// octet stands for it in all but BINARY, which gives the part as it is (RFC 3516 §4.3). Lengths and offsets stay.
    pub(crate) fn as_literal(&self, index: usize, octets: Bytes) -> Bytes {
        let binary = self.items.sections.get(index).is_some_and(|request| request.form == SectionForm::Binary);
        if binary || !octets.contains(&0) {
            return octets;
        }
        octets.iter().map(|&octet| if octet == 0 { NUL_REPLACEMENT } else { octet }).collect()
    }
}

/// What stands in place of NUL where NUL may not stand: not ASCII, so that no client takes it for text.
const NUL_REPLACEMENT: u8 = 0x80;

/// How a row names its message.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RowName {
    /// `* n FETCH`
    Number(u32),
    /// `* uid UIDFETCH` (RFC 9586 §3.3)
    Uid(Uid),
}

/// `* n FETCH (`
fn begin_row(out: &mut Vec<u8>, name: RowName) -> &'static [u8] {
    let (value, verb) = match name {
        RowName::Number(number) => (number, &b" FETCH ("[..]),
        RowName::Uid(uid) => (uid.value(), &b" UIDFETCH ("[..]),
    };
    out.extend_from_slice(b"* ");
    number(out, u64::from(value));
    out.extend_from_slice(verb);
    b""
}

/// A FETCH response that tells of changed flags: `* 1 FETCH (UID 5 MODSEQ (9) FLAGS (\Seen))`.
pub(crate) fn flags_row(
    out: &mut Vec<u8>,
    name: RowName,
    uid: Option<Uid>,
    modseq: Option<ModSeq>,
    flags: Option<&Flags>,
) {
    let mut separator = begin_row(out, name);
    let uid = uid.filter(|_| matches!(name, RowName::Number(_)));
    let mut label = |out: &mut Vec<u8>, text: &[u8]| {
        out.extend_from_slice(std::mem::replace(&mut separator, b" "));
        out.extend_from_slice(text);
    };
    if let Some(uid) = uid {
        label(out, b"UID ");
        number(out, u64::from(uid.value()));
    }
    if let Some(modseq) = modseq {
        label(out, b"MODSEQ (");
        number(out, modseq.0);
        out.push(b')');
    }
    if let Some(flags) = flags {
        label(out, b"FLAGS ");
        flag_list(out, flags);
    }
    out.extend_from_slice(b")\r\n");
}

fn part_numbers(out: &mut Vec<u8>, path: &[u32]) {
    for (index, part) in path.iter().enumerate() {
        if index > 0 {
            out.push(b'.');
        }
        number(out, u64::from(*part));
    }
}

/// RFC 9051 §7.5.2: the label is that of the request, without `.PEEK`, and of the partial range only its origin.
fn section_label(request: &SectionRequest) -> Box<[u8]> {
    let mut label = Vec::new();
    match request.form {
        SectionForm::Rfc822 => label.extend_from_slice(b"RFC822"),
        SectionForm::Rfc822Header => label.extend_from_slice(b"RFC822.HEADER"),
        SectionForm::Rfc822Text => label.extend_from_slice(b"RFC822.TEXT"),
        SectionForm::Body => {
            label.extend_from_slice(b"BODY");
            section(&mut label, &request.section);
        }
        SectionForm::Binary => {
            label.extend_from_slice(b"BINARY");
            section(&mut label, &request.section);
        }
    }
    if let Some(partial) = request.partial {
        label.push(b'<');
        number(&mut label, partial.offset);
        label.push(b'>');
    }
    label.push(b' ');
    label.into()
}

fn section(out: &mut Vec<u8>, section: &Section) {
    out.push(b'[');
    part_numbers(out, &section.path);
    let (text, names) = match &section.kind {
        SectionKind::Full => ("", None),
        SectionKind::Header => ("HEADER", None),
        SectionKind::HeaderFields(names) => ("HEADER.FIELDS", Some(names)),
        SectionKind::HeaderFieldsNot(names) => ("HEADER.FIELDS.NOT", Some(names)),
        SectionKind::Text => ("TEXT", None),
        SectionKind::Mime => ("MIME", None),
    };
    if !section.path.is_empty() && !text.is_empty() {
        out.push(b'.');
    }
    out.extend_from_slice(text.as_bytes());
    if let Some(names) = names {
        out.extend_from_slice(b" (");
        for (index, name) in names.iter().enumerate() {
            if index > 0 {
                out.push(b' ');
            }
            let plain = name.bytes().all(crate::grammar::cursor::is_astring_char) && !name.contains(']');
            if plain { out.extend_from_slice(name.as_bytes()) } else { string(out, name.as_bytes()) }
        }
        out.push(b')');
    }
    out.push(b']');
}

/// `date-time`, in UTC.
pub(crate) fn date_time(out: &mut Vec<u8>, time: UnixMillis) {
    let seconds = time.seconds();
    let day = i32::try_from(seconds.div_euclid(SECONDS_PER_DAY)).unwrap_or_default();
    let second = u32::try_from(seconds.rem_euclid(SECONDS_PER_DAY)).unwrap_or_default();
    let (year, month, day) = UnixDay(day).to_date();
    out.push(b'"');
    two_digits(out, day);
    out.push(b'-');
    out.extend_from_slice(MONTHS[(month as usize - 1) % 12].as_bytes());
    out.push(b'-');
    let year = u32::try_from(year.clamp(0, 9_999)).unwrap_or_default();
    two_digits(out, year / 100);
    two_digits(out, year % 100);
    for (separator, value) in [(b' ', second / 3_600), (b':', second / 60 % 60), (b':', second % 60)] {
        out.push(separator);
        two_digits(out, value);
    }
    out.extend_from_slice(b" +0000\"");
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use bytes::Bytes;

    use posthouse_model::MessageId;

    use super::*;
    use crate::question::{Partial, PreviewNeed};

    fn uid(value: u32) -> Uid {
        Uid::new(value).unwrap()
    }

    #[test]
    fn dates_are_fixed_in_width() {
        for (seconds, expected) in [
            (0, "\"01-Jan-1970 00:00:00 +0000\""),
            (837_596_665, "\"17-Jul-1996 09:44:25 +0000\""),
            (-1, "\"31-Dec-1969 23:59:59 +0000\""),
        ] {
            let mut out = Vec::new();
            date_time(&mut out, UnixMillis::from_seconds(seconds));
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }

    #[test]
    fn labels_repeat_the_request() {
        let request = |path: &[u32], kind, partial, form| SectionRequest {
            section: Section { path: path.to_vec(), kind },
            partial,
            form,
        };
        let partial = Some(Partial { offset: 7, length: NonZeroU64::new(5).unwrap() });
        let names = vec!["From".to_owned(), "a]b(".to_owned()];
        for (request, expected) in [
            (request(&[], SectionKind::Full, None, SectionForm::Body), "BODY[] "),
            (request(&[1, 2], SectionKind::Mime, partial, SectionForm::Body), "BODY[1.2.MIME]<7> "),
            (request(&[3], SectionKind::Full, None, SectionForm::Binary), "BINARY[3] "),
            (request(&[], SectionKind::Full, None, SectionForm::Rfc822), "RFC822 "),
            (
                request(&[], SectionKind::HeaderFieldsNot(names), None, SectionForm::Body),
                "BODY[HEADER.FIELDS.NOT (From \"a]b(\")] ",
            ),
        ] {
            assert_eq!(section_label(&request), expected.as_bytes().into());
        }
    }

    #[test]
    fn rows_are_written_in_one_order() {
        let items = FetchItems {
            uid: true,
            flags: true,
            modseq: true,
            internal_date: true,
            size: true,
            envelope: true,
            body: true,
            body_structure: true,
            binary_sizes: vec![vec![1]],
            sections: Vec::new(),
            email_id: true,
            thread_id: true,
            save_date: true,
            preview: Some(PreviewNeed::Always),
        };
        let row = FetchRow {
            size: 12,
            envelope: Bytes::from_static(b"(E)"),
            body: Bytes::from_static(b"(B)"),
            body_structure: Bytes::from_static(b"(S)"),
            binary_sizes: vec![BinarySize::Octets(3)],
            message: MessageId(7),
            preview: Some("Dear".to_owned()),
            ..FetchRow::of(uid(5), ModSeq(9), Flags::from_bits(1))
        };
        let mut out = Vec::new();
        FetchLayout::new(items).begin(&mut out, RowName::Number(2), &row, false);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "* 2 FETCH (UID 5 MODSEQ (9) FLAGS (\\Seen) INTERNALDATE \"01-Jan-1970 00:00:00 +0000\" RFC822.SIZE 12 \
             ENVELOPE (E) BODY (B) BODYSTRUCTURE (S) SAVEDATE \"01-Jan-1970 00:00:00 +0000\" EMAILID (M7) \
             THREADID NIL PREVIEW \"Dear\" BINARY.SIZE[1] 3"
        );
    }
}
