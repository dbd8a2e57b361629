//! What the Content-* fields of a part say (RFC 2045, RFC 2183).

use crate::charset::{text_from_raw, truncate_bytes};
use crate::header::unfold;
use crate::limits::{MAX_LANGUAGES, MAX_PART_FIELD_BYTES, MAX_TOKEN_BYTES};
use crate::parameters::{Parameter, parse_parameters};
use crate::structure::Disposition;
use crate::token::{Cursor, is_token_octet};

/// A Content-Type.
#[derive(Debug)]
pub(crate) struct ContentType {
    pub media_type: String,
    pub media_subtype: String,
    pub parameters: Vec<Parameter>,
}

impl ContentType {
    pub fn new(media_type: &str, media_subtype: &str) -> Self {
        Self { media_type: media_type.to_owned(), media_subtype: media_subtype.to_owned(), parameters: Vec::new() }
    }
}

/// `type "/" subtype *(";" parameter)`. None where the field is not that; RFC 2045 §5.2 then wants the default.
pub(crate) fn content_type(value: &[u8]) -> Option<ContentType> {
    let value = unfold(value);
    let mut cursor = Cursor::new(&value);
    cursor.skip_cfws();
    let media_type = token(&mut cursor)?;
    cursor.skip_cfws();
    if !cursor.take(b'/') {
        return None;
    }
    cursor.skip_cfws();
    let media_subtype = token(&mut cursor)?;
    Some(ContentType { media_type, media_subtype, parameters: parse_parameters(&mut cursor) })
}

/// `type *(";" parameter)` of RFC 2183 §2.
pub(crate) fn disposition(value: &[u8]) -> Option<Disposition> {
    let value = unfold(value);
    let mut cursor = Cursor::new(&value);
    cursor.skip_cfws();
    let kind = token(&mut cursor)?;
    Some(Disposition { kind, parameters: parse_parameters(&mut cursor) })
}

/// RFC 2045 §6.1: one token. Without a usable one the encoding is `7bit`.
pub(crate) fn encoding(value: &[u8]) -> Option<String> {
    let value = unfold(value);
    let mut cursor = Cursor::new(&value);
    cursor.skip_cfws();
    if cursor.peek() == Some(b'"') {
        let quoted = cursor.quoted_string();
        return token(&mut Cursor::new(&quoted));
    }
    token(&mut cursor)
}

/// RFC 3282 §2: language tags with commas between them.
pub(crate) fn languages(value: &[u8]) -> Vec<String> {
    let value = unfold(value);
    let mut cursor = Cursor::new(&value);
    let mut languages = Vec::new();
    while languages.len() < MAX_LANGUAGES && !cursor.is_at_end() {
        cursor.skip_cfws();
        languages.extend(token(&mut cursor));
        cursor.take_while(|octet| octet != b',');
        cursor.bump();
    }
    languages
}

/// A field that is kept as text, such as Content-Description.
pub(crate) fn text(value: &[u8]) -> String {
    truncate_bytes(text_from_raw(&unfold(value)), MAX_PART_FIELD_BYTES)
}

fn token(cursor: &mut Cursor<'_>) -> Option<String> {
    let token = cursor.take_while(is_token_octet);
    if token.is_empty() || token.len() > MAX_TOKEN_BYTES || !token.is_ascii() {
        return None;
    }
    Some(text_from_raw(token).to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &[u8], expected: Option<(&str, &str)>) {
        let parsed = content_type(value);
        let parsed = parsed.as_ref().map(|one| (one.media_type.as_str(), one.media_subtype.as_str()));
        assert_eq!(parsed, expected, "{}", String::from_utf8_lossy(value));
    }

    #[test]
    fn content_types() {
        check(b" TEXT/Html; charset=x", Some(("text", "html")));
        check(b"(a) text (b) / (c) plain (d)", Some(("text", "plain")));
        check(b"text/plain;", Some(("text", "plain")));
        check(b"text", None);
        check(b"", None);
        check(b"/plain", None);
        check(b"text/", None);
        check(b"=?utf-8?q?x?=/y", None);
        check(b"\r\n text/\r\n plain", Some(("text", "plain")));
    }

    #[test]
    fn encodings_dispositions_languages() {
        assert_eq!(encoding(b" Base64 (really)").as_deref(), Some("base64"));
        assert_eq!(encoding(b"\"quoted-printable\"").as_deref(), Some("quoted-printable"));
        assert_eq!(encoding(b""), None);
        assert_eq!(disposition(b"ATTACHMENT; filename=x").map(|one| one.kind).as_deref(), Some("attachment"));
        assert!(disposition(b"; filename=x").is_none());
        assert_eq!(languages(b"de, en-GB (really)"), ["de", "en-gb"]);
        assert_eq!(languages(&b"x,".repeat(1_000)).len(), MAX_LANGUAGES);
    }
}
