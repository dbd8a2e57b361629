//! From octets in some character set to text.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, WINDOWS_1252};

/// Decodes octets labelled with a character set; `max_chars` bounds the result.
///
/// An unknown or missing label, and `us-ascii`, mean UTF-8 where the octets are valid UTF-8 and windows-1252 where they
/// are not: mail without a usable label is one of the two more often than anything else. Malformed sequences become
/// U+FFFD.
#[must_use]
pub fn decode_charset(label: Option<&str>, octets: &[u8], max_chars: usize) -> String {
    // No character set decodes to more than one character an octet, and none of those in mail needs more than eight
    // octets for one; the second bound keeps a short answer cheap.
    let octets = &octets[..octets.len().min(max_chars.saturating_mul(8))];
    let text = match label.and_then(encoding_for) {
        Some(encoding) => encoding.decode(octets).0,
        None => guess(octets),
    };
    truncate_chars(text, max_chars)
}

/// Whether the label names a character set that can be decoded. RFC 9051 §7.1: BADCHARSET.
#[must_use]
pub fn is_known_charset(label: &str) -> bool {
    encoding_for(label).is_some() || is_ascii_label(label)
}

/// Raw octets of a header: UTF-8 (RFC 6532) or else windows-1252.
pub(crate) fn text_from_raw(octets: &[u8]) -> String {
    let mut text = guess(octets).into_owned();
    if memchr::memchr(0, octets).is_some() {
        text.retain(|character| character != '\0');
    }
    text
}

/// At most `max` octets of `text`, cut between characters.
pub(crate) fn truncate_bytes(mut text: String, max: usize) -> String {
    text.truncate(text.floor_char_boundary(max));
    text
}

fn guess(octets: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(octets) {
        Ok(text) => Cow::Borrowed(text),
        // A sequence that the end cuts off does not make the text something else than UTF-8.
        Err(error) if error.error_len().is_none() && error.valid_up_to() > 0 => {
            UTF_8.decode_without_bom_handling(octets).0
        }
        Err(_) => WINDOWS_1252.decode_without_bom_handling(octets).0,
    }
}

fn encoding_for(label: &str) -> Option<&'static Encoding> {
    let label = label.trim();
    if is_ascii_label(label) {
        return None;
    }
    if label.eq_ignore_ascii_case("utf-16") {
        // RFC 2781 §4.3: without a byte order mark it is big-endian. A mark is honoured by `decode`.
        return Some(UTF_16BE);
    }
    // The Encoding Standard's labels, then names that only mail uses.
    Encoding::for_label_no_replacement(label.as_bytes()).or_else(|| {
        let label = label.to_ascii_lowercase();
        let alias = match label.as_str() {
            "utf8mb4" | "utf-8-mac" | "unicode-1-1-utf-8" | "cp65001" => "utf-8",
            "cp1252" | "ansi" | "x-ansi" | "windows1252" => "windows-1252",
            "cp1250" | "windows1250" => "windows-1250",
            "cp1251" | "windows1251" => "windows-1251",
            "gb_2312-80" | "cp936" | "euc-cn" | "x-gb2312" => "gbk",
            "cp932" | "ms932" | "windows-932" => "shift_jis",
            "cp949" | "ks_c_5601" | "uhc" => "euc-kr",
            "cp950" => "big5",
            "iso-2022-jp-ms" | "iso-2022-jp-1" | "iso-2022-jp-2" | "iso-2022-jp-3" | "cp50220" => "iso-2022-jp",
            _ => return None,
        };
        Encoding::for_label(alias.as_bytes())
    })
}

fn is_ascii_label(label: &str) -> bool {
    ["us-ascii", "ascii", "ansi_x3.4-1968", "iso646-us", "unknown-8bit", "default", "7bit", "8bit"]
        .iter()
        .any(|known| label.trim().eq_ignore_ascii_case(known))
}

fn truncate_chars(text: Cow<'_, str>, max_chars: usize) -> String {
    if text.len() <= max_chars {
        return text.into_owned();
    }
    match text.char_indices().nth(max_chars) {
        Some((at, _)) => text[..at].to_owned(),
        None => text.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(label: Option<&str>, octets: &[u8], expected: &str) {
        assert_eq!(decode_charset(label, octets, 1_000), expected, "{label:?}");
    }

    #[test]
    fn labels_and_guesses() {
        check(Some("utf-8"), "grün".as_bytes(), "grün");
        check(Some("ISO-8859-1"), b"gr\xfcn", "grün");
        check(Some("koi8-r"), b"\xf0\xf2\xe9", "ПРИ");
        check(Some("us-ascii"), b"gr\xfcn", "grün");
        check(Some("no-such-set"), "grün".as_bytes(), "grün");
        check(None, b"gr\xfcn", "grün");
        check(Some("utf-16"), b"\xfe\xff\0a", "a");
        check(Some("iso-2022-jp"), b"\x1b$B$\"\x1b(B", "あ");
        check(Some("utf-8"), b"a\xffb", "a\u{fffd}b");
    }

    #[test]
    fn the_result_is_bounded() {
        assert_eq!(decode_charset(Some("utf-8"), "ääää".as_bytes(), 2), "ää");
        assert_eq!(decode_charset(None, &[b'x'; 5_000], 10), "xxxxxxxxxx");
        assert!(is_known_charset("UTF-8") && is_known_charset("US-ASCII") && !is_known_charset("klingon"));
    }
}
