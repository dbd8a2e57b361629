//! A place in the text of a command, and the tokens that begin there.
//!
//! The text is as it came: literals stand in it with their header, `{5}` CRLF and five octets.

use std::borrow::Cow;

use super::{CommandError, Parsed};

/// A place in a command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
}

/// ```text
/// ATOM-CHAR     = <any CHAR except atom-specials>
/// atom-specials = "(" / ")" / "{" / SP / CTL / list-wildcards / quoted-specials / resp-specials
/// ```
pub(crate) fn is_atom_char(byte: u8) -> bool {
    byte > 0x20 && byte < 0x7f && !b"(){%*\"\\]".contains(&byte)
}

/// `ASTRING-CHAR = ATOM-CHAR / resp-specials`
pub(crate) fn is_astring_char(byte: u8) -> bool {
    is_atom_char(byte) || byte == b']'
}

/// `list-char = ATOM-CHAR / list-wildcards / resp-specials`
fn is_list_char(byte: u8) -> bool {
    is_astring_char(byte) || byte == b'%' || byte == b'*'
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Self { rest: text }
    }

    /// Whether nothing is left.
    pub(crate) fn at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next octet, without taking it.
    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// What is left.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Nothing may follow.
    pub(crate) fn end(&self) -> Parsed<()> {
        if self.at_end() { Ok(()) } else { Err(CommandError::Expected("the end of the command")) }
    }

    /// Takes `byte` if it comes next.
    pub(crate) fn take(&mut self, byte: u8) -> bool {
        match self.rest.split_first() {
            Some((&first, after)) if first == byte => {
                self.rest = after;
                true
            }
            _ => false,
        }
    }

    /// `SP`: exactly one (RFC 9051 §9 rule 2).
    pub(crate) fn space(&mut self) -> Parsed<()> {
        if self.take(b' ') { Ok(()) } else { Err(CommandError::Expected("a space")) }
    }

    pub(crate) fn open(&mut self) -> Parsed<()> {
        if self.take(b'(') { Ok(()) } else { Err(CommandError::Expected("an opening parenthesis")) }
    }

    pub(crate) fn close(&mut self) -> Parsed<()> {
        if self.take(b')') { Ok(()) } else { Err(CommandError::Expected("a closing parenthesis")) }
    }

    /// Takes octets for as long as they fit.
    pub(crate) fn take_while(&mut self, fits: impl Fn(u8) -> bool) -> &'a [u8] {
        let end = self.rest.iter().position(|&byte| !fits(byte)).unwrap_or(self.rest.len());
        let (taken, after) = self.rest.split_at(end);
        self.rest = after;
        taken
    }

    /// Takes `word`, in any case, if it comes next.
    pub(crate) fn take_word(&mut self, word: &str) -> bool {
        match self.rest.get(..word.len()) {
            Some(start) if start.eq_ignore_ascii_case(word.as_bytes()) => {
                self.rest = &self.rest[word.len()..];
                true
            }
            _ => false,
        }
    }

    /// `atom = 1*ATOM-CHAR`
    pub(crate) fn atom(&mut self) -> Parsed<&'a str> {
        match std::str::from_utf8(self.take_while(is_atom_char)) {
            Ok(atom) if !atom.is_empty() => Ok(atom),
            _ => Err(CommandError::Expected("an atom")),
        }
    }

    /// Digits that fit in 63 bits: `number64`.
    pub(crate) fn number64(&mut self) -> Parsed<u64> {
        let digits = self.take_while(|byte| byte.is_ascii_digit());
        let value = digits.iter().try_fold(0u64, |value, digit| {
            value.checked_mul(10)?.checked_add(u64::from(digit - b'0')).filter(|&v| v <= i64::MAX as u64)
        });
        match value {
            Some(value) if !digits.is_empty() => Ok(value),
            _ => Err(CommandError::Expected("a number")),
        }
    }

    /// `number = 1*DIGIT`, 32 bits.
    pub(crate) fn number(&mut self) -> Parsed<u32> {
        u32::try_from(self.number64()?).map_err(|_| CommandError::Expected("a number of 32 bits"))
    }

    /// `nz-number`
    pub(crate) fn nonzero_number(&mut self) -> Parsed<u32> {
        match self.number()? {
            0 => Err(CommandError::Expected("a number above zero")),
            value => Ok(value),
        }
    }

    /// `astring = 1*ASTRING-CHAR / string`
    pub(crate) fn astring(&mut self) -> Parsed<Cow<'a, [u8]>> {
        match self.peek() {
            Some(b'"' | b'{') => self.string(),
            _ => match self.take_while(is_astring_char) {
                [] => Err(CommandError::Expected("a string")),
                text => Ok(Cow::Borrowed(text)),
            },
        }
    }

    /// `list-mailbox = 1*list-char / string`
    pub(crate) fn list_mailbox(&mut self) -> Parsed<Cow<'a, [u8]>> {
        match self.peek() {
            Some(b'"' | b'{') => self.string(),
            _ => match self.take_while(is_list_char) {
                [] => Err(CommandError::Expected("a pattern of mailbox names")),
                text => Ok(Cow::Borrowed(text)),
            },
        }
    }

    /// `astring` that is UTF-8.
    pub(crate) fn text(&mut self) -> Parsed<String> {
        utf8(self.astring()?)
    }

    /// `nstring = string / nil`
    pub(crate) fn nstring(&mut self) -> Parsed<Option<Cow<'a, [u8]>>> {
        match self.peek() {
            Some(b'"' | b'{') => self.string().map(Some),
            _ if self.take_word("NIL") => Ok(None),
            _ => Err(CommandError::Expected("a string or NIL")),
        }
    }

    /// `string = quoted / literal`
    pub(crate) fn string(&mut self) -> Parsed<Cow<'a, [u8]>> {
        match self.peek() {
            Some(b'"') => self.quoted(),
            Some(b'{') => self.literal().map(Cow::Borrowed),
            _ => Err(CommandError::Expected("a string")),
        }
    }

    /// ```text
    /// quoted      = DQUOTE *QUOTED-CHAR DQUOTE
    /// QUOTED-CHAR = <any TEXT-CHAR except quoted-specials> / "\" quoted-specials / UTF8-2 / UTF8-3 / UTF8-4
    /// ```
    ///
    /// UTF-8 is taken from clients that did not enable it too: IMAP4rev2 is advertised from the start, and what they
    /// mean is clear. Other octets above 127 are refused.
    fn quoted(&mut self) -> Parsed<Cow<'a, [u8]>> {
        const UNCLOSED: CommandError = CommandError::Expected("a quoted string");
        let inside = &self.rest[1..];
        let plain = inside.iter().position(|&b| b == b'"' || b == b'\\' || b < 0x20 || b == 0x7f).ok_or(UNCLOSED)?;
        let mut text = Cow::Borrowed(&inside[..plain]);
        let mut at = plain;
        loop {
            match inside.get(at) {
                Some(b'"') => break,
                Some(b'\\') => match inside.get(at + 1) {
                    Some(&special @ (b'"' | b'\\')) => text.to_mut().push(special),
                    _ => return Err(CommandError::Expected("a quote or a backslash after a backslash")),
                },
                Some(&byte) if byte >= 0x20 && byte != 0x7f => {
                    text.to_mut().push(byte);
                    at += 1;
                    continue;
                }
                _ => return Err(UNCLOSED),
            }
            at += 2;
        }
        self.rest = &inside[at + 1..];
        if std::str::from_utf8(&text).is_err() {
            return Err(CommandError::Expected("a quoted string in UTF-8"));
        }
        Ok(text)
    }

    /// `nstring / literal8`: NUL is welcome in the latter.
    pub(crate) fn nstring8(&mut self) -> Parsed<Option<Cow<'a, [u8]>>> {
        if self.take(b'~') { self.octets().map(|octets| Some(Cow::Borrowed(octets))) } else { self.nstring() }
    }

    /// ```text
    /// literal = "{" number64 ["+"] "}" CRLF *CHAR8
    /// CHAR8   = %x01-ff
    /// ```
    fn literal(&mut self) -> Parsed<&'a [u8]> {
        let text = self.octets()?;
        if text.contains(&0) {
            return Err(CommandError::Expected("a literal without NUL"));
        }
        Ok(text)
    }

    /// The octets of a literal, whatever they are.
    fn octets(&mut self) -> Parsed<&'a [u8]> {
        self.take(b'{');
        let length = usize::try_from(self.number64()?).map_err(|_| CommandError::Expected("a literal"))?;
        self.take(b'+');
        let octets = self.rest.strip_prefix(b"}\r\n").ok_or(CommandError::Expected("a literal"))?;
        if octets.len() < length {
            return Err(CommandError::Expected("a whole literal"));
        }
        let (text, after) = octets.split_at(length);
        self.rest = after;
        Ok(text)
    }
}

