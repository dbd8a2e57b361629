//! What an IMAP server sends, read by its outermost grammar (RFC 9051 §9): lines, literals, quoted strings, lists.

/// A response, with its literals taken out.
#[derive(Debug)]
pub struct Response {
    /// The line; each literal is its header only.
    pub text: Vec<u8>,
    /// The octets of the literals, one after the other.
    pub literals: Vec<u8>,
}

/// Cuts what was sent into responses.
pub fn responses(mut sent: &[u8]) -> Vec<Response> {
    let mut responses = Vec::new();
    let mut open = Response { text: Vec::new(), literals: Vec::new() };
    while !sent.is_empty() {
        let end = sent.iter().position(|octet| *octet == b'\n').expect("what is sent ends with a line");
        let line = sent[..end].strip_suffix(b"\r").expect("LF without CR");
        assert!(!line.iter().any(|octet| matches!(octet, 0 | b'\r')), "CR or NUL: {}", line.escape_ascii());
        sent = &sent[end + 1..];
        open.text.extend_from_slice(line);
        match literal_length(line) {
            Some(length) => {
                let (literal, rest) = sent.split_at_checked(length).expect("a literal is cut off");
                open.literals.extend_from_slice(literal);
                sent = rest;
            }
            None => responses.push(std::mem::replace(&mut open, Response { text: Vec::new(), literals: Vec::new() })),
        }
    }
    assert!(open.text.is_empty(), "a response ends in a literal");
    responses
}

fn literal_length(line: &[u8]) -> Option<usize> {
    let inner = line.strip_suffix(b"}")?;
    let start = inner.iter().rposition(|octet| *octet == b'{')?;
    std::str::from_utf8(&inner[start + 1..]).ok()?.parse().ok()
}

/// Whether lists and quoted strings are closed (RFC 9051 §9 `quoted`: no control characters within).
pub fn is_balanced(text: &[u8]) -> bool {
    let (mut depth, mut octets) = (0usize, text.iter());
    while let Some(octet) = octets.next() {
        match octet {
            b'(' => depth += 1,
            b')' if depth == 0 => return false,
            b')' => depth -= 1,
            b'"' => loop {
                match octets.next() {
                    Some(b'\\') if matches!(octets.next(), Some(b'"' | b'\\')) => {}
                    Some(b'"') => break,
                    None | Some(b'\\' | b'\r' | b'\n' | 0) => return false,
                    Some(_) => {}
                }
            },
            _ => {}
        }
    }
    depth == 0
}

/// Whether the octets are parenthesised data that IMAP can send as they are, literals included.
pub fn is_data(data: &[u8]) -> bool {
    let line = [data, b"\r\n"].concat();
    matches!(&responses(&line)[..], [one] if is_balanced(&one.text))
}

/// Holds every response to the grammar, and message numbers to what there is.
pub fn check(sent: &[u8]) -> Vec<Response> {
    let responses = responses(sent);
    let mut view = View::default();
    for response in &responses {
        let text = &response.text[..];
        let words: Vec<&[u8]> = text.splitn(4, |octet| *octet == b' ').collect();
        match words[..] {
            [b"+", ..] => {}
            [b"*", b"OK" | b"NO" | b"BAD" | b"BYE" | b"PREAUTH", ..] => check_text(text),
            [b"*", ..] => {
                assert!(is_balanced(text), "not balanced: {}", text.escape_ascii());
                view.hear(&words[1..]);
            }
            [tag, b"OK" | b"NO" | b"BAD", ..] if !tag.is_empty() => check_text(text),
            _ => panic!("no response: {}", text.escape_ascii()),
        }
    }
    responses
}

/// `resp-text`: a code in brackets, if any, and words.
fn check_text(text: &[u8]) {
    assert!(text.iter().all(|octet| *octet >= b' ' && *octet != 0x7f), "controls: {}", text.escape_ascii());
    assert!(!text.ends_with(b" ") || text.len() > 5, "no text: {}", text.escape_ascii());
}

/// How many messages the client was told of; `None` once it takes more than counting to know.
#[derive(Default)]
struct View {
    exists: Option<u64>,
}

impl View {
    fn hear(&mut self, words: &[&[u8]]) {
        let number = words.first().and_then(|word| std::str::from_utf8(word).ok()?.parse::<u64>().ok());
        match (number, words.get(1)) {
            (Some(count), Some(&b"EXISTS")) => self.exists = Some(count),
            (Some(number), Some(&b"EXPUNGE")) => {
                assert!(number > 0 && self.exists.is_none_or(|exists| number <= exists), "EXPUNGE {number}");
                self.exists = self.exists.map(|exists| exists - 1);
            }
            (Some(number), Some(&b"FETCH")) => {
                assert!(number > 0 && self.exists.is_none_or(|exists| number <= exists), "FETCH {number}");
            }
            (None, _) if words.first() == Some(&&b"VANISHED"[..]) => self.exists = None,
            _ => {}
        }
    }
}
