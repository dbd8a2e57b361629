//! Parameters of Content-Type and Content-Disposition (RFC 2045 §5.1), continued and encoded ones joined (RFC 2231).

use crate::charset::{decode_charset, text_from_raw, truncate_bytes};
use crate::limits::{MAX_PARAMETER_VALUE_BYTES, MAX_PARAMETERS, MAX_TOKEN_BYTES};
use crate::token::{Cursor, is_token_octet, is_white_space};

/// One parameter, as a reader should see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// The name in lower case, without the `*` signs of RFC 2231.
    pub name: String,
    /// The value, joined from its continuations and decoded to UTF-8. RFC 2047 encoded words, which do not belong
    /// here but are common, are left as they are.
    pub value: String,
    /// Whether the value came in the extended form of RFC 2231 §4.
    pub extended: bool,
}

/// The value of the first parameter called `name` (in lower case).
pub(crate) fn find<'a>(parameters: &'a [Parameter], name: &str) -> Option<&'a str> {
    parameters.iter().find(|parameter| parameter.name == name).map(|parameter| parameter.value.as_str())
}

/// A parameter as it stands in the field.
struct Piece {
    name: String,
    /// RFC 2231 §3: which piece of a continued value.
    number: Option<u16>,
    /// RFC 2231 §4: percent encoded.
    extended: bool,
    value: Vec<u8>,
}

/// `*( ";" attribute "=" value )`, read to the end of the field.
pub(crate) fn parse_parameters(cursor: &mut Cursor<'_>) -> Vec<Parameter> {
    let mut pieces = Vec::new();
    while pieces.len() < MAX_PARAMETERS && !cursor.is_at_end() {
        cursor.skip_cfws();
        if cursor.take(b';') {
            continue;
        }
        match piece(cursor) {
            Some(piece) => pieces.push(piece),
            None => {
                cursor.take_while(|octet| octet != b';');
            }
        }
    }
    join(&pieces)
}

fn piece(cursor: &mut Cursor<'_>) -> Option<Piece> {
    let attribute = cursor.take_while(is_token_octet);
    cursor.skip_cfws();
    if attribute.is_empty() || attribute.len() > MAX_TOKEN_BYTES || !cursor.take(b'=') {
        return None;
    }
    cursor.skip_cfws();
    let mut value = if cursor.peek() == Some(b'"') { cursor.quoted_string() } else { bare_value(cursor) };
    value.truncate(MAX_PARAMETER_VALUE_BYTES);
    let attribute = text_from_raw(attribute).to_ascii_lowercase();
    let (attribute, extended) = match attribute.strip_suffix('*') {
        Some(attribute) => (attribute, true),
        None => (attribute.as_str(), false),
    };
    let continued = attribute.rsplit_once('*').and_then(|(name, number)| Some((name, number.parse().ok()?)));
    let (name, number) = match continued {
        Some((name, number)) => (name, Some(number)),
        None => (attribute, None),
    };
    Some(Piece { name: name.to_owned(), number, extended, value })
}

/// A value without quotes. A value should be a token, but file names with spaces and boundaries with `=` and `/` are
/// common, so it runs to the semicolon; a comment ends it, and so does what looks like the next parameter.
fn bare_value(cursor: &mut Cursor<'_>) -> Vec<u8> {
    let mut value = Vec::new();
    loop {
        value.extend(cursor.take_while(|octet| octet != b';' && !is_white_space(octet)));
        cursor.skip_cfws();
        let mut ahead = cursor.clone();
        let name = ahead.take_while(is_token_octet);
        let next_parameter = !name.is_empty() && ahead.peek() == Some(b'=');
        if cursor.is_at_end() || cursor.peek() == Some(b';') || next_parameter {
            return value;
        }
        value.push(b' ');
    }
}

fn join(pieces: &[Piece]) -> Vec<Parameter> {
    let mut parameters: Vec<Parameter> = Vec::new();
    for piece in pieces {
        if piece.name.is_empty() || find(&parameters, &piece.name).is_some() {
            continue;
        }
        let same = || pieces.iter().filter(|other| other.name == piece.name);
        // Where a sender gives both forms, the extended one says more.
        let whole = same().find(|other| other.number.is_none() && other.extended);
        let plain = same().find(|other| other.number.is_none());
        let parameter = match (whole, plain) {
            (Some(whole), _) => extended_value(&piece.name, &[whole]),
            (None, Some(plain)) if same().all(|other| other.number != Some(0)) => {
                plain_value(&piece.name, &plain.value)
            }
            _ => continued_value(&piece.name, same().collect()),
        };
        parameters.push(parameter);
    }
    parameters
}

fn plain_value(name: &str, value: &[u8]) -> Parameter {
    let value = truncate_bytes(text_from_raw(value), MAX_PARAMETER_VALUE_BYTES);
    Parameter { name: name.to_owned(), value, extended: false }
}

/// RFC 2231 §3: the pieces in the order of their numbers, from 0 to the first gap. Without a piece 0 there is nothing
/// to continue, and all that came are joined as they are.
fn continued_value(name: &str, mut pieces: Vec<&Piece>) -> Parameter {
    pieces.retain(|piece| piece.number.is_some());
    pieces.sort_by_key(|piece| piece.number);
    pieces.dedup_by_key(|piece| piece.number);
    if pieces.first().is_some_and(|piece| piece.number == Some(0)) {
        let run = pieces.iter().zip(0_u16..).take_while(|(piece, number)| piece.number == Some(*number)).count();
        pieces.truncate(run);
    }
    if pieces.iter().any(|piece| piece.extended) {
        return extended_value(name, &pieces);
    }
    let value: Vec<u8> = pieces.iter().flat_map(|piece| piece.value.iter().copied()).collect();
    plain_value(name, &value)
}

