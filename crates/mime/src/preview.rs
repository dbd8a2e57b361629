//! The first words of a message (RFC 8970).

use crate::limits::{MAX_PREVIEW_CHARS, MAX_PREVIEW_SOURCE_BYTES};
use crate::part_text::beginning_of_text;
use crate::span::Span;
use crate::structure::{Part, Structure};

/// The first words of the first text part, white space made single spaces; at most
/// [`MAX_PREVIEW_CHARS`] characters, as RFC 8970 §3.3 wants. Empty where the message
/// has no text.
#[must_use]
pub fn preview(structure: &Structure, raw: &[u8]) -> String {
    preview_source(structure).map(|(part, span)| preview_of_body(part, span.of(raw))).unwrap_or_default()
}

/// The part that a preview shows, and the octets of the message that [`preview_of_body`] wants of it. None where the
/// message has no text.
#[must_use]
pub fn preview_source(structure: &Structure) -> Option<(&Part, Span)> {
    let part = structure.first_text()?;
    let end = part.body.end.min(part.body.start + MAX_PREVIEW_SOURCE_BYTES as u64);
    Some((part, Span { start: part.body.start, end }))
}

/// The preview, from the octets that [`preview_source`] named.
#[must_use]
pub fn preview_of_body(part: &Part, body: &[u8]) -> String {
    let text = beginning_of_text(part, body, MAX_PREVIEW_SOURCE_BYTES, MAX_PREVIEW_SOURCE_BYTES).unwrap_or_default();
    let mut preview = String::new();
    let mut length = 0;
    for word in text.split(separates).filter(|word| !word.is_empty()) {
        let space = usize::from(length > 0);
        let room = MAX_PREVIEW_CHARS.saturating_sub(length + space);
        if room == 0 {
            break;
        }
        if space == 1 {
            preview.push(' ');
        }
        preview.extend(word.chars().take(room));
        length += space + word.chars().take(room).count();
    }
    preview
}

/// White space, controls, and the invisible characters with which newsletters fill their first line.
fn separates(character: char) -> bool {
    character.is_whitespace()
        || character.is_control()
        || matches!(character, '\u{34f}' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &[u8], expected: &str) {
        assert_eq!(preview(&Structure::parse(raw), raw), expected, "{}", String::from_utf8_lossy(raw));
    }

    #[test]
    fn first_words() {
        check(b"Subject: x\r\n\r\n  Hello,\r\n\r\n\tworld \r\n", "Hello, world");
        check(b"Content-Type: text/html\r\n\r\n<style>x</style><p>Hi</p><p>there", "Hi there");
        check(b"Content-Type: image/png\r\n\r\nx", "");
        check(b"", "");
    }

    #[test]
    fn plain_text_goes_before_html() {
        let raw = b"Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\nhtml\r\n--b\r\n\r\nplain\r\n--b--\r\n";
        check(raw, "plain");
    }

    #[test]
    fn attachments_are_not_text() {
        let raw = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Disposition: attachment\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\n";
        check(raw, "two");
    }

    #[test]
    fn embedded_messages_come_last() {
        let forwarded = "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\ninner\r\n";
        let html = "--b\r\nContent-Type: text/html\r\n\r\nouter\r\n";
        let head = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
        check(format!("{head}{forwarded}{html}").as_bytes(), "outer");
        check(format!("{head}{forwarded}").as_bytes(), "inner");
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        let raw = format!("\r\n{}", "ü".repeat(1_000));
        assert_eq!(preview(&Structure::parse(raw.as_bytes()), raw.as_bytes()).chars().count(), MAX_PREVIEW_CHARS);
    }
}
