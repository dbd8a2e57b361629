//! A message's own header, read from its octets where nothing else is needed of the message.

use memchr::memchr_iter;

use super::block::{before_line_end, line_end};
use crate::limits::{MAX_FIELD_NAME_BYTES, MAX_HEADER_FIELDS};
use crate::section::SectionKind;

/// The header of a message, with the blank line that ends it: all of the octets.
///
/// Its fields are those of [`Structure::parse`](crate::Structure::parse).
#[derive(Clone, Copy, Debug)]
pub struct RawHeader<'a>(&'a [u8]);

/// A field of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawField<'a> {
    /// Its name as it is written; empty for a field without a valid one.
    pub name: &'a [u8],
    /// The whole field: name, colon, value, folds and the line end.
    pub whole: &'a [u8],
    /// What follows the colon, without the final line end. For a nameless field the whole line.
    pub value: &'a [u8],
}

impl<'a> RawHeader<'a> {
    /// The header of a message that begins with `octets`, if it ends in them; `is_whole` tells that there are no more.
    /// None also for one that has so many lines that its fields may not be all those of the structure.
    #[must_use]
    pub fn of(octets: &'a [u8], is_whole: bool) -> Option<Self> {
        let blank_line = |at: usize| match octets[at..] {
            [b'\n', ..] => Some(at + 1),
            [b'\r', b'\n', ..] => Some(at + 2),
            _ => None,
        };
        if let Some(end) = blank_line(0) {
            return Some(Self(&octets[..end]));
        }
        let mut lines = 0;
        for line_end in memchr_iter(b'\n', octets).take(MAX_HEADER_FIELDS) {
            if let Some(end) = blank_line(line_end + 1) {
                return Some(Self(&octets[..end]));
            }
            lines += 1;
        }
        (is_whole && lines < MAX_HEADER_FIELDS).then_some(Self(octets))
    }

    /// The header that is all of `octets`, as far as [`header_end`] said that it goes.
    #[must_use]
    pub fn measured(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    /// Its octets.
    #[must_use]
    pub fn octets(&self) -> &'a [u8] {
        self.0
    }

    /// Its fields, in order.
    pub fn fields(&self) -> impl Iterator<Item = RawField<'a>> + use<'a> {
        let header = self.0;
        let mut position = 0;
        let next = move || {
            let start = position;
            let mut end = line_end(header, start);
            if matches!(header[start..end], [] | [b'\n'] | [b'\r', b'\n']) {
                return None;
            }
            while matches!(header.get(end), Some(b' ' | b'\t')) {
                end = line_end(header, end);
            }
            position = end;
            Some(field(&header[start..end]))
        };
        std::iter::from_fn(next)
    }

    /// Appends to `out` what [`Structure::section`](crate::Structure::section) names for `kind` of the message itself.
    /// Only of the header: other kinds have nothing here.
    pub fn write_section(&self, kind: &SectionKind, out: &mut Vec<u8>) {
        let (names, wanted) = match kind {
            SectionKind::HeaderFields(names) => (names, true),
            SectionKind::HeaderFieldsNot(names) => (names, false),
            SectionKind::Header => return out.extend_from_slice(self.0),
            SectionKind::Full | SectionKind::Text | SectionKind::Mime => return,
        };
        let mut trailer: &[u8] = b"\r\n";
        for field in self.fields() {
            let is_named = |name: &String| name.as_bytes().eq_ignore_ascii_case(field.name);
            if (!field.name.is_empty() && names.iter().any(is_named)) == wanted {
                out.extend_from_slice(field.whole);
                // A last field without a line end gets one, lest the blank line be lost in it.
                if !field.whole.ends_with(b"\n") {
                    trailer = b"\r\n\r\n";
                }
            }
        }
        out.extend_from_slice(trailer);
    }
}

impl RawField<'_> {
    /// Whether it is called `name`, whatever the case.
    #[must_use]
    pub fn is_named(&self, name: &str) -> bool {
        !name.is_empty() && self.name.eq_ignore_ascii_case(name.as_bytes())
    }
}

