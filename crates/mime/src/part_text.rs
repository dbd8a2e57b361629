//! The text of a part, for searching.

use crate::charset::decode_charset;
use crate::html;
use crate::structure::Part;
use crate::transfer::{TransferEncoding, decode_transfer};

/// The text of a text part: transfer encoding and character set undone, HTML reduced to what a reader sees. At most
/// `max_chars` characters. None for a part that is not text.
///
/// Text in HTML that declares no character set is taken for UTF-8 or else windows-1252.
#[must_use]
pub fn part_text(part: &Part, raw: &[u8], max_chars: usize) -> Option<String> {
    body_text(part, part.body.of(raw), max_chars)
}

/// The same where only the body of the part was read, not the whole message.
#[must_use]
pub fn body_text(part: &Part, body: &[u8], max_chars: usize) -> Option<String> {
    if !part.is_text() {
        return None;
    }
    let octets = decode_transfer(part.transfer_encoding(), body);
    let text = decode_charset(part.charset(), &octets, max_chars);
    Some(if part.media_subtype == "html" { html::visible_text(&text) } else { text })
}

/// The same of no more than the first `max_bytes` octets of the part as it is transferred; `body` may end there.
pub(crate) fn beginning_of_text(part: &Part, body: &[u8], max_bytes: usize, max_chars: usize) -> Option<String> {
    let mut body = &body[..body.len().min(max_bytes)];
    if part.transfer_encoding() == TransferEncoding::QuotedPrintable {
        // An escape that the end cuts in two would show.
        let tail = body.len().saturating_sub(2);
        if let Some(at) = memchr::memchr(b'=', &body[tail..]).filter(|_| body.len() == max_bytes) {
            body = &body[..tail + at];
        }
    }
    body_text(part, body, max_chars)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::structure::Structure;

    fn check(raw: &[u8], expected: Option<&str>) {
        let structure = Structure::parse(raw);
        assert_eq!(part_text(structure.root(), raw, 100).as_deref(), expected, "{}", String::from_utf8_lossy(raw));
    }

    #[test]
    fn texts() {
        check(b"\r\nhello", Some("hello"));
        check(b"Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\ngr=FCn", Some("grün"));
        check(b"Content-Type: text/html\r\n\r\n<p>a&amp;b</p>", Some("a&b"));
        check(b"Content-Type: image/png\r\n\r\nx", None);
        check(b"Content-Type: multipart/mixed\r\n\r\nx", Some("x"));
    }
}
