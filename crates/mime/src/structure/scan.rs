//! One pass over the message that finds its parts.
//!
//! Multiparts and embedded messages that have begun and not ended form a stack. A boundary of any of them ends all
//! above it, so that a missing close delimiter costs nothing but itself.

use super::{Part, Structure};
use crate::content::{self, ContentType};
use crate::header::{HeaderBlock, HeaderField, before_line_end, first_field, line_end, scan_block};
use crate::limits::{MAX_BOUNDARY_BYTES, MAX_DEPTH, MAX_HEADER_FIELDS_IN_MESSAGE, MAX_PARTS};
use crate::span::Span;

pub(super) fn scan(raw: &[u8]) -> Structure {
    let mut scanner = Scanner {
        raw,
        position: 0,
        lines: 0,
        parts: Vec::new(),
        open: Vec::new(),
        field_budget: MAX_HEADER_FIELDS_IN_MESSAGE,
        truncated: false,
    };
    let mut parent = None;
    loop {
        let embeds = scanner.begin_part(parent);
        if embeds {
            parent = scanner.parts.len().checked_sub(1);
            continue;
        }
        match scanner.next_part() {
            Some(multipart) => parent = Some(multipart),
            None => break,
        }
    }
    scanner.finish()
}

/// A part whose end has not been seen.
struct Open {
    part: usize,
    /// What separates the parts of a multipart. None for other parts, and for a multipart after its close delimiter.
    boundary: Option<Vec<u8>>,
    /// Lines of the message before the body.
    lines_before: u64,
}

struct Scanner<'a> {
    raw: &'a [u8],
    /// Always the start of a line.
    position: usize,
    /// LFs before `position`.
    lines: u64,
    parts: Vec<Part>,
    open: Vec<Open>,
    field_budget: usize,
    truncated: bool,
}

/// A line that separates parts.
struct Delimiter {
    /// The place in the stack of the multipart that it belongs to.
    level: usize,
    /// The line.
    start: usize,
    end: usize,
    closes: bool,
}

impl Scanner<'_> {
    /// Reads a header and opens the part it begins. True if the body is a message, so that another part begins here.
    fn begin_part(&mut self, parent: Option<usize>) -> bool {
        let open = &self.open;
        let block = scan_block(self.raw, self.position, self.field_budget, |line| find_level(open, line).is_some());
        self.position = block.span.range().end;
        self.lines += block.lines;
        self.truncated |= block.truncated;
        self.field_budget = self.field_budget.saturating_sub(block.fields.len());

        let default = self.default_type(parent);
        let mut part = describe(self.raw, block, default);
        part.parent = parent;
        // RFC 2046 §5.2.1 forbids to encode a message. One that is encoded all the same is looked at as it is.
        let is_message = part.media_type == "message" && matches!(part.media_subtype.as_str(), "rfc822" | "global");
        let is_multipart = part.is_multipart();
        if (is_message || is_multipart) && (self.open.len() >= MAX_DEPTH || self.parts.len() + 1 >= MAX_PARTS) {
            self.truncated = true;
            set_type(&mut part, ContentType::new("application", "octet-stream"));
        }
        let boundary = if part.is_multipart() { boundary(&part) } else { None };
        let embeds = is_message && part.media_type == "message";

        let index = self.parts.len();
        if let Some(parent) = parent {
            self.parts[parent].children.push(index);
        }
        self.parts.push(part);
        self.open.push(Open { part: index, boundary, lines_before: self.lines });
        embeds
    }

    /// RFC 2046 §5.1.5: the parts of a digest are messages unless they say otherwise. Else RFC 2045 §5.2.
    fn default_type(&self, parent: Option<usize>) -> ContentType {
        match parent.map(|parent| &self.parts[parent]) {
            Some(parent) if parent.is_multipart() && parent.media_subtype == "digest" => {
                ContentType::new("message", "rfc822")
            }
            _ => ContentType::new("text", "plain"),
        }
    }

    /// Goes on to where the next part of an open multipart begins, and says which multipart that is.
    fn next_part(&mut self) -> Option<usize> {
        loop {
            let delimiter = self.next_delimiter()?;
            self.close_above(delimiter.level, delimiter.start);
            self.pass(delimiter.end);
            let full = self.parts.len() >= MAX_PARTS;
            self.truncated |= full && !delimiter.closes;
            let multipart = &mut self.open[delimiter.level];
            if delimiter.closes || full {
                multipart.boundary = None;
                continue;
            }
            return Some(multipart.part);
        }
    }

    /// The next line that is a boundary of an open multipart.
    fn next_delimiter(&self) -> Option<Delimiter> {
        if self.open.iter().all(|open| open.boundary.is_none()) {
            return None;
        }
        let rest = &self.raw[self.position..];
        let at_start = rest.starts_with(b"--").then_some(self.position);
        let later = memchr::memmem::find_iter(rest, b"\n--").map(|at| self.position + at + 1);
        at_start.into_iter().chain(later).find_map(|start| {
            let end = line_end(self.raw, start);
            let (level, closes) = find_level(&self.open, &self.raw[start..end])?;
            Some(Delimiter { level, start, end, closes })
        })
    }

    /// Moves to the start of a later line, or to the end.
    fn pass(&mut self, to: usize) {
        self.lines += memchr::memchr_iter(b'\n', &self.raw[self.position..to]).count() as u64;
        self.position = to;
    }

    /// Ends every part above `level`. `delimiter` is where the boundary line starts that ends them.
    ///
    /// The line end before a boundary belongs to the boundary (RFC 2046 §5.1.1), so a part that holds others ends before
    /// it, and so must those within, even where a header without a blank line reached up to the boundary.
    fn close_above(&mut self, level: usize, delimiter: usize) {
        self.pass(delimiter);
        let mut outer_end = delimiter;
        for open in self.open.drain(level + 1..) {
            let part = &mut self.parts[open.part];
            cut_header(part, outer_end);
            let start = part.body.range().start;
            outer_end = before_line_end(self.raw, start, delimiter);
            part.body = Span::new(start, outer_end);
            part.body_lines = (self.lines - open.lines_before).saturating_sub(u64::from(outer_end < delimiter));
        }
    }

    fn finish(mut self) -> Structure {
        self.pass(self.raw.len());
        for open in self.open.drain(..) {
            let part = &mut self.parts[open.part];
            part.body.end = self.raw.len() as u64;
            part.body_lines = self.lines - open.lines_before;
        }
        for part in &mut self.parts {
            // A multipart must have parts. Without one there is only text, the way other servers see it.
            if part.is_multipart() && part.children.is_empty() {
                set_type(part, ContentType::new("text", "plain"));
            }
        }
        Structure { size: self.raw.len() as u64, lines: self.lines, parts: self.parts, truncated: self.truncated }
    }
}

