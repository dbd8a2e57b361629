//! Puts dots before the lines that begin with one, for text that goes out behind DATA.

use bytes::{Bytes, BytesMut};
use memchr::memmem;

/// What ends the text (RFC 5321 §4.1.1.4).
const END: &[u8] = b".\r\n";

/// Follows the text of one message. It must be fed text whose lines all end in CRLF.
#[derive(Clone, Debug)]
pub(crate) struct DotEncoder {
    at_line_start: bool,
}

impl DotEncoder {
    pub(crate) fn new() -> Self {
        Self { at_line_start: true }
    }

    /// The next piece as it goes onto the wire; the piece itself if no dot is needed.
    pub(crate) fn encode(&mut self, piece: Bytes) -> Bytes {
        let Some(last) = piece.last().copied() else {
            return piece;
        };
        let first_is_stuffed = self.at_line_start && piece[0] == b'.';
        // A dot in the first place of a later line; the position is that of the LF before it.
        let stuffed = memmem::find_iter(&piece, b"\n.").collect::<Vec<_>>();
        self.at_line_start = last == b'\n';
        if !first_is_stuffed && stuffed.is_empty() {
            return piece;
        }
        let mut wire = BytesMut::with_capacity(piece.len() + stuffed.len() + 1);
        if first_is_stuffed {
            wire.extend_from_slice(b".");
        }
        let mut from = 0;
        for line_feed in stuffed {
            wire.extend_from_slice(&piece[from..=line_feed]);
            wire.extend_from_slice(b".");
            from = line_feed + 1;
        }
        wire.extend_from_slice(&piece[from..]);
        wire.freeze()
    }

    /// The end of the text. A last line that lacks its CRLF gets it (RFC 5321 §4.1.1.4).
    pub(crate) fn finish(&self) -> Bytes {
        if self.at_line_start { Bytes::from_static(END) } else { Bytes::from_static(b"\r\n.\r\n") }
    }
}

#[cfg(test)]
mod tests {
    use super::super::DotDecoder;
    use super::*;

    fn encode(text: &[u8], size: usize) -> Vec<u8> {
        let mut encoder = DotEncoder::new();
        let mut wire = Vec::new();
        for piece in text.chunks(size) {
            wire.extend_from_slice(&encoder.encode(Bytes::copy_from_slice(piece)));
        }
        wire.extend_from_slice(&encoder.finish());
        wire
    }

    #[track_caller]
    fn check(text: &[u8], expected: &[u8]) {
        for size in [text.len().max(1), 1, 2, 3] {
            assert_eq!(encode(text, size), expected, "{size}");
        }
    }

    #[test]
    fn dots_are_stuffed() {
        check(b"", b".\r\n");
        check(b"a", b"a\r\n.\r\n");
        check(b".", b"..\r\n.\r\n");
        check(b".\r\n.\r\n..a\r\n", b"..\r\n..\r\n...a\r\n.\r\n");
    }

    proptest::proptest! {
        #[test]
        fn what_is_encoded_decodes(lines in proptest::collection::vec("[a.]{0,3}", 0..20), size in 1usize..9) {
            let text: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
            let mut input = BytesMut::from(&encode(text.as_bytes(), size)[..]);
            let decoded = DotDecoder::new().decode(&mut input);
            proptest::prop_assert!(decoded.ended && input.is_empty());
            proptest::prop_assert_eq!(&decoded.text[..], text.as_bytes());
        }
    }
}