/// Bytes as text.
pub(crate) fn utf8(bytes: Cow<'_, [u8]>) -> Parsed<String> {
    String::from_utf8(bytes.into_owned()).map_err(|_| CommandError::Expected("UTF-8"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &[u8], expected: Option<(&[u8], &[u8])>) {
        let mut cursor = Cursor::new(text);
        let read = cursor.astring();
        match expected {
            Some((value, rest)) => {
                assert_eq!(read.as_deref(), Ok(value));
                assert_eq!(cursor.rest(), rest);
            }
            None => assert!(read.is_err(), "{read:?}"),
        }
    }

    #[test]
    fn strings() {
        check(b"INBOX x", Some((b"INBOX", b" x")));
        check(b"a]b)", Some((b"a]b", b")")));
        check(b"\"a b\" c", Some((b"a b", b" c")));
        check(b"\"a\\\"b\\\\c\"", Some((b"a\"b\\c", b"")));
        check(b"\"\"", Some((b"", b"")));
        check(b"{3}\r\na\r\n b", Some((b"a\r\n", b" b")));
        check(b"{3+}\r\nabc", Some((b"abc", b"")));
        check(b"{0}\r\n", Some((b"", b"")));
        check("\"\u{e4}\"".as_bytes(), Some(("\u{e4}".as_bytes(), b"")));
        for bad in [
            &b""[..],
            b" a",
            b"\"a",
            b"\"a\\\"",
            b"\"a\\b\"",
            b"\"a\r\nb\"",
            b"\"a\0\"",
            b"\"\xe4\"",
            b"{3}\r\nab",
            b"{3}abc",
            b"{}\r\n",
            b"{-1}\r\n",
            b"{99999999999999999999}\r\n",
            b"{2}\r\na\0",
            b"\xe4",
            b"(",
            b"%",
            b"{3",
            b"\"\x7f\"",
        ] {
            check(bad, None);
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..60), text in "[\"\\\\{}+0-9\r\na( ]{0,20}") {
            for input in [&bytes[..], text.as_bytes()] {
                let cursor = Cursor::new(input);
                let _ = { cursor }.astring();
                let _ = { cursor }.nstring();
                let _ = { cursor }.number();
                let _ = { cursor }.list_mailbox();
            }
        }

        #[test]
        fn quoting_is_undone(text in "[ -~]{0,20}") {
            let quoted = format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
            let mut cursor = Cursor::new(quoted.as_bytes());
            let read = cursor.astring().unwrap();
            prop_assert_eq!(read.as_ref(), text.as_bytes());
        }
    }
}
