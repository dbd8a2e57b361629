//! Which octets of a message a section names (RFC 9051 §6.4.5.1, RFC 3501 §6.4.5).

#[cfg(test)]
mod tests;

use crate::header::HeaderField;
use crate::span::Span;
use crate::structure::{Part, Structure};

/// What stands between the brackets of `BODY[...]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Section {
    /// The part numbers, each from 1; empty for the message itself.
    pub path: Vec<u32>,
    /// What of the part.
    pub kind: SectionKind,
}

/// What of a part or message a section names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SectionKind {
    /// The body of the part; of the message itself, all of it.
    Full,
    /// `HEADER`: the header of the message, or of the message that the part holds.
    Header,
    /// `HEADER.FIELDS`: of that header only fields with these names, which are compared without regard to case.
    HeaderFields(Vec<String>),
    /// `HEADER.FIELDS.NOT`: of that header only fields with other names.
    HeaderFieldsNot(Vec<String>),
    /// `TEXT`: the body of the message, or of the message that the part holds.
    Text,
    /// `MIME`: the header of the part.
    Mime,
}

/// The octets of a section: those of the spans one after the other, then the trailer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SectionBytes {
    /// Places in the raw message, in order, never touching one another.
    pub spans: Vec<Span>,
    /// What follows them: the blank line after selected header fields, or nothing.
    pub trailer: &'static [u8],
}

impl SectionBytes {
    /// The number of octets.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.spans.iter().map(|span| span.len()).sum::<u64>() + self.trailer.len() as u64
    }

    /// Whether there are no octets.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The octets themselves, where the whole message is at hand.
    #[must_use]
    pub fn of(&self, raw: &[u8]) -> Vec<u8> {
        let mut octets =
            Vec::with_capacity(usize::try_from(self.len()).unwrap_or(0).min(raw.len() + self.trailer.len()));
        for span in &self.spans {
            octets.extend_from_slice(span.of(raw));
        }
        octets.extend_from_slice(self.trailer);
        octets
    }

    /// Only `count` octets from `offset`, as in `BODY[...]<offset.count>`. Beyond the end there is nothing, and that is
    /// no error (RFC 9051 §6.4.5).
    #[must_use]
    pub fn partial(&self, offset: u64, count: u64) -> Self {
        let (mut skip, mut left) = (offset, count);
        let mut spans = Vec::new();
        for span in &self.spans {
            let skipped = skip.min(span.len());
            let taken = left.min(span.len() - skipped);
            if taken > 0 {
                let start = span.start + skipped;
                spans.push(Span { start, end: start + taken });
            }
            skip -= skipped;
            left -= taken;
        }
        let length = self.trailer.len() as u64;
        let from = skip.min(length);
        let to = from + left.min(length - from);
        // Both are at most the length of a slice.
        let trailer = &self.trailer[from as usize..to as usize];
        Self { spans, trailer }
    }

    fn one(span: Span) -> Self {
        let spans = if span.is_empty() { Vec::new() } else { vec![span] };
        Self { spans, trailer: b"" }
    }
}

impl Structure {
    /// The octets that a section names; None where the message has no such part, or the part no such section.
    #[must_use]
    pub fn section(&self, section: &Section) -> Option<SectionBytes> {
        if section.path.is_empty() {
            return self.section_of_message(self.root(), &section.kind);
        }
        let part = self.part_at(&section.path)?;
        match section.kind {
            SectionKind::Full => Some(SectionBytes::one(part.body)),
            SectionKind::Mime => Some(SectionBytes::one(part.header)),
            // RFC 9051 §6.4.5.1: after a number these need a part that holds a message.
            _ if part.is_message() => self.section_of_message(&self.parts[part.children[0]], &section.kind),
            _ => None,
        }
    }

    /// The part with these numbers (RFC 9051 §6.4.5.1); None if there is none, and for an empty path.
    ///
    /// A message that is no multipart has one part, number 1: its body. A multipart in a part numbers its parts below
    /// the number of the part, and a message in a part numbers those of the message there.
    #[must_use]
    pub fn part_at(&self, path: &[u32]) -> Option<&Part> {
        let mut holder = Holder::Message(self.root());
        for &number in path {
            let (Holder::Message(part) | Holder::Part(part)) = holder;
            let index = usize::try_from(number).ok()?.checked_sub(1)?;
            holder = match holder {
                _ if part.is_multipart() => Holder::Part(self.parts.get(*part.children.get(index)?)?),
                Holder::Message(part) if index == 0 => Holder::Part(part),
                Holder::Part(part) if part.is_message() => {
                    let message = self.parts.get(*part.children.first()?)?;
                    if message.is_multipart() {
                        Holder::Part(self.parts.get(*message.children.get(index)?)?)
                    } else if index == 0 {
                        Holder::Part(message)
                    } else {
                        return None;
                    }
                }
                _ => return None,
            };
        }
        match holder {
            Holder::Part(part) => Some(part),
            Holder::Message(_) => None,
        }
    }

    fn section_of_message(&self, message: &Part, kind: &SectionKind) -> Option<SectionBytes> {
        match kind {
            SectionKind::Full if message.parent.is_none() => Some(SectionBytes::one(Span { start: 0, end: self.size })),
            SectionKind::Full | SectionKind::Mime => None,
            SectionKind::Header => Some(SectionBytes::one(message.header)),
            SectionKind::Text => Some(SectionBytes::one(message.body)),
            SectionKind::HeaderFields(names) => Some(select(&message.fields, |field| is_named(field, names))),
            SectionKind::HeaderFieldsNot(names) => Some(select(&message.fields, |field| !is_named(field, names))),
        }
    }
}

/// What the next part number counts in.
enum Holder<'a> {
    Message(&'a Part),
    Part(&'a Part),
}

fn is_named(field: &HeaderField, names: &[String]) -> bool {
    !field.name.is_none() && names.iter().any(|name| name.eq_ignore_ascii_case(field.name.as_str()))
}

/// RFC 9051 §6.4.5.1: subsetting does not exclude the blank line. A last field that the message left without a line
/// end gets one, for the blank line would be lost in it.
fn select(fields: &[HeaderField], wanted: impl Fn(&HeaderField) -> bool) -> SectionBytes {
    let mut spans: Vec<Span> = Vec::new();
    let mut trailer: &'static [u8] = b"\r\n";
    for field in fields.iter().filter(|field| wanted(field)) {
        match spans.last_mut() {
            Some(last) if last.end == field.span.start => last.end = field.span.end,
            _ => spans.push(field.span),
        }
        if field.span.end == field.value.end {
            trailer = b"\r\n\r\n";
        }
    }
    SectionBytes { spans, trailer }
}
