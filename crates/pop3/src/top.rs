//! The top of a message: all of its header, the empty line, and so many lines of the body (RFC 1939 §7, TOP).

use bytes::Bytes;

/// Finds where the top of a message ends, in constant memory, as its pieces pass.
#[derive(Debug)]
pub(crate) struct TopCutter {
    place: Place,
    /// Lines of the body still to come, once the header is over.
    body_lines: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In the header, at the start of a line.
    HeaderLineStart,
    /// In the header, after a carriage return at the start of a line.
    HeaderAfterCarriageReturn,
    /// In the header, within a line.
    HeaderLine,
    /// In the body, with more lines to come.
    Body,
    /// Behind the last line that is wanted.
    End,
}

impl TopCutter {
    pub(crate) fn new(body_lines: u64) -> Self {
        Self { place: Place::HeaderLineStart, body_lines }
    }

    /// Whether nothing more is wanted.
    pub(crate) fn is_complete(&self) -> bool {
        self.place == Place::End
    }

    /// What of the next piece belongs to the top.
    pub(crate) fn cut(&mut self, mut piece: Bytes) -> Bytes {
        let mut position = 0;
        while position < piece.len() && !self.is_complete() {
            position = match self.place {
                Place::Body => self.body(&piece, position),
                _ => self.header(&piece, position),
            };
        }
        piece.truncate(position);
        piece
    }

    /// Goes one step on in the header.
    fn header(&mut self, piece: &[u8], position: usize) -> usize {
        match (self.place, piece[position]) {
            (Place::HeaderLineStart | Place::HeaderAfterCarriageReturn, b'\n') => {
                self.place = if self.body_lines == 0 { Place::End } else { Place::Body };
                position + 1
            }
            (Place::HeaderLineStart, b'\r') => {
                self.place = Place::HeaderAfterCarriageReturn;
                position + 1
            }
            _ => match memchr::memchr(b'\n', &piece[position..]) {
                Some(offset) => {
                    self.place = Place::HeaderLineStart;
                    position + offset + 1
                }
                None => {
                    self.place = Place::HeaderLine;
                    piece.len()
                }
            },
        }
    }

    /// Goes as far as the body is wanted.
    fn body(&mut self, piece: &[u8], position: usize) -> usize {
        for line_feed in memchr::memchr_iter(b'\n', &piece[position..]) {
            self.body_lines -= 1;
            if self.body_lines == 0 {
                self.place = Place::End;
                return position + line_feed + 1;
            }
        }
        piece.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn top<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, lines: u64) -> Vec<u8> {
        let mut cutter = TopCutter::new(lines);
        pieces.into_iter().flat_map(|piece| cutter.cut(Bytes::copy_from_slice(piece))).collect()
    }

    /// The same, line by line.
    fn model(message: &[u8], lines: u64) -> Vec<u8> {
        let mut left = None;
        let mut top = Vec::new();
        for line in message.split_inclusive(|&byte| byte == b'\n') {
            match &mut left {
                Some(0) => break,
                Some(count) => *count -= 1,
                None if matches!(line, b"\n" | b"\r\n") => left = Some(lines),
                None => {}
            }
            top.extend_from_slice(line);
        }
        top
    }

    #[track_caller]
    fn check(message: &[u8], lines: u64, expected: &[u8]) {
        assert_eq!(top([message], lines), expected);
        assert_eq!(top(message.chunks(1), lines), expected);
        assert_eq!(model(message, lines), expected);
    }

    #[test]
    fn the_header_is_always_whole() {
        const MESSAGE: &[u8] = b"A: 1\r\nB: 2\r\n folded\r\n\r\none\r\n\r\nthree\r\n";
        check(MESSAGE, 0, b"A: 1\r\nB: 2\r\n folded\r\n\r\n");
        check(MESSAGE, 1, b"A: 1\r\nB: 2\r\n folded\r\n\r\none\r\n");
        check(MESSAGE, 2, b"A: 1\r\nB: 2\r\n folded\r\n\r\none\r\n\r\n");
        check(MESSAGE, 3, MESSAGE);
        check(MESSAGE, u64::MAX, MESSAGE);
    }

    #[test]
    fn odd_messages_have_a_top_too() {
        check(b"", 5, b"");
        check(b"\r\n", 0, b"\r\n");
        check(b"\r\nbody\r\nmore\r\n", 1, b"\r\nbody\r\n");
        check(b"A: 1\r\nB: 2", 0, b"A: 1\r\nB: 2");
        check(b"A: 1\n\none\ntwo", 1, b"A: 1\n\none\n");
        check(b"A: 1\n\none\ntwo", 2, b"A: 1\n\none\ntwo");
        check(b"A\r\n\rnot empty\r\n\r\nbody\r\n", 0, b"A\r\n\rnot empty\r\n\r\n");
        check(b"A\r\n\r\r\n\r\nbody\r\n", 0, b"A\r\n\r\r\n\r\n");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]
        #[test]
        fn pieces_do_not_matter(
            message in proptest::collection::vec(proptest::sample::select(&b"\r\n\r\na:"[..]), 0..48),
            size in 1..9usize,
            lines in 0..6u64,
        ) {
            prop_assert_eq!(top(message.chunks(size), lines), model(&message, lines));
        }
    }
}
