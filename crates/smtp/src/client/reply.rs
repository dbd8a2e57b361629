//! Reads the replies of another server.
//!
//! ```text
//! Reply-line  = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF
//! Reply-code  = %x32-35 %x30-35 %x30-39
//! ```
//! (RFC 5321 §4.2; the second digit is let run to 9, as some servers do)

use std::fmt;

use bytes::BytesMut;
use memchr::memchr;
use thiserror::Error;

use crate::limits::{KEPT_REPLY_BYTES, PEER_REPLY_LINE_BYTES, PEER_REPLY_LINES};
use crate::reply::EnhancedCode;

/// What another server said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerReply {
    /// The three digits, 200 to 599.
    pub code: u16,
    /// The enhanced code of its first line, if its class fits the code (RFC 2034 §4).
    pub enhanced: Option<EnhancedCode>,
    /// Its lines without code and separator, enhanced codes included; octets that are not UTF-8 and control characters
    /// are replaced.
    pub lines: Vec<String>,
}

impl PeerReply {
    /// 2xx.
    #[must_use]
    pub fn is_positive(&self) -> bool {
        self.code / 100 == 2
    }

    /// 4xx.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        self.code / 100 == 4
    }

    /// 5xx.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        self.code / 100 == 5
    }
}

impl fmt::Display for PeerReply {
    /// Code and text in one line, shortened to [`KEPT_REPLY_BYTES`]: what stands in a report as `Diagnostic-Code`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.lines.join(" ");
        if text.len() > KEPT_REPLY_BYTES {
            let end = (0..=KEPT_REPLY_BYTES).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            text.truncate(end);
        }
        write!(f, "{} {text}", self.code)
    }
}

/// Why what a server said is no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ReplyError {
    /// A line does not begin with a code and a separator.
    #[error("a line without a reply code")]
    NoCode,
    /// The lines of one reply have different codes (RFC 5321 §4.2.1).
    #[error("a reply whose lines have different codes")]
    DifferentCodes,
    /// A line does not end in CRLF.
    #[error("a line that does not end in CRLF")]
    BareLineEnd,
    /// A line is longer than [`PEER_REPLY_LINE_BYTES`].
    #[error("a line of more than {PEER_REPLY_LINE_BYTES} octets")]
    LineTooLong,
    /// There are more than [`PEER_REPLY_LINES`] lines.
    #[error("a reply of more than {PEER_REPLY_LINES} lines")]
    TooManyLines,
}

/// Puts replies together out of what comes.
#[derive(Debug, Default)]
pub(super) struct ReplyReader {
    code: Option<u16>,
    lines: Vec<String>,
}

impl ReplyReader {
    /// The next whole reply, or `None` if more has to come.
    pub(super) fn take(&mut self, input: &mut BytesMut) -> Result<Option<PeerReply>, ReplyError> {
        while let Some(line) = take_line(input)? {
            let (code, last, text) = split(&line)?;
            if self.code.is_some_and(|before| before != code) {
                return Err(ReplyError::DifferentCodes);
            }
            if self.lines.len() == PEER_REPLY_LINES {
                return Err(ReplyError::TooManyLines);
            }
            self.code = Some(code);
            self.lines.push(printable(text));
            if last {
                let lines = std::mem::take(&mut self.lines);
                self.code = None;
                let enhanced = lines.first().and_then(|line| EnhancedCode::parse_prefix(line)).map(|(code, _)| code);
                let enhanced = enhanced.filter(|enhanced| u16::from(enhanced.class) == code / 100);
                return Ok(Some(PeerReply { code, enhanced, lines }));
            }
        }
        Ok(None)
    }
}