fn field(whole: &[u8]) -> RawField<'_> {
    let value_end = before_line_end(whole, 0, whole.len());
    // The name stands in the first line.
    let first_line = &whole[..line_end(whole, 0)];
    let first_line = &first_line[..before_line_end(first_line, 0, first_line.len())];
    let name = memchr::memchr(b':', first_line).map_or(&[][..], |colon| &first_line[..colon]);
    match name.len() <= MAX_FIELD_NAME_BYTES && name.iter().all(u8::is_ascii_graphic) && !name.is_empty() {
        true => RawField { name, whole, value: &whole[name.len() + 1..value_end.max(name.len() + 1)] },
        false => RawField { name: &[], whole, value: &whole[..value_end] },
    }
}

/// Where the header of a message ends that begins with `octets`, if it does so in them.
#[must_use]
pub fn header_end(octets: &[u8], is_whole: bool) -> Option<usize> {
    RawHeader::of(octets, is_whole).map(|header| header.0.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::section::Section;
    use crate::structure::Structure;

    const KINDS: [fn(Vec<String>) -> SectionKind; 3] =
        [|_| SectionKind::Header, SectionKind::HeaderFields, SectionKind::HeaderFieldsNot];

    #[track_caller]
    fn check(raw: &[u8]) {
        let structure = Structure::parse(raw);
        let header = RawHeader::of(raw, true).unwrap();
        assert_eq!(header.octets(), structure.root().header.of(raw));
        let fields: Vec<_> = header
            .fields()
            .map(|field| (String::from_utf8_lossy(field.name).to_lowercase(), field.whole, field.value))
            .collect();
        let expected: Vec<_> = (structure.root().fields.iter())
            .map(|field| (field.name.as_str().to_owned(), field.span.of(raw), field.value.of(raw)))
            .collect();
        assert_eq!(fields, expected);
        for kind in KINDS {
            let kind = kind(["FROM", "X-Own", "to", ""].map(str::to_owned).into());
            let section = Section { path: Vec::new(), kind: kind.clone() };
            let mut written = Vec::new();
            header.write_section(&kind, &mut written);
            assert_eq!(written, structure.section(&section).unwrap().of(raw), "{kind:?}");
        }
        for length in 0..raw.len() {
            let end = header_end(&raw[..length], false);
            assert!(end.is_none_or(|end| end == header.octets().len()), "{length}");
            assert!(end.is_some() || length < header.octets().len() || !header.octets().ends_with(b"\n"), "{length}");
        }
    }

    #[test]
    fn headers_are_those_of_the_structure() {
        check(b"");
        check(b"\r\nbody");
        check(b"\nbody");
        check(b" From: folded\r\nTo: x\r\n\r\nbody");
        check(b"From: a@b\r\nx-own: one\r\n two\r\nSubject: x\r\n\r\nbody");
        check(b"no name\r\nTo : x\r\nTo: last, without a line end");
        check(b"folded before\r\n To: colon\r\n\r\nTo: body");
        check(b"Content-Type: multipart/mixed; boundary=b\r\nTo: x\r\n\r\n--b\r\nFrom: inner\r\n\r\nx\r\n--b--\r\n");
        check(b"To: \r\r\nFrom:\n \n\nx");
    }

    #[test]
    fn very_many_lines_are_left_to_the_structure() {
        let lines = |count: usize| "a: b\n".repeat(count) + "\nbody";
        check(lines(MAX_HEADER_FIELDS - 1).as_bytes());
        assert_eq!(header_end(lines(MAX_HEADER_FIELDS + 1).as_bytes(), true), None);
        assert_eq!(header_end("a: b\n".repeat(MAX_HEADER_FIELDS).as_bytes(), true), None);
    }

    proptest! {
        #[test]
        fn any_header_is_that_of_the_structure(
            raw in "((From|To|X-Own|x-y|\u{e4}| |\t|):? ?[a-z \r]{0,5}(\r\n|\n)){0,6}(\r\n)?[a-z\r\n]{0,9}"
        ) {
            check(raw.as_bytes());
        }

        #[test]
        fn any_octets_are_a_header(octets in prop::collection::vec(prop::sample::select(b"a:\r\n \t\0\xff-".to_vec()), 0..40)) {
            check(&octets);
        }
    }
}
