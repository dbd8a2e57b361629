//! What a server says (RFC 9051 §7), made of octets without I/O.

use thiserror::Error;

/// Most octets of a response without its literals.
const MAX_TEXT_BYTES: usize = 256 * 1024;
/// Most literals of a response.
const MAX_LITERALS: usize = 64;

/// A server does not speak as IMAP wants it.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the server says what is no IMAP: {0}")]
pub struct Garbled(pub(super) &'static str);

/// A piece of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// An atom, a number, a flag, with what stands in brackets after it.
    Atom(Vec<u8>),
    /// A quoted string or a literal.
    Text(Vec<u8>),
    /// A literal of so many octets, which are more than are taken.
    TooLarge(u64),
    /// An opening parenthesis.
    Open,
    /// A closing one.
    Close,
}

impl Token {
    /// The octets of an atom or text.
    pub fn octets(&self) -> Option<&[u8]> {
        match self {
            Self::Atom(octets) | Self::Text(octets) => Some(octets),
            Self::TooLarge(_) | Self::Open | Self::Close => None,
        }
    }

    /// Whether it is this atom, in any case.
    pub fn is(&self, atom: &str) -> bool {
        matches!(self, Self::Atom(octets) if octets.eq_ignore_ascii_case(atom.as_bytes()))
    }

    /// The number that it is.
    pub fn number(&self) -> Option<u64> {
        std::str::from_utf8(self.octets()?).ok()?.parse().ok()
    }
}

/// A whole response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// Its first line as it is, for status responses.
    pub line: Vec<u8>,
    /// What it is made of.
    pub tokens: Vec<Token>,
}

impl Response {
    /// The words after a status such as `OK` or `NO`, as people read them.
    pub fn words(&self) -> String {
        let text = String::from_utf8_lossy(&self.line);
        text.splitn(3, ' ').nth(2).unwrap_or_default().chars().filter(|c| !c.is_control()).take(300).collect()
    }

    /// The value of a response code such as `[UIDVALIDITY 5]`.
    pub fn code(&self, name: &str) -> Option<String> {
        let words = self.words();
        let code = words.strip_prefix('[')?.split(']').next()?;
        let (found, value) = code.split_once(' ').unwrap_or((code, ""));
        found.eq_ignore_ascii_case(name).then(|| value.to_owned())
    }

    /// Whether it begins with these atoms.
    pub fn begins(&self, atoms: &[&str]) -> bool {
        self.tokens.len() >= atoms.len() && self.tokens.iter().zip(atoms).all(|(token, atom)| token.is(atom))
    }
}

/// Makes responses of octets.
#[derive(Debug)]
pub struct Decoder {
    max_literal_bytes: u64,
    buffer: Vec<u8>,
    response: Response,
    text_bytes: usize,
    literals: usize,
    /// The literal that is coming: how much is missing, and whether it is kept.
    literal: Option<(u64, bool)>,
    kept: Vec<u8>,
    size: u64,
}

impl Decoder {
    /// Literals of more than `max_literal_bytes` are passed over.
    pub fn new(max_literal_bytes: u64) -> Self {
        Self {
            max_literal_bytes,
            buffer: Vec::new(),
            response: Response::default(),
            text_bytes: 0,
            literals: 0,
            literal: None,
            kept: Vec::new(),
            size: 0,
        }
    }

    /// Takes in what came.
    pub fn feed(&mut self, octets: &[u8]) {
        self.buffer.extend_from_slice(octets);
    }

    /// Whether nothing has come of a further response.
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty() && self.literal.is_none() && self.response.tokens.is_empty()
    }

    /// The next response, if all of it has come.
    ///
    /// # Errors
    /// When it is longer than any response may be; there is nothing more to be had then.
    pub fn next_response(&mut self) -> Result<Option<Response>, Garbled> {
        loop {
            if let Some((missing, is_kept)) = self.literal {
                let some = usize::try_from(missing).unwrap_or(usize::MAX).min(self.buffer.len());
                let octets = self.buffer.drain(..some);
                if is_kept {
                    self.kept.extend(octets);
                }
                let missing = missing - some as u64;
                if missing > 0 {
                    self.literal = Some((missing, is_kept));
                    return Ok(None);
                }
                self.literal = None;
                let kept = std::mem::take(&mut self.kept);
                self.response.tokens.push(if is_kept { Token::Text(kept) } else { Token::TooLarge(self.size) });
            }
            let Some(end) = memchr::memchr(b'\n', &self.buffer) else {
                let is_long = self.text_bytes + self.buffer.len() > MAX_TEXT_BYTES;
                return if is_long { Err(Garbled("a line without an end")) } else { Ok(None) };
            };
            let line: Vec<u8> = self.buffer.drain(..=end).collect();
            let line = line.strip_suffix(b"\r\n").unwrap_or(&line[..line.len() - 1]);
            self.text_bytes += line.len();
            if self.text_bytes > MAX_TEXT_BYTES {
                return Err(Garbled("too long a response"));
            }
            let (text, literal) = split_literal(line);
            if self.response.line.is_empty() {
                self.response.line = text.to_vec();
            }
            tokenize(text, &mut self.response.tokens);
            let Some(size) = literal else {
                self.text_bytes = 0;
                self.literals = 0;
                return Ok(Some(std::mem::take(&mut self.response)));
            };
            self.literals += 1;
            if self.literals > MAX_LITERALS {
                return Err(Garbled("too many literals"));
            }
            self.size = size;
            self.literal = Some((size, size <= self.max_literal_bytes));
        }
    }
}

