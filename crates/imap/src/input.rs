//! Cutting what the client sends into commands, literals and messages.
//!
//! Lines end in CRLF. A line that ends in a bare LF is never taken: behind a proxy that counts lines otherwise it could
//! hide a command. Before login the connection ends, after it the line is refused.

use bytes::{Bytes, BytesMut};

/// What came next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// The command in [`InputReader::text`] is complete; CRLF has been taken off.
    Command,
    /// The line in [`InputReader::text`] ends in the header of a literal, which has to be accepted or refused.
    Literal(LiteralHeader),
    /// A piece of the message that is being transferred.
    Body(Bytes),
    /// What had to be thrown away has been.
    Discarded,
    /// More was to be thrown away than allowed.
    DiscardedTooMuch,
    /// The line ended in a bare LF.
    BareLineFeed,
    /// The line was longer than allowed and is being thrown away; [`InputReader::text`] has its beginning.
    LineTooLong,
}

/// ```text
/// literal  = "{" number64 ["+"] "}" CRLF *CHAR8
/// literal8 = "~{" number64 ["+"] "}" CRLF *OCTET
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LiteralHeader {
    /// How many octets.
    pub(crate) length: u64,
    /// Whether the client waits for leave to send them.
    pub(crate) synchronising: bool,
    /// Where the header begins in the text, the `~` included.
    pub(crate) start: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Line,
    /// So many octets of a literal that belong to the command.
    Literal(u64),
    /// So many octets of a message.
    Body(u64),
    /// So many octets to throw away, and then the rest of the line.
    Discard(u64),
    /// The rest of the line is to be thrown away.
    DiscardLine,
}

/// Reads input.
#[derive(Debug, Default)]
pub(crate) struct InputReader {
    input: BytesMut,
    state: State,
    text: Vec<u8>,
    /// Where the last line in `text` begins; before it are lines with literals.
    line_start: usize,
    /// Octets of `text` that belong to literals.
    literal_bytes: usize,
    discarded: u64,
}

/// What an [`InputReader`] may do at this moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReadRules {
    /// Longest command without its literals.
    pub(crate) line_bytes: usize,
    /// Most octets thrown away in one go.
    pub(crate) discarded_bytes: u64,
    /// Whether a line may end in a literal.
    pub(crate) literals: bool,
}

