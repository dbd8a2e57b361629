//! What a message handed in for sending lacks, and which octets of it to leave out (RFC 6409 §8).

use crate::address::{mailboxes, parse_addresses};
use crate::header::{HeaderField, line_end, scan_block};
use crate::limits::MAX_HEADER_FIELDS;
use crate::span::Span;

/// What the header of a message has of the fields that submission looks at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderFacts {
    /// How many Date fields there are.
    pub date: usize,
    /// How many Message-ID fields there are.
    pub message_id: usize,
    /// How many From fields there are. RFC 5322 §3.6 wants one.
    pub from: usize,
    /// How many Sender fields there are.
    pub sender: usize,
    /// How many Bcc fields there are.
    pub bcc: usize,
    /// The addr-specs of all From fields, in order.
    pub from_addresses: Vec<String>,
    /// The addr-specs of all Sender fields, in order.
    pub sender_addresses: Vec<String>,
    /// Mailboxes of From and Sender that have no usable address, and such fields without any mailbox.
    pub unusable_originators: usize,
    /// Fields that some programs read as From or Sender although white space stands before their colon. A message with
    /// one claims an author in a way that not everybody sees.
    pub disguised_originators: usize,
    /// Whether fields were too many or too long to be looked at.
    pub truncated: bool,
    /// The header with its blank line.
    pub header: Span,
}

impl HeaderFacts {
    /// Reads the header of a message; octets after it do not matter.
    #[must_use]
    pub fn read(raw: &[u8]) -> Self {
        let block = scan_block(raw, 0, MAX_HEADER_FIELDS, |_| false);
        let mut facts = Self { header: block.span, truncated: block.truncated, ..Self::default() };
        for field in &block.fields {
            let value = field.value.of(raw);
            match field.name.as_str() {
                "date" => facts.date += 1,
                "message-id" => facts.message_id += 1,
                "bcc" => facts.bcc += 1,
                "from" => {
                    facts.from += 1;
                    let unusable = collect(value, &mut facts.from_addresses);
                    facts.unusable_originators += unusable;
                }
                "sender" => {
                    facts.sender += 1;
                    let unusable = collect(value, &mut facts.sender_addresses);
                    facts.unusable_originators += unusable;
                }
                "" if is_disguised(field, raw, &["from", "sender"]) => facts.disguised_originators += 1,
                _ => {}
            }
        }
        facts
    }
}

/// Adds the addresses of a field, and returns how many mailboxes have none.
fn collect(value: &[u8], addresses: &mut Vec<String>) -> usize {
    let parsed = parse_addresses(value);
    let mut usable = 0;
    let mut unusable = 0;
    for mailbox in mailboxes(&parsed) {
        match mailbox.addr_spec() {
            Some(address) => {
                addresses.push(address);
                usable += 1;
            }
            None => unusable += 1,
        }
    }
    if usable == 0 { unusable.max(1) } else { unusable }
}

/// The octets of a message without the header fields called `name` (in lower case), as places that follow one another.
/// Fields with white space before their colon go too: a Bcc must not stay in any spelling (RFC 5322 §3.6.3).
///
/// Only the header of the message itself is looked at, all of it.
#[must_use]
pub fn without_field(raw: &[u8], name: &str) -> Vec<Span> {
    let header_end = scan_block(raw, 0, 1, |_| false).span.range().end;
    let mut kept: Vec<Span> = Vec::new();
    let mut keep = |start: usize, end: usize| match kept.last_mut() {
        Some(last) if last.range().end == start => last.end = end as u64,
        _ if start == end => {}
        _ => kept.push(Span::new(start, end)),
    };
    let mut position = 0;
    let mut dropping = false;
    while position < header_end {
        let end = line_end(raw, position);
        let line = &raw[position..end];
        if !matches!(line[0], b' ' | b'\t') {
            dropping = is_called(line, name);
        }
        if !dropping {
            keep(position, end);
        }
        position = end;
    }
    keep(header_end, raw.len());
    kept
}

/// Whether a nameless field has one of these names once the white space in and after its name is gone.
fn is_disguised(field: &HeaderField, raw: &[u8], names: &[&str]) -> bool {
    names.iter().any(|name| is_called(field.span.of(raw), name))
}

/// Whether the line begins a field called `name`, however much white space or other rubbish is in its name.
fn is_called(line: &[u8], name: &str) -> bool {
    let Some(colon) = memchr::memchr(b':', line) else { return false };
    let graphic = line[..colon].iter().filter(|octet| octet.is_ascii_graphic());
    graphic.map(u8::to_ascii_lowercase).eq(name.bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(raw: &str) -> HeaderFacts {
        HeaderFacts::read(raw.as_bytes())
    }

    #[test]
    fn counts_and_addresses() {
        let facts = facts(
            "From: A <a@x>, b@y\r\nSender: \"c d\"@z\r\nDate: now\r\ndate: then\r\nBcc: q@r\r\n\r\nFrom: body@x\r\n",
        );
        assert_eq!((facts.from, facts.sender, facts.date, facts.message_id, facts.bcc), (1, 1, 2, 0, 1));
        assert_eq!(facts.from_addresses, ["a@x", "b@y"]);
        assert_eq!(facts.sender_addresses, ["\"c d\"@z"]);
        assert_eq!((facts.unusable_originators, facts.disguised_originators), (0, 0));
    }

    #[test]
    fn false_originators() {
        assert_eq!(facts("From: nobody\r\n\r\n").unusable_originators, 1);
        assert_eq!(facts("From:\r\n\r\n").unusable_originators, 1);
        assert_eq!(facts("From : a@b\r\nFr om: a@b\r\n\r\n").disguised_originators, 2);
        assert_eq!(facts("From : a@b\r\n\r\n").from, 0);
        assert_eq!(facts("From: a@x\r\nFrom: b@y\r\n\r\n").from_addresses, ["a@x", "b@y"]);
    }

    fn check_without(raw: &str, expected: &str) {
        let kept: Vec<u8> =
            without_field(raw.as_bytes(), "bcc").iter().flat_map(|span| span.of(raw.as_bytes()).to_vec()).collect();
        assert_eq!(String::from_utf8_lossy(&kept), expected);
    }

    #[test]
    fn bcc_goes() {
        check_without("A: 1\r\nBcc: x@y,\r\n z@y\r\nB: 2\r\n\r\nBcc: body", "A: 1\r\nB: 2\r\n\r\nBcc: body");
        check_without("BCC: x@y\nB: 2\n\nbody", "B: 2\n\nbody");
        check_without("Bcc : x@y\r\n\r\nbody", "\r\nbody");
        check_without("Resent-Bcc: x@y\r\n\r\nbody", "Resent-Bcc: x@y\r\n\r\nbody");
        check_without("Bcc: x", "");
        check_without("", "");
    }
}
