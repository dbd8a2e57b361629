//! Takes command lines out of the input.

use bytes::{Bytes, BytesMut};
use memchr::memchr;

/// What came out of the input.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A line without its CRLF. It may contain bare CRs, which the parser refuses.
    Whole(Bytes),
    /// An LF without a CR. What follows, up to the next CRLF, belongs to the same broken line and is passed over.
    BareLineFeed,
    /// A line beyond the limit. The rest of it is passed over.
    TooLong,
    /// More was passed over than the limit of the listener.
    DiscardedTooMuch,
}

/// Finds the ends of lines. Lines end in CRLF and nothing else (RFC 5321 §2.3.8).
#[derive(Clone, Debug, Default)]
pub(super) struct LineReader {
    /// How much of the input holds no LF.
    scanned: usize,
    discarding: bool,
    discarded: usize,
}

impl LineReader {
    /// Forgets where it was, because the input is a new one.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    /// The next line, of at most `max_bytes` with its CRLF; `None` if it has not come in full.
    pub(super) fn take(&mut self, input: &mut BytesMut, max_bytes: usize, max_discarded: usize) -> Option<Line> {
        if self.discarding {
            let found = self.discard(input);
            if self.discarded > max_discarded {
                return Some(Line::DiscardedTooMuch);
            }
            if !found {
                return None;
            }
            self.reset();
        }
        let Some(offset) = memchr(b'\n', &input[self.scanned..]) else {
            self.scanned = input.len();
            if self.scanned < max_bytes {
                return None;
            }
            self.begin_discarding();
            return Some(Line::TooLong);
        };
        let line_feed = self.scanned + offset;
        if line_feed >= max_bytes {
            self.begin_discarding();
            return Some(Line::TooLong);
        }
        if line_feed == 0 || input[line_feed - 1] != b'\r' {
            let _ = input.split_to(line_feed + 1);
            self.begin_discarding();
            return Some(Line::BareLineFeed);
        }
        let mut line = input.split_to(line_feed + 1);
        line.truncate(line_feed - 1);
        self.scanned = 0;
        Some(Line::Whole(line.freeze()))
    }

    fn begin_discarding(&mut self) {
        *self = Self { scanned: 0, discarding: true, discarded: 0 };
    }

    /// Passes over input up to and including a CRLF; whether it was found. A CR at the end stays, as it may be half of
    /// one.
    fn discard(&mut self, input: &mut BytesMut) -> bool {
        let mut from = 0;
        while let Some(offset) = memchr(b'\n', &input[from..]) {
            let line_feed = from + offset;
            from = line_feed + 1;
            if line_feed > 0 && input[line_feed - 1] == b'\r' {
                self.discarded += line_feed - 1;
                let _ = input.split_to(from);
                return true;
            }
        }
        let keep = usize::from(input.last() == Some(&b'\r'));
        let gone = input.len() - keep;
        let _ = input.split_to(gone);
        self.discarded += gone;
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(wire: &[u8], size: usize) -> Vec<Line> {
        let mut reader = LineReader::default();
        let mut input = BytesMut::new();
        let mut lines = Vec::new();
        for piece in wire.chunks(size) {
            input.extend_from_slice(piece);
            while let Some(line) = reader.take(&mut input, 10, 20) {
                let stop = line == Line::DiscardedTooMuch;
                lines.push(line);
                if stop {
                    return lines;
                }
            }
        }
        lines
    }

    #[track_caller]
    fn check(wire: &[u8], expected: &[Line]) {
        for size in [wire.len(), 1, 2, 3] {
            assert_eq!(run(wire, size), expected, "{size}");
        }
    }

    fn whole(line: &'static str) -> Line {
        Line::Whole(Bytes::from_static(line.as_bytes()))
    }

    #[test]
    fn lines_end_in_crlf_only() {
        check(b"a\r\n\r\nbc\r\n", &[whole("a"), whole(""), whole("bc")]);
        check(b"a\nb\nc\r\nd\r\n", &[Line::BareLineFeed, whole("d")]);
        check(b"a\rb\r\nd\r\n", &[whole("a\rb"), whole("d")]);
        check(b"\r\rx\n\r\nd\r\n", &[Line::BareLineFeed, whole("d")]);
        check(b"12345678\r\n", &[whole("12345678")]);
        check(b"123456789\r\nd\r\n", &[Line::TooLong, whole("d")]);
        check(b"1234567890123\n45\r\nd\r\n", &[Line::TooLong, whole("d")]);
        check(&[b'x'; 200], &[Line::TooLong, Line::DiscardedTooMuch]);
    }
}
