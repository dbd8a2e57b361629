//! Header fields: where they are, what they are called, and what their values say once unfolded.

mod block;
mod name;
mod raw;

use std::borrow::Cow;

pub(crate) use block::{HeaderBlock, before_line_end, line_end, scan_block};
pub use name::FieldName;
pub use raw::{RawField, RawHeader, header_end};

use crate::limits::MAX_FIELD_VALUE_BYTES;
use crate::span::Span;

/// One header field of a message or part (RFC 5322 §2.2), as a place in the raw message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderField {
    /// Its name in lower case, or [`FieldName::NONE`] where the line has no usable one.
    pub name: FieldName,
    /// The whole field: name, colon, value, folds and the line end.
    pub span: Span,
    /// What follows the colon, without the final line end. For a nameless field the whole line.
    pub value: Span,
}

impl HeaderField {
    /// Where the name stands. Empty for a nameless field.
    #[must_use]
    pub fn name_span(&self) -> Span {
        Span { start: self.span.start, end: self.span.start + self.name.as_str().len() as u64 }
    }
}

/// The first field called `name` (in lower case).
#[must_use]
pub fn first_field<'a>(fields: &'a [HeaderField], name: &str) -> Option<&'a HeaderField> {
    fields.iter().find(|field| field.name.as_str() == name)
}

/// A field value without its folds and outer white space (RFC 5322 §2.2.3). CR, LF and NUL never remain: they become
/// nothing inside a fold and a space elsewhere. Looks at no more than
/// [`MAX_FIELD_VALUE_BYTES`].
#[must_use]
pub fn unfold(value: &[u8]) -> Cow<'_, [u8]> {
    let value = value[..value.len().min(MAX_FIELD_VALUE_BYTES)].trim_ascii();
    if memchr::memchr3(b'\r', b'\n', 0, value).is_none() {
        return Cow::Borrowed(value);
    }
    let mut unfolded = Vec::with_capacity(value.len());
    for (at, &octet) in value.iter().enumerate() {
        match octet {
            b'\n' if matches!(value.get(at + 1), Some(b' ' | b'\t')) => {}
            b'\r' if value.get(at + 1) == Some(&b'\n') => {}
            b'\r' | b'\n' | 0 => unfolded.push(b' '),
            _ => unfolded.push(octet),
        }
    }
    Cow::Owned(unfolded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &[u8], expected: &[u8]) {
        assert_eq!(unfold(value).as_ref(), expected, "{:?}", String::from_utf8_lossy(value));
    }

    #[test]
    fn folds_vanish_and_their_white_space_stays() {
        check(b" one\r\n two\r\n\tthree", b"one two\tthree");
        check(b" one\n two", b"one two");
        check(b"", b"");
        check(b" \r\n \r\n ", b"");
    }

    #[test]
    fn stray_controls_become_spaces() {
        check(b"a\rb", b"a b");
        check(b"a\0b", b"a b");
        check(b"a\r\nb", b"a b");
    }
}
