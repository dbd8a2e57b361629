//! Undoing content transfer encodings (RFC 2045 §6). Tolerant: what is not of the encoding is skipped or kept.

use crate::parameters::hex;
use crate::structure::Part;

/// A content transfer encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TransferEncoding {
    /// `7bit`, `8bit` or `binary`: the octets are the content.
    Identity,
    /// `base64`.
    Base64,
    /// `quoted-printable`.
    QuotedPrintable,
    /// Something that cannot be undone here. RFC 3516 §4.3 answers it with UNKNOWN-CTE.
    Unknown,
}

impl TransferEncoding {
    /// Reads the token of a Content-Transfer-Encoding field.
    #[must_use]
    pub fn from_token(token: &str) -> Self {
        let is = |names: &[&str]| names.iter().any(|name| token.eq_ignore_ascii_case(name));
        if is(&["7bit", "8bit", "binary", "7-bit", "8-bit", "none", ""]) {
            Self::Identity
        } else if is(&["base64", "base-64", "b"]) {
            Self::Base64
        } else if is(&["quoted-printable", "quotedprintable", "q"]) {
            Self::QuotedPrintable
        } else {
            Self::Unknown
        }
    }
}

/// The content of a part, its transfer encoding undone. An unknown encoding leaves the octets as they are.
///
/// The result is never longer than the part.
#[must_use]
pub fn decode_part(part: &Part, raw: &[u8]) -> Vec<u8> {
    decode_transfer(part.transfer_encoding(), part.body.of(raw))
}

/// Undoes an encoding. The result is never longer than `body`.
#[must_use]
pub fn decode_transfer(encoding: TransferEncoding, body: &[u8]) -> Vec<u8> {
    match encoding {
        TransferEncoding::Identity | TransferEncoding::Unknown => body.to_vec(),
        TransferEncoding::Base64 => decode_base64(body),
        TransferEncoding::QuotedPrintable => decode_quoted_printable(body),
    }
}

const NOT_BASE64: u8 = 0xff;

const BASE64_VALUES: [u8; 256] = {
    let mut values = [NOT_BASE64; 256];
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut at = 0;
    while at < alphabet.len() {
        values[alphabet[at] as usize] = at as u8;
        at += 1;
    }
    values
};

/// RFC 2045 §6.8: all octets outside the alphabet are ignored. A `=` ends a group; what follows starts anew, as in
/// mail that was pasted together.
pub(crate) fn decode_base64(body: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(body.len() / 4 * 3 + 3);
    let mut group: u32 = 0;
    let mut digits = 0;
    for &octet in body {
        let value = BASE64_VALUES[usize::from(octet)];
        if value == NOT_BASE64 {
            if octet == b'=' {
                push_partial_group(&mut decoded, group, digits);
                (group, digits) = (0, 0);
            }
            continue;
        }
        group = group << 6 | u32::from(value);
        digits += 1;
        if digits == 4 {
            decoded.extend_from_slice(&group.to_be_bytes()[1..]);
            (group, digits) = (0, 0);
        }
    }
    push_partial_group(&mut decoded, group, digits);
    decoded
}

fn push_partial_group(decoded: &mut Vec<u8>, group: u32, digits: usize) {
    match digits {
        2 => decoded.extend_from_slice(&(group << 12).to_be_bytes()[1..2]),
        3 => decoded.extend_from_slice(&(group << 6).to_be_bytes()[1..3]),
        _ => {}
    }
}

/// RFC 2045 §6.7. Trailing white space of a line was added in transport and goes; `=` without two hexadecimal digits
/// stays.
pub(crate) fn decode_quoted_printable(body: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(body.len());
    for line in body.split_inclusive(|octet| *octet == b'\n') {
        let text = line.strip_suffix(b"\n").map_or(line, |text| text.strip_suffix(b"\r").unwrap_or(text));
        let line_end = &line[text.len()..];
        let text = text.trim_ascii_end();
        match text.strip_suffix(b"=") {
            Some(text) => push_quoted_printable(&mut decoded, text),
            None => {
                push_quoted_printable(&mut decoded, text);
                decoded.extend_from_slice(line_end);
            }
        }
    }
    decoded
}

fn push_quoted_printable(decoded: &mut Vec<u8>, text: &[u8]) {
    let mut at = 0;
    while at < text.len() {
        let digits = text.get(at + 1..at + 3).and_then(|digits| Some((hex(digits[0])?, hex(digits[1])?)));
        match (text[at], digits) {
            (b'=', Some((high, low))) => {
                decoded.push(high << 4 | low);
                at += 3;
            }
            (octet, _) => {
                decoded.push(octet);
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(encoding: TransferEncoding, body: &[u8], expected: &[u8]) {
        let decoded = decode_transfer(encoding, body);
        assert_eq!(decoded, expected, "{}", String::from_utf8_lossy(body));
        assert!(decoded.len() <= body.len());
    }

    #[test]
    fn base64() {
        use TransferEncoding::Base64;
        check(Base64, b"aGVsbG8=", b"hello");
        check(Base64, b"aGVs\r\nbG8=\r\n", b"hello");
        check(Base64, b"aGVsbG8", b"hello");
        check(Base64, b"aGVsbG8=aGVsbG8=", b"hellohello");
        check(Base64, b"aG!V*s bG8==", b"hello");
        check(Base64, b"a", b"");
        check(Base64, b"====", b"");
        check(Base64, b"", b"");
    }

    #[test]
    fn quoted_printable() {
        use TransferEncoding::QuotedPrintable;
        check(QuotedPrintable, b"gr=C3=BCn", "grün".as_bytes());
        check(QuotedPrintable, b"one=\r\ntwo=  \r\nthree", b"onetwothree");
        check(QuotedPrintable, b"one \t\r\ntwo\n", b"one\r\ntwo\n");
        check(QuotedPrintable, b"=zz =4 =", b"=zz =4 ");
        check(QuotedPrintable, b"=c3=bc", "ü".as_bytes());
    }

    #[test]
    fn tokens() {
        assert_eq!(TransferEncoding::from_token("BASE64"), TransferEncoding::Base64);
        assert_eq!(TransferEncoding::from_token("8BIT"), TransferEncoding::Identity);
        assert_eq!(TransferEncoding::from_token("x-uuencode"), TransferEncoding::Unknown);
    }
}