impl InputReader {
    /// Takes bytes from the client.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
    }

    /// Whether nothing waits to be read.
    pub(crate) fn is_empty(&self) -> bool {
        self.input.is_empty()
    }

    /// Whether the client is in the middle of something.
    pub(crate) fn in_command(&self) -> bool {
        self.state != State::Line || !self.text.is_empty()
    }

    /// Octets of memory held.
    #[cfg(test)]
    pub(crate) fn capacity(&self) -> usize {
        self.input.capacity() + self.text.capacity()
    }

    /// Forgets all that came.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether what comes belongs to a command, and is not the rest of one that was refused.
    pub(crate) fn is_within_command(&self) -> bool {
        matches!(self.state, State::Line)
    }

    /// The command as far as it has come, literals with their headers included.
    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Hands out the command, and gets ready for the next.
    pub(crate) fn take_text(&mut self) -> Vec<u8> {
        self.line_start = 0;
        self.literal_bytes = 0;
        std::mem::take(&mut self.text)
    }

    /// How many octets of literals the command has so far.
    pub(crate) fn literal_bytes(&self) -> usize {
        self.literal_bytes
    }

    /// The literal becomes part of the command.
    pub(crate) fn accept_literal(&mut self, header: LiteralHeader) {
        self.text.extend_from_slice(b"\r\n");
        self.state = State::Literal(header.length);
    }

    /// The literal is a message, and what was read of the command is done with.
    pub(crate) fn stream_literal(&mut self, header: LiteralHeader) {
        self.take_text();
        self.state = State::Body(header.length);
    }

    /// The command is refused. A client that waits for leave sends no literal; of another one the literal and the
    /// rest of the command are thrown away, and then comes [`Event::Discarded`].
    pub(crate) fn refuse_literal(&mut self, header: LiteralHeader) {
        self.take_text();
        self.state = if header.synchronising { State::Line } else { State::Discard(header.length) };
        self.discarded = 0;
    }

    /// The next event, if there is enough input for one.
    pub(crate) fn next(&mut self, rules: ReadRules) -> Option<Event> {
        let event = self.read(rules);
        if self.input.is_empty() && event.is_none() {
            // Sessions wait for hours; what they read before must not stay in memory.
            self.input = BytesMut::new();
        }
        event
    }

    fn read(&mut self, rules: ReadRules) -> Option<Event> {
        loop {
            if let State::Literal(0) = self.state {
                self.state = State::Line;
                self.line_start = self.text.len();
            }
            if let State::Body(0) = self.state {
                self.state = State::Line;
            }
            if let State::Discard(0) = self.state {
                self.state = State::DiscardLine;
            }
            if self.input.is_empty() {
                return None;
            }
            match self.state {
                State::Line => return self.read_line(rules),
                State::Literal(left) => {
                    let piece = self.take_input(left);
                    self.literal_bytes += piece.len();
                    self.text.extend_from_slice(&piece);
                    self.state = State::Literal(left - piece.len() as u64);
                }
                State::Body(left) => {
                    let piece = self.take_input(left);
                    self.state = State::Body(left - piece.len() as u64);
                    return Some(Event::Body(piece.freeze()));
                }
                State::Discard(left) => {
                    let length = self.take_input(left).len() as u64;
                    self.state = State::Discard(left - length);
                    if self.discard(length, rules) {
                        return Some(Event::DiscardedTooMuch);
                    }
                }
                State::DiscardLine => {
                    if let Some(event) = self.discard_line(rules) {
                        return Some(event);
                    }
                }
            }
        }
    }

    fn take_input(&mut self, most: u64) -> BytesMut {
        let length = usize::try_from(most).map_or(self.input.len(), |most| most.min(self.input.len()));
        self.input.split_to(length)
    }

    fn discard(&mut self, length: u64, rules: ReadRules) -> bool {
        self.discarded += length;
        self.discarded > rules.discarded_bytes
    }

    fn read_line(&mut self, rules: ReadRules) -> Option<Event> {
        let end = self.input.iter().position(|&byte| byte == b'\n');
        let piece = self.input.split_to(end.map_or(self.input.len(), |end| end + 1));
        self.text.extend_from_slice(&piece);
        if self.text.len() - self.literal_bytes > rules.line_bytes {
            self.text.truncate(self.line_start + rules.line_bytes.min(self.text.len() - self.line_start));
            self.discarded = 0;
            self.state = if end.is_some() { State::Line } else { State::DiscardLine };
            return Some(Event::LineTooLong);
        }
        end?;
        let line = &self.text[self.line_start..];
        let Some(line) = line.strip_suffix(b"\r\n") else {
            return Some(Event::BareLineFeed);
        };
        let length = self.line_start + line.len();
        let header = if rules.literals { literal_header(line) } else { None };
        self.text.truncate(length);
        Some(header.map_or(Event::Command, |header| {
            Event::Literal(LiteralHeader { start: self.line_start + header.start, ..header })
        }))
    }

    /// Throws away the rest of a line, and of what it drags along: a literal that the client does not ask leave for.
    fn discard_line(&mut self, rules: ReadRules) -> Option<Event> {
        let end = self.input.iter().position(|&byte| byte == b'\n');
        let piece = self.input.split_to(end.map_or(self.input.len(), |end| end + 1));
        if self.discard(piece.len() as u64, rules) {
            return Some(Event::DiscardedTooMuch);
        }
        // A header may be cut in two by how the bytes came, so the tail of the line is kept until it ends.
        self.text.extend_from_slice(&piece);
        let surplus = self.text.len().saturating_sub(MAX_LITERAL_HEADER_BYTES);
        self.text.drain(..surplus);
        end?;
        let line = std::mem::take(&mut self.text);
        let line = line.strip_suffix(b"\r\n").unwrap_or(&line);
        match literal_header(line) {
            Some(header) if rules.literals && !header.synchronising => {
                self.state = State::Discard(header.length);
                None
            }
            _ => {
                self.state = State::Line;
                self.take_text();
                Some(Event::Discarded)
            }
        }
    }
}

/// `~{`, twenty digits, `+}` and CRLF.
const MAX_LITERAL_HEADER_BYTES: usize = 26;

