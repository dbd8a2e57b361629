//! Strings of IMAP responses (RFC 9051 §4.3).

/// Octets up to which a string is quoted. Some clients bound the length of a line.
const MAX_QUOTED_BYTES: usize = 4_096;

/// `nstring`.
pub(super) fn push_nstring(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) => push_string(out, text),
        None => out.extend_from_slice(b"NIL"),
    }
}

/// `string`: quoted where it can be, else a literal. Quoted strings may hold UTF-8 only in IMAP4rev2, literals in
/// IMAP4rev1 too (`CHAR8`). NUL is in neither, and is left out.
pub(super) fn push_string(out: &mut Vec<u8>, text: &str) {
    let quotable = text.len() <= MAX_QUOTED_BYTES
        && text.bytes().all(|octet| octet.is_ascii() && !matches!(octet, 0 | b'\r' | b'\n'));
    if quotable {
        out.push(b'"');
        for octet in text.bytes() {
            if matches!(octet, b'"' | b'\\') {
                out.push(b'\\');
            }
            out.push(octet);
        }
        out.push(b'"');
        return;
    }
    let octets: Vec<u8> = text.bytes().filter(|octet| *octet != 0).collect();
    out.extend_from_slice(format!("{{{}}}\r\n", octets.len()).as_bytes());
    out.extend_from_slice(&octets);
}

pub(super) fn push_number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(number.to_string().as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let mut out = Vec::new();
        push_string(&mut out, text);
        assert_eq!(String::from_utf8_lossy(&out), expected);
    }

    #[test]
    fn strings() {
        check("", "\"\"");
        check("a b", "\"a b\"");
        check("a\"\\b", "\"a\\\"\\\\b\"");
        check("grün", "{5}\r\ngrün");
        check("a\r\nb", "{4}\r\na\r\nb");
        check("a\0b", "{2}\r\nab");
    }
}
