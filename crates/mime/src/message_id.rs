//! Message identifiers (RFC 5322 §3.6.4).

use std::borrow::Cow;
use std::collections::VecDeque;

use crate::charset::text_from_raw;
use crate::header::unfold;
use crate::limits::{MAX_MESSAGE_ID_BYTES, MAX_MESSAGE_IDS};
use crate::token::{Cursor, is_white_space};

/// The identifiers of a Message-ID, In-Reply-To or References field, without angle brackets and white space, in order.
/// Words outside of brackets, which old mail has in In-Reply-To, are left out. Of more than
/// [`MAX_MESSAGE_IDS`] the last are kept, for they are nearest.
#[must_use]
pub fn parse_message_ids(value: &[u8]) -> Vec<String> {
    let value = unfold(value);
    let mut cursor = Cursor::new(&value);
    let mut ids = VecDeque::new();
    while let Some(id) = next_message_id(&mut cursor) {
        ids.push_back(id);
        if ids.len() > MAX_MESSAGE_IDS {
            ids.pop_front();
        }
    }
    ids.into()
}

/// The first identifier of such a field, of however many.
#[must_use]
pub fn first_message_id(value: &[u8]) -> Option<String> {
    next_message_id(&mut Cursor::new(&unfold(value)))
}

fn next_message_id(cursor: &mut Cursor<'_>) -> Option<String> {
    loop {
        cursor.skip_cfws();
        match cursor.peek()? {
            b'"' => {
                cursor.quoted_string();
            }
            b'<' => {
                cursor.bump();
                let id = cursor.take_while(|octet| octet != b'>' && octet != b'<');
                let id: Vec<u8> = id.iter().copied().filter(|octet| !is_white_space(*octet)).collect();
                if cursor.take(b'>') && !id.is_empty() && id.len() <= MAX_MESSAGE_ID_BYTES {
                    return Some(text_from_raw(&id));
                }
            }
            _ => cursor.bump(),
        }
    }
}

/// The identifier of a Message-ID field: the first in brackets, else the whole value where it is one word.
#[must_use]
pub fn parse_message_id(value: &[u8]) -> Option<String> {
    if let Some(id) = parse_message_ids(value).into_iter().next() {
        return Some(id);
    }
    let value = unfold(value);
    let bare = !value.is_empty()
        && value.len() <= MAX_MESSAGE_ID_BYTES
        && !value.iter().any(|octet| is_white_space(*octet) || b"<>()\"".contains(octet));
    bare.then(|| text_from_raw(&value))
}

/// One way to write an identifier that can be written in several: a quoted left side loses its quotes, and backslashes
/// in it what they protect (RFC 5256 §3, THREAD=REFERENCES).
#[must_use]
pub fn normal_message_id(id: &str) -> Cow<'_, str> {
    let Some(quoted) = id.strip_prefix('"') else { return Cow::Borrowed(id) };
    let mut normal = String::with_capacity(id.len());
    let mut characters = quoted.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => normal.extend(characters.next()),
            '"' => {
                normal.push_str(characters.as_str());
                return Cow::Owned(normal);
            }
            character => normal.push(character),
        }
    }
    Cow::Borrowed(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_make_no_difference() {
        for (id, expected) in [
            ("01KF8JCEOCBS0045PS@xxx.example", "01KF8JCEOCBS0045PS@xxx.example"),
            ("\"01KF8JCEOCBS0045PS\"@xxx.example", "01KF8JCEOCBS0045PS@xxx.example"),
            ("\"a\\\"b\"@c", "a\"b@c"),
            ("\"never closed@c", "\"never closed@c"),
            ("", ""),
        ] {
            assert_eq!(normal_message_id(id), expected);
        }
    }

    fn check(value: &[u8], expected: &[&str]) {
        assert_eq!(parse_message_ids(value), expected, "{}", String::from_utf8_lossy(value));
    }

    #[test]
    fn identifiers() {
        check(b" <a@b>", &["a@b"]);
        check(b"<a@b>\r\n <c@d>\r\n\t<e@f>", &["a@b", "c@d", "e@f"]);
        check(b"Your message of Monday <a@b> (yes, <not@me>)", &["a@b"]);
        check(b"<a@ b>", &["a@b"]);
        check(b"\"<x@y>\" <a@b", &[]);
        check(b"<<a@b>>", &["a@b"]);
        check(b"", &[]);
    }

    #[test]
    fn one_identifier() {
        assert_eq!(parse_message_id(b" <a@b> <c@d>").as_deref(), Some("a@b"));
        assert_eq!(parse_message_id(b" a@b").as_deref(), Some("a@b"));
        assert_eq!(parse_message_id(b" two words"), None);
        assert_eq!(parse_message_id(b""), None);
    }

    #[test]
    fn the_first_of_many_is_found() {
        let value: String = (0..1_000).map(|at| format!("<{at}@x>")).collect();
        assert_eq!(first_message_id(value.as_bytes()).as_deref(), Some("0@x"));
        assert_eq!(first_message_id(b"<> words <a@b>").as_deref(), Some("a@b"));
        assert_eq!(first_message_id(b"words"), None);
    }

    #[test]
    fn the_newest_are_kept() {
        let value: String = (0..1_000).map(|at| format!("<{at}@x>")).collect();
        let ids = parse_message_ids(value.as_bytes());
        assert_eq!(ids.len(), MAX_MESSAGE_IDS);
        assert_eq!(ids.last().map(String::as_str), Some("999@x"));
    }
}
