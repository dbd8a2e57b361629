//! What message text must not contain, found in one pass over the pieces in which it comes.

use memchr::memchr3;
use thiserror::Error;

/// Why message text is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum ContentFault {
    /// CR without LF behind it (RFC 5321 §2.3.8).
    #[error("a CR without LF")]
    BareCr,
    /// LF without CR before it (RFC 5321 §2.3.8).
    #[error("an LF without CR")]
    BareLf,
    /// NUL (RFC 5321 §4.5.2 wants text; RFC 6152 §3 leaves NUL out of 8-bit text too).
    #[error("a NUL")]
    Nul,
    /// A line beyond the limit of the listener.
    #[error("a line that is too long")]
    LineTooLong,
    /// More octets than the limit of the listener.
    #[error("too many octets")]
    TooLarge,
}

/// Follows a message's text. After a fault it must not be used again.
#[derive(Clone, Debug)]
pub(crate) struct ContentCheck {
    binary: bool,
    max_size_bytes: u64,
    max_line_bytes: usize,
    size_bytes: u64,
    line_bytes: usize,
    longest_line_bytes: usize,
    has_8bit: bool,
    after_cr: bool,
}

impl ContentCheck {
    /// `binary` text (BINARYMIME) may contain anything; only its size counts.
    pub(crate) fn new(binary: bool, max_size_bytes: u64, max_line_bytes: usize) -> Self {
        Self {
            binary,
            max_size_bytes,
            max_line_bytes,
            size_bytes: 0,
            line_bytes: 0,
            longest_line_bytes: 0,
            has_8bit: false,
            after_cr: false,
        }
    }

    /// Octets seen.
    pub(crate) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Whether an octet beyond 127 was seen.
    pub(crate) fn has_8bit(&self) -> bool {
        self.has_8bit
    }

    /// The longest line with its CRLF, in octets; 0 for binary text.
    pub(crate) fn longest_line_bytes(&self) -> usize {
        self.longest_line_bytes.max(self.line_bytes)
    }

    /// Takes the next piece. On a fault, also says how many octets of the piece come before it, so that what is passed
    /// on does not depend on how the text was cut.
    pub(crate) fn take(&mut self, piece: &[u8]) -> Result<(), (ContentFault, usize)> {
        let room = self.max_size_bytes.saturating_sub(self.size_bytes);
        let fits = usize::try_from(room).unwrap_or(usize::MAX).min(piece.len());
        self.has_8bit = self.has_8bit || !piece.is_ascii();
        if !self.binary {
            self.scan(&piece[..fits])?;
        }
        self.size_bytes += fits as u64;
        if fits < piece.len() { Err((ContentFault::TooLarge, fits)) } else { Ok(()) }
    }

    /// The end of text that was counted rather than dotted, which may break off anywhere.
    pub(crate) fn finish(&self) -> Result<(), ContentFault> {
        if self.after_cr { Err(ContentFault::BareCr) } else { Ok(()) }
    }

    fn scan(&mut self, piece: &[u8]) -> Result<(), (ContentFault, usize)> {
        let mut at = 0;
        while at < piece.len() {
            if self.after_cr {
                if piece[at] != b'\n' {
                    return Err((ContentFault::BareCr, at));
                }
                self.after_cr = false;
                self.grow_line(1, at)?;
                self.longest_line_bytes = self.longest_line_bytes.max(self.line_bytes);
                self.line_bytes = 0;
                at += 1;
                continue;
            }
            let Some(length) = memchr3(b'\r', b'\n', 0, &piece[at..]) else {
                return self.grow_line(piece.len() - at, at);
            };
            self.grow_line(length, at)?;
            at += length;
            match piece[at] {
                b'\r' => {
                    self.grow_line(1, at)?;
                    self.after_cr = true;
                    at += 1;
                }
                b'\n' => return Err((ContentFault::BareLf, at)),
                _ => return Err((ContentFault::Nul, at)),
            }
        }
        Ok(())
    }

    /// Counts `more` octets of the current line, which begin at `at` in the piece.
    fn grow_line(&mut self, more: usize, at: usize) -> Result<(), (ContentFault, usize)> {
        let room = self.max_line_bytes - self.line_bytes;
        if more > room {
            return Err((ContentFault::LineTooLong, at + room));
        }
        self.line_bytes += more;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The verdict, and how much was passed before it.
    fn run<'a>(
        pieces: impl Iterator<Item = &'a [u8]>,
        max_size: u64,
        max_line: usize,
    ) -> (Option<ContentFault>, usize) {
        let mut check = ContentCheck::new(false, max_size, max_line);
        let mut passed = 0;
        for piece in pieces {
            match check.take(piece) {
                Ok(()) => passed += piece.len(),
                Err((fault, at)) => return (Some(fault), passed + at),
            }
        }
        (check.finish().err(), passed)
    }

    #[track_caller]
    fn check(text: &[u8], expected: Option<ContentFault>, passed: usize) {
        assert_eq!(run([text].into_iter(), 1000, 20), (expected, passed), "whole");
        assert_eq!(run(text.chunks(1), 1000, 20), (expected, passed), "by octets");
    }

    #[test]
    fn faults_are_found_where_they_are() {
        check(b"", None, 0);
        check(b"a\r\n\r\nb\xff\r\n", None, 9);
        check(b"no end", None, 6);
        check(b"a\nb", Some(ContentFault::BareLf), 1);
        check(b"a\rb", Some(ContentFault::BareCr), 2);
        check(b"a\r\r\n", Some(ContentFault::BareCr), 2);
        check(b"a\r", Some(ContentFault::BareCr), 2);
        check(b"a\r\nb\0", Some(ContentFault::Nul), 4);
        check(b"123456789012345678\r\n", None, 20);
        check(b"1234567890123456789\r\n", Some(ContentFault::LineTooLong), 20);
        check(&[b'x'; 30], Some(ContentFault::LineTooLong), 20);
    }

    #[test]
    fn size_is_bounded_and_facts_are_kept() {
        let mut check = ContentCheck::new(false, 10, 100);
        assert_eq!(check.take(b"12345\r\n"), Ok(()));
        assert_eq!(check.take(b"\xe9bc"), Ok(()));
        assert_eq!((check.size_bytes(), check.longest_line_bytes(), check.has_8bit()), (10, 7, true));
        assert_eq!(check.take(b"x"), Err((ContentFault::TooLarge, 0)));
        let mut binary = ContentCheck::new(true, 10, 2);
        assert_eq!(binary.take(b"\0\r\n\n\r"), Ok(()));
    }

    proptest::proptest! {
        #[test]
        fn cuts_change_nothing(text in "[a\r\n\0]{0,60}", cut in 0usize..60, max_size in 0u64..60, max_line in 1usize..9) {
            let text = text.as_bytes();
            let (first, second) = text.split_at(cut.min(text.len()));
            let whole = run([text].into_iter(), max_size, max_line);
            proptest::prop_assert_eq!(run([first, second].into_iter(), max_size, max_line), whole);
            proptest::prop_assert_eq!(run(text.chunks(1), max_size, max_line), whole);
        }
    }
}
