//! The lexical tokens of structured field values: comments, quoted strings, words (RFC 5322 §3.2).

use crate::limits::MAX_COMMENT_DEPTH;

/// A place in an unfolded field value.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'a> {
    input: &'a [u8],
    position: usize,
}

impl<'a> Cursor<'a> {
    pub fn new(input: &'a [u8]) -> Self {
        Self { input, position: 0 }
    }

    pub fn peek(&self) -> Option<u8> {
        self.input.get(self.position).copied()
    }

    pub fn is_at_end(&self) -> bool {
        self.position >= self.input.len()
    }

    /// Steps over one octet.
    pub fn bump(&mut self) {
        self.position = (self.position + 1).min(self.input.len());
    }

    /// Steps over `octet` if it is next.
    pub fn take(&mut self, octet: u8) -> bool {
        let found = self.peek() == Some(octet);
        if found {
            self.bump();
        }
        found
    }

    /// The longest run of octets that `accept` likes; may be empty.
    pub fn take_while(&mut self, accept: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = &self.input[self.position..];
        let length = rest.iter().position(|octet| !accept(*octet)).unwrap_or(rest.len());
        self.position += length;
        &rest[..length]
    }

    /// Steps over white space and comments (CFWS) and returns the text of the last comment.
    pub fn skip_cfws(&mut self) -> Option<Vec<u8>> {
        let mut comment = None;
        loop {
            self.take_while(is_white_space);
            if self.peek() != Some(b'(') {
                return comment;
            }
            comment = Some(self.comment());
        }
    }

    /// `ccontent` of a comment, nested parentheses included, with quoted pairs resolved. An unclosed comment runs to
    /// the end.
    fn comment(&mut self) -> Vec<u8> {
        self.bump();
        let mut depth = 1;
        let mut text = Vec::new();
        while let Some(octet) = self.peek() {
            self.bump();
            match octet {
                b'\\' => {
                    text.extend(self.peek());
                    self.bump();
                    continue;
                }
                b'(' if depth == MAX_COMMENT_DEPTH => self.position = self.input.len(),
                b'(' => depth += 1,
                b')' if depth == 1 => break,
                b')' => depth -= 1,
                _ => {}
            }
            text.push(octet);
        }
        text
    }

    /// The text of the quoted string that is next, with quoted pairs resolved. An unclosed one runs to the end.
    pub fn quoted_string(&mut self) -> Vec<u8> {
        self.bump();
        let mut text = Vec::new();
        while let Some(octet) = self.peek() {
            self.bump();
            match octet {
                b'"' => break,
                b'\\' => {
                    text.extend(self.peek());
                    self.bump();
                }
                _ => text.push(octet),
            }
        }
        text
    }
}

pub(crate) fn is_white_space(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t' | b'\r' | b'\n')
}

/// RFC 2045 §5.1: octets that end a `token`.
pub(crate) fn is_token_octet(octet: u8) -> bool {
    octet > b' '
        && octet != 0x7f
        && !matches!(
            octet,
            b'(' | b')' | b'<' | b'>' | b'@' | b',' | b';' | b':' | b'\\' | b'"' | b'/' | b'[' | b']' | b'?' | b'='
        )
}
