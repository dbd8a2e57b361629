//! Makes every CR and every LF part of a CRLF.
//!
//! For text from clients that are trusted although they cannot count line ends, and for binary text that has to leave
//! by DATA. A lone LF or CR becomes a line end like any other, and so can neither end a message early here nor be taken
//! for an end by the next server.

use bytes::{Bytes, BytesMut};
use memchr::memchr2;

const CRLF: &[u8] = b"\r\n";

/// Follows one text.
#[derive(Clone, Debug, Default)]
pub(crate) struct LineEndNormaliser {
    /// The last octet was a CR, which is kept back until we see whether an LF follows.
    after_cr: bool,
}

impl LineEndNormaliser {
    /// The next piece with its line ends made whole; the piece itself if they are.
    pub(crate) fn take(&mut self, mut piece: Bytes) -> Bytes {
        if piece.is_empty() {
            return piece;
        }
        if !self.after_cr && is_whole(&piece) {
            self.after_cr = piece.last() == Some(&b'\r');
            if self.after_cr {
                piece.truncate(piece.len() - 1);
            }
            return piece;
        }
        let mut text = BytesMut::with_capacity(piece.len() + piece.len() / 8 + CRLF.len());
        for &octet in &piece {
            match octet {
                b'\n' => text.extend_from_slice(CRLF),
                _ if self.after_cr => text.extend_from_slice(CRLF),
                _ => {}
            }
            if octet != b'\r' && octet != b'\n' {
                text.extend_from_slice(&[octet]);
            }
            self.after_cr = octet == b'\r';
        }
        text.freeze()
    }

    /// What the end of the text still brings.
    pub(crate) fn finish(&mut self) -> Bytes {
        if std::mem::take(&mut self.after_cr) { Bytes::from_static(CRLF) } else { Bytes::new() }
    }
}

/// Whether every CR has its LF, and every LF its CR, apart from a CR at the very end.
fn is_whole(text: &[u8]) -> bool {
    let mut rest = text;
    while let Some(at) = memchr2(b'\r', b'\n', rest) {
        match (rest[at], rest.get(at + 1)) {
            (b'\r', Some(b'\n')) => rest = &rest[at + 2..],
            (b'\r', None) => return true,
            _ => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &[u8], size: usize) -> Vec<u8> {
        let mut normaliser = LineEndNormaliser::default();
        let mut whole = Vec::new();
        for piece in text.chunks(size) {
            whole.extend_from_slice(&normaliser.take(Bytes::copy_from_slice(piece)));
        }
        whole.extend_from_slice(&normaliser.finish());
        whole
    }

    #[track_caller]
    fn check(text: &[u8], expected: &[u8]) {
        for size in [text.len().max(1), 1, 2, 3] {
            assert_eq!(run(text, size), expected, "{size}");
        }
    }

    #[test]
    fn line_ends_become_whole() {
        check(b"", b"");
        check(b"a\r\nb\r\n", b"a\r\nb\r\n");
        check(b"a\nb\n", b"a\r\nb\r\n");
        check(b"a\rb\r", b"a\r\nb\r\n");
        check(b"a\r\r\nb", b"a\r\n\r\nb");
        check(b"\n\r", b"\r\n\r\n");
    }

    proptest::proptest! {
        #[test]
        fn cuts_change_nothing(text in "[a\r\n]{0,40}", size in 1usize..9) {
            let whole = run(text.as_bytes(), text.len().max(1));
            proptest::prop_assert_eq!(run(text.as_bytes(), size), whole.clone());
            proptest::prop_assert!(is_whole(&whole) && whole.last() != Some(&b'\r'));
        }
    }
}
