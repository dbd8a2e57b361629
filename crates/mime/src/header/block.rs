//! Finding the fields of one header block.

use super::{FieldName, HeaderField};
use crate::limits::{MAX_HEADER_BYTES, MAX_HEADER_FIELDS};
use crate::span::Span;

/// The header block at some place of a message.
#[derive(Debug)]
pub(crate) struct HeaderBlock {
    /// The fields in the order of the message. Together they are the block without its blank line.
    pub fields: Vec<HeaderField>,
    /// The block with the blank line that ends it, if there is one.
    pub span: Span,
    /// Lines of the block, the blank one included.
    pub lines: u64,
    /// Whether a limit hid fields.
    pub truncated: bool,
}

/// Reads the header block that starts at `start`: up to and with the first empty line, up to a line that `is_delimiter`
/// knows, or up to the end. A line without a colon is a nameless field: nothing but an empty line ends a header, as in
/// the programs that will show this message. At most `budget` fields are listed.
pub(crate) fn scan_block(
    raw: &[u8],
    start: usize,
    budget: usize,
    mut is_delimiter: impl FnMut(&[u8]) -> bool,
) -> HeaderBlock {
    let mut fields: Vec<HeaderField> = Vec::new();
    let max_fields = budget.clamp(1, MAX_HEADER_FIELDS);
    let mut truncated = false;
    let mut position = start;
    let mut lines = 0;
    while position < raw.len() {
        let line_end = line_end(raw, position);
        let line = &raw[position..line_end];
        if matches!(line, b"\n" | b"\r\n") {
            lines += 1;
            position = line_end;
            break;
        }
        if line.starts_with(b"--") && is_delimiter(line) {
            break;
        }
        if line.ends_with(b"\n") {
            lines += 1;
        }
        let full = fields.len() >= max_fields || line_end - start > MAX_HEADER_BYTES;
        let folded = matches!(line[0], b' ' | b'\t');
        match fields.last_mut() {
            // The last field swallows what a limit hides; it lost its name when the limit was reached.
            Some(last) if truncated => extend(raw, last, line_end),
            Some(last) if folded && line_end - start <= MAX_HEADER_BYTES => extend(raw, last, line_end),
            _ if full => {
                truncated = true;
                hide(raw, &mut fields, max_fields, position, line_end);
            }
            _ => fields.push(field(raw, position, line_end)),
        }
        position = line_end;
    }
    HeaderBlock { fields, span: Span::new(start, position), lines, truncated }
}

/// Where the line at `position` ends, its LF included.
pub(crate) fn line_end(raw: &[u8], position: usize) -> usize {
    memchr::memchr(b'\n', &raw[position..]).map_or(raw.len(), |at| position + at + 1)
}

/// `end` without the CRLF or LF before it, but not before `start`.
pub(crate) fn before_line_end(raw: &[u8], start: usize, end: usize) -> usize {
    match raw.get(start..end) {
        Some([.., b'\r', b'\n']) => end - 2,
        Some([.., b'\n']) => end - 1,
        _ => end,
    }
}

fn field(raw: &[u8], start: usize, end: usize) -> HeaderField {
    let value_end = before_line_end(raw, start, end);
    let span = Span::new(start, end);
    // RFC 5322 §2.2: a field is a name, a colon and a body.
    let name = memchr::memchr(b':', &raw[start..value_end])
        .map_or(FieldName::NONE, |colon| FieldName::parse(&raw[start..start + colon]));
    if name.is_none() {
        return HeaderField { name, span, value: Span::new(start, value_end) };
    }
    let value = Span::new(start + name.as_str().len() + 1, value_end);
    HeaderField { name, span, value }
}

fn extend(raw: &[u8], field: &mut HeaderField, end: usize) {
    let start = field.value.range().start;
    field.span.end = end as u64;
    field.value = Span::new(start, before_line_end(raw, start, end));
}

/// Lists the line as the first of those that a limit hides. Where the list is full its last field is given up for it.
fn hide(raw: &[u8], fields: &mut Vec<HeaderField>, max_fields: usize, start: usize, end: usize) {
    let start = match fields.last() {
        Some(last) if fields.len() >= max_fields || matches!(raw[start], b' ' | b'\t') => last.span.range().start,
        _ => start,
    };
    fields.retain(|field| field.span.range().start < start);
    fields.push(HeaderField {
        name: FieldName::NONE,
        span: Span::new(start, end),
        value: Span::new(start, before_line_end(raw, start, end)),
    });
}