/// RFC 2231 §4: `charset'language'octets` in the first piece, percent encoding where the name ends in `*`.
fn extended_value(name: &str, pieces: &[&Piece]) -> Parameter {
    let mut charset = None;
    let mut octets = Vec::new();
    for (at, piece) in pieces.iter().enumerate() {
        let mut value = piece.value.as_slice();
        if at == 0 && piece.extended {
            let mut fields = value.splitn(3, |octet| *octet == b'\'');
            if let (Some(label), Some(_language), Some(rest)) = (fields.next(), fields.next(), fields.next()) {
                charset = Some(text_from_raw(label));
                value = rest;
            }
        }
        if piece.extended {
            octets.extend(percent_decode(value));
        } else {
            octets.extend_from_slice(value);
        }
        if octets.len() > MAX_PARAMETER_VALUE_BYTES {
            break;
        }
    }
    let text = decode_charset(charset.as_deref(), &octets, MAX_PARAMETER_VALUE_BYTES);
    let text: String = text.chars().filter(|character| !matches!(character, '\0' | '\r' | '\n')).collect();
    Parameter { name: name.to_owned(), value: truncate_bytes(text, MAX_PARAMETER_VALUE_BYTES), extended: true }
}

fn percent_decode(value: &[u8]) -> Vec<u8> {
    let mut octets = Vec::with_capacity(value.len());
    let mut at = 0;
    while at < value.len() {
        let digits = value.get(at + 1..at + 3).and_then(|digits| Some((hex(digits[0])?, hex(digits[1])?)));
        match (value[at], digits) {
            (b'%', Some((high, low))) => {
                octets.push(high << 4 | low);
                at += 3;
            }
            (octet, _) => {
                octets.push(octet);
                at += 1;
            }
        }
    }
    octets
}

/// The value of a hexadecimal digit of either case.
pub(crate) fn hex(digit: u8) -> Option<u8> {
    (digit as char).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(field: &[u8], expected: &[(&str, &str)]) {
        let parsed = parse_parameters(&mut Cursor::new(field));
        let parsed: Vec<_> = parsed.iter().map(|one| (one.name.as_str(), one.value.as_str())).collect();
        assert_eq!(parsed, expected, "{}", String::from_utf8_lossy(field));
    }

    #[test]
    fn plain_parameters() {
        check(b"; charset=utf-8; Format=flowed", &[("charset", "utf-8"), ("format", "flowed")]);
        check(b"; charset=us-ascii (Plain text)", &[("charset", "us-ascii")]);
        check(b"; name=\"a \\\"b\\\" c\"", &[("name", "a \"b\" c")]);
        check(b";; ; a=1;", &[("a", "1")]);
        check(b"; a = 1 ; b= \"2\"", &[("a", "1"), ("b", "2")]);
    }

    #[test]
    fn sloppy_parameters() {
        check(b"; boundary=----=_Part/1?x", &[("boundary", "----=_Part/1?x")]);
        check(b"; name=my file.pdf; a=b", &[("name", "my file.pdf"), ("a", "b")]);
        check(b"; charset=utf-8 format=flowed", &[("charset", "utf-8"), ("format", "flowed")]);
        check(b"; name=\"never closed", &[("name", "never closed")]);
        check(b"; junk; =x; a=b", &[("a", "b")]);
        check(b"; a=1; a=2", &[("a", "1")]);
        check(b"; name=gr\xfcn", &[("name", "gr\u{fc}n")]);
    }

    #[test]
    fn continued_and_encoded_parameters() {
        check(b"; n*0=ab; n*1=cd", &[("n", "abcd")]);
        check(b"; n*1=cd; n*0=ab", &[("n", "abcd")]);
        check(b"; n*0=ab; n*2=zz", &[("n", "ab")]);
        check(b"; n*=utf-8'en'%e2%82%ac%20x", &[("n", "\u{20ac} x")]);
        check(b"; n*0*=iso-8859-1''gr%FC; n*1=n; n*2*=%21", &[("n", "gr\u{fc}n!")]);
        check(b"; n=plain; n*=utf-8''%c3%bc", &[("n", "\u{fc}")]);
        check(b"; n*=no-charset%20", &[("n", "no-charset ")]);
        check(b"; n*=utf-8''a%00b%0d%0ac", &[("n", "abc")]);
        check(b"; n*=utf-8''%zz%4", &[("n", "%zz%4")]);
    }

    #[test]
    fn thousands_of_parameters_are_bounded() {
        let field: String = (0..5_000).map(|at| format!("; p{at}=v")).collect();
        assert_eq!(parse_parameters(&mut Cursor::new(field.as_bytes())).len(), MAX_PARAMETERS);
        let long = format!("; n={}", "x".repeat(100_000));
        let parsed = parse_parameters(&mut Cursor::new(long.as_bytes()));
        assert_eq!(parsed[0].value.len(), MAX_PARAMETER_VALUE_BYTES);
    }
}