/// A line without the announcement of a literal at its end, and how large that is.
fn split_literal(line: &[u8]) -> (&[u8], Option<u64>) {
    let announced = || {
        let inner = line.strip_suffix(b"}")?;
        let open = memchr::memrchr(b'{', inner)?;
        let digits = std::str::from_utf8(&inner[open + 1..]).ok()?.trim_end_matches('+');
        let size = digits.parse().ok().filter(|_| digits.bytes().all(|b| b.is_ascii_digit()))?;
        let text = &line[..open];
        // RFC 3516 §4.2: of octets of any value.
        Some((text.strip_suffix(b"~").unwrap_or(text), size))
    };
    match announced() {
        Some((text, size)) => (text, Some(size)),
        None => (line, None),
    }
}

fn tokenize(text: &[u8], tokens: &mut Vec<Token>) {
    let mut rest = text;
    while let Some((&octet, after)) = rest.split_first() {
        match octet {
            b' ' => rest = after,
            b'(' => {
                tokens.push(Token::Open);
                rest = after;
            }
            b')' => {
                tokens.push(Token::Close);
                rest = after;
            }
            b'"' => rest = quoted(after, tokens),
            _ => rest = atom(rest, tokens),
        }
    }
}

fn quoted<'a>(text: &'a [u8], tokens: &mut Vec<Token>) -> &'a [u8] {
    let mut octets = Vec::new();
    let mut rest = text;
    while let Some((&octet, after)) = rest.split_first() {
        rest = after;
        match octet {
            b'"' => break,
            b'\\' => {
                if let Some((&escaped, after)) = rest.split_first() {
                    octets.push(escaped);
                    rest = after;
                }
            }
            _ => octets.push(octet),
        }
    }
    tokens.push(Token::Text(octets));
    rest
}

fn atom<'a>(text: &'a [u8], tokens: &mut Vec<Token>) -> &'a [u8] {
    let mut depth = 0usize;
    let is_end = |octet: &u8| match octet {
        b'[' => {
            depth += 1;
            false
        }
        b']' => {
            depth = depth.saturating_sub(1);
            false
        }
        b' ' | b'(' | b')' => depth == 0,
        _ => false,
    };
    let end = text.iter().position(is_end).unwrap_or(text.len());
    tokens.push(Token::Atom(text[..end].to_vec()));
    &text[end..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &str, step: usize) -> Result<Vec<Response>, Garbled> {
        let mut decoder = Decoder::new(10);
        let mut responses = Vec::new();
        for piece in text.as_bytes().chunks(step) {
            decoder.feed(piece);
            while let Some(response) = decoder.next_response()? {
                responses.push(response);
            }
        }
        Ok(responses)
    }

    fn shown(response: &Response) -> String {
        let shown = |token: &Token| match token {
            Token::Atom(octets) => String::from_utf8_lossy(octets).into_owned(),
            Token::Text(octets) => format!("<{}>", octets.escape_ascii()),
            Token::TooLarge(size) => format!("!{size}"),
            Token::Open => "(".to_owned(),
            Token::Close => ")".to_owned(),
        };
        response.tokens.iter().map(shown).collect::<Vec<_>>().join(" ")
    }

    fn check(text: &str, expected: &[&str]) {
        for step in [1, 3, text.len().max(1)] {
            let responses = decoded(text, step).unwrap();
            assert_eq!(responses.iter().map(shown).collect::<Vec<_>>(), expected, "{text:?}");
        }
    }

    #[test]
    fn responses_are_taken_apart() {
        check("* OK hi\r\n", &["* OK hi"]);
        check("* LIST (\\HasNoChildren) \"/\" \"a \\\"b\\\\\"\r\n", &["* LIST ( \\HasNoChildren ) </> <a \\\"b\\\\>"]);
        check(
            "* 1 FETCH (UID 5 BODY[] {4}\r\na)\r\n FLAGS (\\Seen x))\r\nA1 OK done\r\n",
            &["* 1 FETCH ( UID 5 BODY[] <a)\\r\\n> FLAGS ( \\Seen x ) )", "A1 OK done"],
        );
        check("* 2 FETCH (BODY[] ~{3}\r\n\0\0\0 UID 1)\r\n", &["* 2 FETCH ( BODY[] <\\x00\\x00\\x00> UID 1 )"]);
        check("* 3 FETCH (BODY[] {12}\r\n0123456789ab UID 1)\r\n", &["* 3 FETCH ( BODY[] !12 UID 1 )"]);
        check("* 4 FETCH (BODY[HEADER.FIELDS (A B)] {0}\r\n)\r\n", &["* 4 FETCH ( BODY[HEADER.FIELDS (A B)] <> )"]);
        check("+ \r\n* x {y}\r\n\r\n", &["+", "* x {y}", ""]);
    }

    #[test]
    fn codes_are_found() {
        let responses = decoded("* OK [UIDVALIDITY 77] fine\r\nA1 NO [OVERQUOTA] full\r\n", 100).unwrap();
        assert_eq!(responses[0].code("uidvalidity").as_deref(), Some("77"));
        assert_eq!(responses[0].code("UIDNEXT"), None);
        assert_eq!(responses[1].code("OVERQUOTA").as_deref(), Some(""));
        assert_eq!(responses[1].words(), "[OVERQUOTA] full");
    }

    #[test]
    fn floods_are_ended() {
        assert!(decoded(&"x".repeat(MAX_TEXT_BYTES + 2), 1000).is_err());
        assert!(decoded(&"{1}\r\nx".repeat(MAX_LITERALS + 2), 1000).is_err());
        assert!(decoded(&format!("{{0}}\r\n{}\r\n", "y".repeat(MAX_TEXT_BYTES)), 1000).is_err());
    }
}
