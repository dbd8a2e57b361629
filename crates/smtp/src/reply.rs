//! Replies: every code, enhanced code and text that our server says, in one place.
//!
//! ```text
//! Reply-line     = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF
//! ```
//! (RFC 5321 §4.2). Enhanced codes are those of RFC 3463 and its registry, written as RFC 2034 §4 has it: on every
//! line of every 2xx, 4xx and 5xx reply but those to HELO, EHLO, LHLO and the greeting.

mod sending;
mod text;

use std::borrow::Cow;
use std::fmt;

use bytes::BytesMut;

use crate::limits::REPLY_LINE_BYTES;

pub use sending::sending;
pub use text::*;

/// `class.subject.detail` (RFC 3463 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EnhancedCode {
    /// 2, 4 or 5.
    pub class: u8,
    /// What the code is about.
    pub subject: u16,
    /// What about it.
    pub detail: u16,
}

impl EnhancedCode {
    /// The code of these three numbers.
    #[must_use]
    pub const fn new(class: u8, subject: u16, detail: u16) -> Self {
        Self { class, subject, detail }
    }

    /// Reads the code at the beginning of `text`, where it must be followed by a space or the end; gives what follows.
    ///
    /// ```text
    /// status-code = class "." subject "." detail
    /// class = "2" / "4" / "5"     subject = 1*3digit     detail = 1*3digit
    /// ```
    #[must_use]
    pub fn parse_prefix(text: &str) -> Option<(Self, &str)> {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        let mut numbers = word.split('.');
        let class = numbers.next().filter(|class| matches!(*class, "2" | "4" | "5"))?.parse().ok()?;
        let mut number = || {
            let digits = numbers.next()?;
            let valid = (1..=3).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
            if valid { digits.parse().ok() } else { None }
        };
        let code = Self { class, subject: number()?, detail: number()? };
        numbers.next().is_none().then_some((code, rest))
    }
}

impl fmt::Display for EnhancedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

/// A reply of our server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The three digits.
    pub code: u16,
    /// The enhanced code, on replies that carry one.
    pub enhanced: Option<EnhancedCode>,
    /// The text, one piece for each line; at least one.
    pub lines: Vec<Cow<'static, str>>,
}

impl Reply {
    /// A reply of one line.
    #[must_use]
    pub fn new(code: u16, enhanced: EnhancedCode, text: impl Into<Cow<'static, str>>) -> Self {
        Self { code, enhanced: Some(enhanced), lines: vec![text.into()] }
    }

    /// A reply without an enhanced code.
    #[must_use]
    pub fn plain(code: u16, text: impl Into<Cow<'static, str>>) -> Self {
        Self { code, enhanced: None, lines: vec![text.into()] }
    }

    /// Whether the reply refuses, now or for good.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.code >= 400
    }

    /// Writes the reply, CRLF included. Control characters become spaces and what is not ASCII becomes `?`
    /// (RFC 5321 §4.2: textstring is ASCII), so that no text from elsewhere can add a line; a line that would exceed
    /// [`REPLY_LINE_BYTES`] is cut.
    pub fn write_to(&self, output: &mut BytesMut) {
        let last = self.lines.len().saturating_sub(1);
        for (index, line) in self.lines.iter().enumerate() {
            let start = output.len();
            let separator = if index == last { ' ' } else { '-' };
            output.extend_from_slice(format!("{:03}{separator}", self.code).as_bytes());
            if let Some(enhanced) = self.enhanced {
                output.extend_from_slice(format!("{enhanced} ").as_bytes());
            }
            let room = REPLY_LINE_BYTES - b"\r\n".len() - (output.len() - start);
            for character in line.chars().take(room) {
                output.extend_from_slice(&[match character {
                    ' '..='~' => character as u8,
                    '\0'..='\x7f' => b' ',
                    _ => b'?',
                }]);
            }
            output.extend_from_slice(b"\r\n");
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(enhanced) = self.enhanced {
            write!(f, " {enhanced}")?;
        }
        write!(f, " {}", self.lines.join(" / "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(reply: &Reply) -> String {
        let mut output = BytesMut::new();
        reply.write_to(&mut output);
        String::from_utf8(output.to_vec()).unwrap()
    }

    #[test]
    fn replies_are_written() {
        assert_eq!(written(&Reply::plain(220, "hi")), "220 hi\r\n");
        let mut reply = Reply::new(250, EnhancedCode::new(2, 0, 0), "a");
        reply.lines.push("b".into());
        assert_eq!(written(&reply), "250-2.0.0 a\r\n250 2.0.0 b\r\n");
    }

    #[test]
    fn foreign_text_cannot_break_out() {
        let reply = Reply::new(550, EnhancedCode::new(5, 7, 1), "a\r\n250 ok\u{e9}");
        assert_eq!(written(&reply), "550 5.7.1 a  250 ok?\r\n");
        let reply = Reply::new(550, EnhancedCode::new(5, 7, 1), "x".repeat(2000));
        assert_eq!(written(&reply).len(), REPLY_LINE_BYTES);
    }

    #[test]
    fn enhanced_codes_are_read() {
        #[track_caller]
        fn check(text: &str, expected: Option<(&str, &str)>) {
            let found = EnhancedCode::parse_prefix(text).map(|(code, rest)| (code.to_string(), rest.to_owned()));
            assert_eq!(found, expected.map(|(code, rest)| (code.to_owned(), rest.to_owned())), "{text}");
        }
        check("5.7.1 no", Some(("5.7.1", "no")));
        check("2.0.0", Some(("2.0.0", "")));
        check("4.7.500 x", Some(("4.7.500", "x")));
        for bad in ["", "3.0.0 x", "5.7 x", "5.7.1.2 x", "5.7.1x", "5.7.1000 x", "5..1 x", "5.+1.1 x"] {
            check(bad, None);
        }
    }
}