/// The header of a literal at the end of `line`. A length past 63 bits is as good as endless.
fn literal_header(line: &[u8]) -> Option<LiteralHeader> {
    let inner = line.strip_suffix(b"}")?;
    let (inner, synchronising) = inner.strip_suffix(b"+").map_or((inner, true), |inner| (inner, false));
    let digits_start = inner.iter().rposition(|byte| !byte.is_ascii_digit())? + 1;
    let digits = &inner[digits_start..];
    if digits.is_empty() || inner[digits_start - 1] != b'{' {
        return None;
    }
    let length =
        digits.iter().fold(0u64, |value, digit| value.saturating_mul(10).saturating_add(u64::from(digit - b'0')));
    let start = digits_start - 1;
    let start = if start > 0 && inner[start - 1] == b'~' { start - 1 } else { start };
    Some(LiteralHeader { length, synchronising, start })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RULES: ReadRules = ReadRules { line_bytes: 100, discarded_bytes: 1_000, literals: true };

    #[test]
    fn headers_of_literals() {
        let header = |length, synchronising, start| Some(LiteralHeader { length, synchronising, start });
        assert_eq!(literal_header(b"a LOGIN {5}"), header(5, true, 8));
        assert_eq!(literal_header(b"a {5+}"), header(5, false, 2));
        assert_eq!(literal_header(b"a ~{5}"), header(5, true, 2));
        assert_eq!(literal_header(b"{99999999999999999999999}"), header(u64::MAX, true, 0));
        for none in ["", "}", "{}", "5}", "a {5", "{5}}", "{+}", "{5-}", "{ 5}"] {
            assert_eq!(literal_header(none.as_bytes()), None, "{none}");
        }
    }

    #[test]
    fn literals_join_commands() {
        let mut reader = InputReader::default();
        reader.push(b"a LOGIN {2}\r\nx\n {1+}\r\ny\r\n");
        for _ in 0..2 {
            let Some(Event::Literal(header)) = reader.next(RULES) else { panic!() };
            reader.accept_literal(header);
        }
        assert_eq!(reader.next(RULES), Some(Event::Command));
        assert_eq!(reader.take_text(), b"a LOGIN {2}\r\nx\n {1+}\r\ny");
        assert!(!reader.in_command());
    }

    #[test]
    fn refused_literals_are_thrown_away() {
        let mut reader = InputReader::default();
        reader.push(b"a X {3+}\r\nabc {4+}\r\nd\r\nf g\r\nb NOOP\r\n");
        let Some(Event::Literal(header)) = reader.next(RULES) else { panic!() };
        reader.refuse_literal(header);
        assert_eq!(reader.next(RULES), Some(Event::Discarded));
        assert_eq!(reader.next(RULES), Some(Event::Command));
        assert_eq!(reader.take_text(), b"b NOOP");
    }

    #[test]
    fn endless_lines_are_cut() {
        let mut reader = InputReader::default();
        reader.push(&[b'x'; 500]);
        assert_eq!(reader.next(RULES), Some(Event::LineTooLong));
        assert_eq!(reader.text().len(), 100);
        reader.take_text();
        reader.push(&[b'x'; 900]);
        assert_eq!(reader.next(RULES), None);
        reader.push(&[b'x'; 200]);
        assert_eq!(reader.next(RULES), Some(Event::DiscardedTooMuch));
    }

    proptest! {
        #[test]
        fn memory_is_bounded(pieces in prop::collection::vec("([a-z]{0,30}|\r|\n|\r\n|\\{[0-9]{1,3}\\+?\\}\r\n|~|\\{){0,10}", 0..20)) {
            let mut reader = InputReader::default();
            for piece in pieces {
                reader.push(piece.as_bytes());
                while let Some(event) = reader.next(RULES) {
                    match event {
                        Event::Literal(header) if header.length < 50 && reader.literal_bytes() < 50 => reader.accept_literal(header),
                        Event::Literal(header) => reader.refuse_literal(header),
                        Event::Command | Event::BareLineFeed | Event::LineTooLong => { reader.take_text(); }
                        Event::DiscardedTooMuch => reader.clear(),
                        Event::Body(_) | Event::Discarded => {}
                    }
                }
                prop_assert!(reader.text().len() <= 300);
                prop_assert!(reader.input.is_empty());
            }
        }
    }
}