/// Lets the header end at `end` at the latest, and the body begin there.
fn cut_header(part: &mut Part, end: usize) {
    let end = end as u64;
    let cut = |span: Span| Span { start: span.start.min(end), end: span.end.min(end) };
    part.header = cut(part.header);
    part.body = cut(part.body);
    if let Some(last) = part.fields.last_mut() {
        last.span = cut(last.span);
        last.value = cut(last.value);
    }
}

/// Which open multipart the line is a boundary of, the innermost first, and whether it closes it.
///
/// RFC 2046 §5.1.1 would be content with a line that begins with the boundary. Here the line must be the boundary, with
/// white space after it at most: else the boundary `a` would be found in the line `--ab` of another multipart.
fn find_level(open: &[Open], line: &[u8]) -> Option<(usize, bool)> {
    let text = line.strip_prefix(b"--")?.trim_ascii_end();
    if text.len() > MAX_BOUNDARY_BYTES + 2 {
        return None;
    }
    let unclosed = text.strip_suffix(b"--");
    open.iter().enumerate().rev().find_map(|(level, open)| {
        let boundary = open.boundary.as_deref()?;
        if boundary == text {
            return Some((level, false));
        }
        (unclosed == Some(boundary)).then_some((level, true))
    })
}

fn boundary(part: &Part) -> Option<Vec<u8>> {
    // Trailing white space cannot be told from what transport added.
    let boundary = part.parameter("boundary")?.trim_end().as_bytes();
    (!boundary.is_empty() && boundary.len() <= MAX_BOUNDARY_BYTES).then(|| boundary.to_vec())
}

fn set_type(part: &mut Part, content_type: ContentType) {
    part.media_type = content_type.media_type;
    part.media_subtype = content_type.media_subtype;
    part.parameters = content_type.parameters;
}

fn describe(raw: &[u8], block: HeaderBlock, default: ContentType) -> Part {
    let fields = block.fields;
    let value = |name| first_field(&fields, name).map(|field: &HeaderField| field.value.of(raw));
    let text = |name| value(name).map(content::text).filter(|text: &String| !text.is_empty());
    let content_type = value("content-type").and_then(content::content_type).unwrap_or(default);
    let body = block.span.range().end;
    Part {
        parent: None,
        children: Vec::new(),
        header: block.span,
        body: Span::new(body, body),
        body_lines: 0,
        media_type: content_type.media_type,
        media_subtype: content_type.media_subtype,
        parameters: content_type.parameters,
        encoding: value("content-transfer-encoding").and_then(content::encoding).unwrap_or_else(|| "7bit".to_owned()),
        disposition: value("content-disposition").and_then(content::disposition),
        id: text("content-id"),
        description: text("content-description"),
        md5: text("content-md5"),
        languages: value("content-language").map(content::languages).unwrap_or_default(),
        location: text("content-location"),
        fields,
    }
}
