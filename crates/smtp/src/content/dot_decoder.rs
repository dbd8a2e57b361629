//! Takes the dots off the text that follows DATA, and finds its end.
//!
//! A line begins only after CRLF, and only the line `.` ends the text (RFC 5321 §4.1.1.4, §4.5.2): `<CRLF>.<CRLF>` and
//! nothing that resembles it. Bare CR and LF pass through here as they are; judging them is another's task.

use bytes::{Bytes, BytesMut};
use memchr::memchr;

/// Where in a line the next octet stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    LineStart,
    Middle,
    AfterCr,
}

/// Follows the text of one DATA command.
#[derive(Clone, Debug)]
pub(crate) struct DotDecoder {
    position: Position,
}

/// What was decoded at one go.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Decoded {
    /// Text, without stuffed dots; may be empty.
    pub(crate) text: Bytes,
    /// Whether the end was reached. What stands behind it remains in the input.
    pub(crate) ended: bool,
}

impl DotDecoder {
    /// At the beginning of the text, which is the beginning of a line.
    pub(crate) fn new() -> Self {
        Self { position: Position::LineStart }
    }

    /// Takes what it can out of `input`. At most two octets remain if the text goes on: a dot at the beginning of a
    /// line, of which only the next octets tell whether it is the end.
    pub(crate) fn decode(&mut self, input: &mut BytesMut) -> Decoded {
        let mut read = 0;
        // Text is moved down over the dots that are dropped, so it leaves as one slice of the buffer it came in.
        let mut kept = 0;
        let mut segment = 0;
        let mut ended = false;
        let mut text_end = None;
        while read < input.len() {
            match self.position {
                Position::Middle => match memchr(b'\r', &input[read..]) {
                    None => read = input.len(),
                    Some(length) => {
                        read += length + 1;
                        self.position = Position::AfterCr;
                    }
                },
                Position::AfterCr => {
                    self.position = match input[read] {
                        b'\n' => Position::LineStart,
                        b'\r' => Position::AfterCr,
                        _ => Position::Middle,
                    };
                    read += 1;
                }
                Position::LineStart if input[read] != b'.' => self.position = Position::Middle,
                Position::LineStart => {
                    let rest = &input[read + 1..];
                    if rest.is_empty() || rest == b"\r" {
                        break;
                    }
                    if rest.starts_with(b"\r\n") {
                        text_end = Some(read);
                        read += b".\r\n".len();
                        ended = true;
                        break;
                    }
                    // RFC 5321 §4.5.2: the first of other characters behind it, so the dot is deleted.
                    kept += move_down(input, segment, read, kept);
                    read += 1;
                    segment = read;
                    self.position = Position::Middle;
                }
            }
        }
        kept += move_down(input, segment, text_end.unwrap_or(read), kept);
        let mut text = input.split_to(read);
        text.truncate(kept);
        Decoded { text: text.freeze(), ended }
    }
}

/// Moves `from..to` to `target`, which is not behind it; gives its length.
fn move_down(buffer: &mut [u8], from: usize, to: usize, target: usize) -> usize {
    if from != target {
        buffer.copy_within(from..to, target);
    }
    to - from
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decodes in pieces of `size`; gives the text, whether it ended, and what remained unread.
    fn run(wire: &[u8], size: usize) -> (Vec<u8>, bool, Vec<u8>) {
        let mut decoder = DotDecoder::new();
        let mut input = BytesMut::new();
        let mut text = Vec::new();
        let mut pieces = wire.chunks(size);
        while let Some(piece) = pieces.next() {
            input.extend_from_slice(piece);
            let decoded = decoder.decode(&mut input);
            text.extend_from_slice(&decoded.text);
            if decoded.ended {
                let rest = pieces.flatten().copied();
                return (text, true, input.iter().copied().chain(rest).collect());
            }
            assert!(input.len() <= 2);
        }
        (text, false, input.to_vec())
    }

    #[track_caller]
    fn check(wire: &[u8], text: &[u8], ended: bool, rest: &[u8]) {
        for size in [wire.len().max(1), 1, 2, 3, 5] {
            assert_eq!(run(wire, size), (text.to_vec(), ended, rest.to_vec()), "{size}");
        }
    }

    #[test]
    fn only_one_thing_ends_the_text() {
        check(b".\r\nQUIT\r\n", b"", true, b"QUIT\r\n");
        check(b"a\r\n.\r\nQUIT\r\n", b"a\r\n", true, b"QUIT\r\n");
        check(b"a\n.\nb", b"a\n.\nb", false, b"");
        check(b"a\n.\r\nb", b"a\n.\r\nb", false, b"");
        check(b"a\r.\r\nb", b"a\r.\r\nb", false, b"");
        check(b"a\r.\rb", b"a\r.\rb", false, b"");
        check(b"a\r\n.\nb", b"a\r\n\nb", false, b"");
        check(b"a\r\n.\rb", b"a\r\n\rb", false, b"");
        check(b"a\r\n.\r\r\nb", b"a\r\n\r\r\nb", false, b"");
        check(b"a\r\n\0.\r\nb", b"a\r\n\0.\r\nb", false, b"");
        check(b"a\r\r\n.\r\n", b"a\r\r\n", true, b"");
        check(b"a.\r\n", b"a.\r\n", false, b"");
        check(b"a\r\n.", b"a\r\n", false, b".");
        check(b"a\r\n.\r", b"a\r\n", false, b".\r");
    }

    #[test]
    fn stuffed_dots_go() {
        check(b"..\r\n.a\r\n...\r\nb\r\n.\r\n", b".\r\na\r\n..\r\nb\r\n", true, b"");
    }

    proptest::proptest! {
        #[test]
        fn cuts_change_nothing(wire in "[a.\r\n]{0,40}", size in 1usize..9) {
            let whole = run(wire.as_bytes(), wire.len().max(1));
            proptest::prop_assert_eq!(run(wire.as_bytes(), size), whole);
        }
    }
}