fn take_line(input: &mut BytesMut) -> Result<Option<BytesMut>, ReplyError> {
    let Some(line_feed) = memchr(b'\n', input) else {
        return if input.len() >= PEER_REPLY_LINE_BYTES { Err(ReplyError::LineTooLong) } else { Ok(None) };
    };
    if line_feed >= PEER_REPLY_LINE_BYTES {
        return Err(ReplyError::LineTooLong);
    }
    let mut line = input.split_to(line_feed + 1);
    if !line.ends_with(b"\r\n") {
        return Err(ReplyError::BareLineEnd);
    }
    line.truncate(line_feed - 1);
    if line.contains(&b'\r') { Err(ReplyError::BareLineEnd) } else { Ok(Some(line)) }
}

/// Code, whether it is the last line, and text.
fn split(line: &[u8]) -> Result<(u16, bool, &[u8]), ReplyError> {
    let (digits, rest) = line.split_at_checked(3).ok_or(ReplyError::NoCode)?;
    if !matches!(digits, [b'2'..=b'5', b'0'..=b'9', b'0'..=b'9']) {
        return Err(ReplyError::NoCode);
    }
    let code = digits.iter().fold(0u16, |code, digit| code * 10 + u16::from(digit - b'0'));
    match rest.split_first() {
        None => Ok((code, true, rest)),
        Some((b' ', text)) => Ok((code, true, text)),
        Some((b'-', text)) => Ok((code, false, text)),
        Some(_) => Err(ReplyError::NoCode),
    }
}

fn printable(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(wire: &[u8], expected: Result<&[&str], ReplyError>) {
        for size in [wire.len(), 1, 3] {
            let mut reader = ReplyReader::default();
            let mut input = BytesMut::new();
            let mut replies = Vec::new();
            let mut result = Ok(());
            'pieces: for piece in wire.chunks(size) {
                input.extend_from_slice(piece);
                loop {
                    match reader.take(&mut input) {
                        Ok(Some(reply)) => replies.push(format!("{reply} [{}]", reply.lines.len())),
                        Ok(None) => break,
                        Err(error) => {
                            result = Err(error);
                            break 'pieces;
                        }
                    }
                }
            }
            let found = result.map(|()| replies);
            assert_eq!(found, expected.map(|texts| texts.iter().map(|text| (*text).to_owned()).collect()), "{size}");
        }
    }

    #[test]
    fn replies_are_read() {
        check(b"220 hi\r\n250-a\r\n250 b\r\n250\r\n", Ok(&["220 hi [1]", "250 a b [2]", "250  [1]"]));
        check(b"550 5.1.1 no\xff\x07\r\n", Ok(&["550 5.1.1 no\u{fffd}  [1]"]));
        check(b"250-a\r\n550 b\r\n", Err(ReplyError::DifferentCodes));
        check(b"250 a\n", Err(ReplyError::BareLineEnd));
        check(b"250 a\rb\r\n", Err(ReplyError::BareLineEnd));
        check(b"hello\r\n", Err(ReplyError::NoCode));
        check(b"999 x\r\n", Err(ReplyError::NoCode));
        check(b"250x\r\n", Err(ReplyError::NoCode));
        check(b"25\r\n", Err(ReplyError::NoCode));
        check(&[b'2'; 5000], Err(ReplyError::LineTooLong));
        check(&b"250-x\r\n".repeat(200), Err(ReplyError::TooManyLines));
    }

    #[test]
    fn enhanced_codes_fit_their_replies() {
        let mut input = BytesMut::from(&b"450 5.1.1 no\r\n450 4.2.2 full\r\n"[..]);
        let mut reader = ReplyReader::default();
        assert_eq!(reader.take(&mut input).unwrap().unwrap().enhanced, None);
        assert_eq!(reader.take(&mut input).unwrap().unwrap().enhanced, Some(EnhancedCode::new(4, 2, 2)));
    }

    proptest::proptest! {
        #[test]
        fn random_bytes_do_not_panic(wire: Vec<u8>) {
            let mut input = BytesMut::from(&wire[..]);
            let mut reader = ReplyReader::default();
            while let Ok(Some(_)) = reader.take(&mut input) {}
        }
    }
}
