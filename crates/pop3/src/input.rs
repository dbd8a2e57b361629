//! What the client sent, cut into lines that end in CRLF and nothing else.

use std::fmt;

use zeroize::{Zeroize as _, Zeroizing};

/// Capacity that an empty buffer may keep, in bytes; a session that waits should cost little.
const KEPT_CAPACITY_BYTES: usize = 1024;

/// What stands at the front of the input.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Framed<T> {
    /// Not yet a line.
    Incomplete,
    /// What was made of the line.
    Line(T),
    /// A line longer than its limit; it has been skipped.
    TooLong,
    /// A line so long that it is not worth waiting for its end.
    Endless,
    /// A line feed without a carriage return before it. What follows cannot be trusted to be what it seems.
    BareLineFeed,
}

/// How long a line may be, in octets with CRLF.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LineLimit {
    /// The limit.
    pub(crate) line_bytes: usize,
    /// How much more is skipped.
    pub(crate) skipped_bytes: usize,
}

/// The bytes that were received and not yet used. They may be passwords: they are wiped when they have been used, and
/// `Debug` tells only how many there are.
#[derive(Default)]
pub(crate) struct Input {
    buffer: Zeroizing<Vec<u8>>,
    /// Where the current line begins.
    start: usize,
    /// Up to where there is no line feed, counted from `start`.
    scanned: usize,
    /// How much of the current line is no longer in the buffer because it is too long.
    dropped: usize,
    /// The limit of the current line, once part of it was dropped: its beginning, which decides the limit, is gone.
    dropped_limit: Option<LineLimit>,
}

impl Input {
    /// Takes more bytes. Where the buffer moves, what it leaves behind is wiped.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let rest = self.buffer.len() - self.start;
        if self.buffer.capacity() < rest + bytes.len() {
            let mut larger = Zeroizing::new(Vec::with_capacity(rest + bytes.len()));
            larger.extend_from_slice(&self.buffer[self.start..]);
            self.buffer = larger;
        } else if self.start > 0 {
            self.buffer.copy_within(self.start.., 0);
            self.buffer[rest..].zeroize();
            self.buffer.truncate(rest);
        }
        self.start = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// Whether there is nothing more.
    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.buffer.len()
    }

    /// The beginning of the current line, as far as it is there.
    pub(crate) fn line_start(&self) -> &[u8] {
        if self.dropped > 0 { &[] } else { &self.buffer[self.start..] }
    }

    /// Takes one line, without its CRLF, and wipes it after `read` has made of it what it can.
    pub(crate) fn take_line<T>(&mut self, limit: LineLimit, read: impl FnOnce(&[u8]) -> T) -> Framed<T> {
        let limit = self.dropped_limit.unwrap_or(limit);
        let rest = &self.buffer[self.start..];
        let found = memchr::memchr(b'\n', &rest[self.scanned..]).map(|offset| self.scanned + offset);
        let length = self.dropped + found.map_or(rest.len(), |line_feed| line_feed + 1);
        if length > limit.line_bytes.saturating_add(limit.skipped_bytes) {
            return Framed::Endless;
        }
        let Some(line_feed) = found else {
            self.scanned = rest.len();
            if length > limit.line_bytes {
                self.dropped_limit = Some(limit);
                self.drop_all_but_last();
            }
            return Framed::Incomplete;
        };
        let Some(line) = rest[..line_feed].strip_suffix(b"\r") else {
            return Framed::BareLineFeed;
        };
        let framed = if length > limit.line_bytes { Framed::TooLong } else { Framed::Line(read(line)) };
        self.consume(line_feed + 1);
        self.dropped = 0;
        self.dropped_limit = None;
        framed
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Keeps the last byte, which may be the CR of a CRLF.
    fn drop_all_but_last(&mut self) {
        let excess = (self.buffer.len() - self.start).saturating_sub(1);
        self.dropped += excess;
        self.consume(excess);
        self.scanned = self.buffer.len() - self.start;
    }

    fn consume(&mut self, count: usize) {
        self.buffer[self.start..self.start + count].zeroize();
        self.start += count;
        self.scanned = 0;
        if self.is_empty() {
            self.start = 0;
            self.buffer.truncate(0);
            if self.buffer.capacity() > KEPT_CAPACITY_BYTES {
                self.buffer = Zeroizing::default();
            }
        }
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Input({} bytes)", self.buffer.len() - self.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: LineLimit = LineLimit { line_bytes: 8, skipped_bytes: 8 };

    /// Frames `bytes` in pieces of each size; says the same each time.
    #[track_caller]
    fn check(bytes: &[u8], expected: &[Framed<&[u8]>]) {
        for size in 1..=bytes.len() {
            let mut input = Input::default();
            let mut framed = Vec::new();
            'pieces: for piece in bytes.chunks(size) {
                input.push(piece);
                loop {
                    match input.take_line(LIMIT, <[u8]>::to_vec) {
                        Framed::Incomplete => break,
                        end @ (Framed::Endless | Framed::BareLineFeed) => {
                            framed.push(end);
                            break 'pieces;
                        }
                        line => framed.push(line),
                    }
                }
                assert!(input.buffer.len() <= LIMIT.line_bytes + size);
            }
            let framed: Vec<_> = framed
                .iter()
                .map(|framed| match framed {
                    Framed::Line(line) => Framed::Line(line.as_slice()),
                    Framed::TooLong => Framed::TooLong,
                    Framed::Endless => Framed::Endless,
                    Framed::BareLineFeed => Framed::BareLineFeed,
                    Framed::Incomplete => Framed::Incomplete,
                })
                .collect();
            assert_eq!(framed, expected, "pieces of {size}");
        }
    }

    #[test]
    fn lines_end_in_crlf_only() {
        check(b"a\r\n\r\nbc\r\nd", &[Framed::Line(b"a"), Framed::Line(b""), Framed::Line(b"bc")]);
        check(b"a\rb\r\n", &[Framed::Line(b"a\rb")]);
        check(b"a\r\r\n", &[Framed::Line(b"a\r")]);
        check(b"a\r\nb\nc\r\n", &[Framed::Line(b"a"), Framed::BareLineFeed]);
        check(b"\n", &[Framed::BareLineFeed]);
    }

    #[test]
    fn long_lines_are_skipped_and_endless_ones_given_up() {
        check(b"123456\r\n1234567\r\nx\r\n", &[Framed::Line(b"123456"), Framed::TooLong, Framed::Line(b"x")]);
        check(b"12345678901234\r\nx\r\n", &[Framed::TooLong, Framed::Line(b"x")]);
        check(b"123456789012345\r\nx\r\n", &[Framed::Endless]);
        check(b"12345678901234567890", &[Framed::Endless]);
        check(b"1234567890\nx\r\n", &[Framed::BareLineFeed]);
    }
}
