//! Lines that end with LF in files, and with CRLF in mail (RFC 5322 §2.1).

/// Ends every line with CRLF. A CR that no LF follows stays what it is.
pub fn to_crlf(text: Vec<u8>) -> Vec<u8> {
    let bare = bare_line_feeds(&text);
    if bare == 0 {
        return text;
    }
    let mut out = Vec::with_capacity(text.len() + bare);
    let mut rest = &text[..];
    while let Some(at) = memchr::memchr(b'\n', rest) {
        out.extend_from_slice(&rest[..at]);
        if out.last() != Some(&b'\r') {
            out.push(b'\r');
        }
        out.push(b'\n');
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out
}

/// Ends every line with LF, if [`to_crlf`] brings back what it was; else leaves everything as it is.
pub fn to_lf(text: &[u8]) -> Vec<u8> {
    if bare_line_feeds(text) > 0 || memchr::memmem::find(text, b"\r\r\n").is_some() {
        return text.to_vec();
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\n', rest) {
        // None is bare, so a CR stands before it.
        out.extend_from_slice(&rest[..at.saturating_sub(1)]);
        out.push(b'\n');
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out
}

fn bare_line_feeds(text: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', text).filter(|&at| at == 0 || text[at - 1] != b'\r').count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(to_crlf(text.into()), expected.as_bytes(), "{text:?}");
    }

    #[test]
    fn lines_end_with_crlf() {
        check("", "");
        check("a", "a");
        check("\n", "\r\n");
        check("\n\n", "\r\n\r\n");
        check("a\nb\n", "a\r\nb\r\n");
        check("a\r\nb\n\r\n", "a\r\nb\r\n\r\n");
        check("a\rb\r\r\n", "a\rb\r\r\n");
    }

    proptest! {
        #[test]
        fn what_has_become_crlf_comes_back(text in "[a\r\n]{0,12}") {
            let wire = to_crlf(text.into_bytes());
            prop_assert_eq!(bare_line_feeds(&wire), 0);
            prop_assert_eq!(to_crlf(to_lf(&wire)), wire);
        }
    }
}
