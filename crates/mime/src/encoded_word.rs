//! Encoded words in header fields (RFC 2047).

use crate::charset::{decode_charset, text_from_raw};
use crate::header::unfold;
use crate::transfer::{decode_base64, decode_quoted_printable};

/// Octets of an encoded word that are believed. RFC 2047 §2 allows 75, but longer ones are common.
const MAX_ENCODED_WORD_BYTES: usize = 4_096;

/// The text of a field value as a person should read it, folded or not: encoded words decoded, white space between two
/// of them dropped (RFC 2047 §6.2), raw octets taken for UTF-8 or else windows-1252. At most `max_chars` characters.
///
/// Words that continue one another in the same character set and encoding are decoded together, because many writers
/// cut in the middle of a character.
#[must_use]
pub fn decode_header_text(value: &[u8], max_chars: usize) -> String {
    let value = unfold(value);
    let mut text = String::new();
    let mut run: Option<Run> = None;
    let mut rest: &[u8] = &value;
    // Octets not yet written that stand before `rest`.
    let mut plain_start: &[u8] = &value;
    let mut chars_written = 0;
    while chars_written < max_chars {
        let Some(at) = memchr::memmem::find(rest, b"=?") else { break };
        let Some((word, length)) = EncodedWord::read(&rest[at..]) else {
            rest = &rest[at + 2..];
            continue;
        };
        let plain = &plain_start[..plain_start.len() - rest.len() + at];
        let adjacent = plain.iter().all(|octet| matches!(octet, b' ' | b'\t'));
        rest = &rest[at + length..];
        plain_start = rest;
        run = match run {
            Some(mut run) if adjacent && run.continues(&word) => {
                run.octets.extend(word.octets);
                Some(run)
            }
            previous => {
                let follows_word = previous.is_some();
                chars_written += flush(&mut text, previous, max_chars);
                if !(adjacent && follows_word) {
                    chars_written += push_raw(&mut text, plain);
                }
                Some(Run { charset: word.charset, octets: word.octets })
            }
        };
    }
    chars_written += flush(&mut text, run, max_chars);
    if chars_written < max_chars {
        push_raw(&mut text, plain_start);
    }
    match text.char_indices().nth(max_chars) {
        Some((at, _)) => {
            text.truncate(at);
            text
        }
        None => text,
    }
}

/// Encoded words that are one text.
struct Run {
    charset: String,
    octets: Vec<u8>,
}

impl Run {
    fn continues(&self, word: &EncodedWord) -> bool {
        // ISO-2022 character sets start each word in ASCII anew, so joining them is harmless too.
        self.charset.eq_ignore_ascii_case(&word.charset)
    }
}

fn flush(text: &mut String, run: Option<Run>, max_chars: usize) -> usize {
    let Some(run) = run else { return 0 };
    let decoded = decode_charset(Some(&run.charset), &run.octets, max_chars);
    let before = text.len();
    // A decoded word must not bring line ends or NUL into a header.
    text.extend(decoded.chars().map(|character| if matches!(character, '\r' | '\n' | '\0') { ' ' } else { character }));
    text[before..].chars().count()
}

fn push_raw(text: &mut String, octets: &[u8]) -> usize {
    let raw = text_from_raw(octets);
    text.push_str(&raw);
    raw.chars().count()
}

struct EncodedWord {
    charset: String,
    octets: Vec<u8>,
}

impl EncodedWord {
    /// `"=?" charset ["*" language] "?" encoding "?" encoded-text "?="` at the start of `input`, and its length. Spaces
    /// in the text are wrong (RFC 2047 §2) but seen.
    fn read(input: &[u8]) -> Option<(Self, usize)> {
        let window = &input[..input.len().min(MAX_ENCODED_WORD_BYTES)];
        let body = window.strip_prefix(b"=?")?;
        let charset_end = memchr::memchr(b'?', body)?;
        let charset = std::str::from_utf8(&body[..charset_end]).ok()?;
        // RFC 2231 §5.
        let charset = charset.split('*').next().unwrap_or_default();
        if charset.is_empty() || !charset.bytes().all(|octet| octet.is_ascii_graphic()) {
            return None;
        }
        let [encoding, b'?', encoded @ ..] = &body[charset_end + 1..] else { return None };
        let encoded_end = memchr::memmem::find(encoded, b"?=")?;
        let encoded_text = &encoded[..encoded_end];
        let octets = match encoding.to_ascii_lowercase() {
            b'b' => decode_base64(encoded_text),
            // RFC 2047 §4.2: `_` is a space. The octet after the text keeps a last space from being trimmed.
            b'q' => decode_q(encoded_text),
            _ => return None,
        };
        let length = 2 + charset_end + 1 + 2 + encoded_end + 2;
        Some((Self { charset: charset.to_owned(), octets }, length))
    }
}

fn decode_q(encoded_text: &[u8]) -> Vec<u8> {
    let spaced: Vec<u8> = encoded_text.iter().map(|octet| if *octet == b'_' { b' ' } else { *octet }).collect();
    let kept = spaced.trim_ascii_end().len();
    let mut octets = decode_quoted_printable(&spaced[..kept]);
    octets.extend_from_slice(&spaced[kept..]);
    octets
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(value: &[u8], expected: &str) {
        assert_eq!(decode_header_text(value, 1_000), expected, "{}", String::from_utf8_lossy(value));
    }

    #[test]
    fn words() {
        check(b"plain", "plain");
        check(b"=?utf-8?q?gr=C3=BCn?=", "grün");
        check(b"=?UTF-8?B?Z3LDvG4=?= day", "grün day");
        check(b"a =?iso-8859-1?Q?b_c?= d", "a b c d");
        check(b"=?us-ascii*en?q?hi?=", "hi");
        check(b"(=?iso-8859-1?q?a?=)", "(a)");
    }

    #[test]
    fn space_between_words_goes() {
        check(b"=?utf-8?q?a?= =?utf-8?q?b?=", "ab");
        check(b"=?utf-8?q?a?=\r\n =?iso-8859-1?q?b?=", "ab");
        check(b"=?utf-8?q?a_?= =?utf-8?q?b?=", "a b");
        check(b"=?utf-8?q?a?= x =?utf-8?q?b?=", "a x b");
        check(b"=?utf-8?q?a?==?utf-8?q?b?=", "ab");
    }

    #[test]
    fn characters_cut_in_two() {
        check(b"=?utf-8?q?gr=C3?= =?utf-8?q?=BCn?=", "grün");
        check(b"=?utf-8?b?4oI=?= =?UTF-8?b?rA==?=", "€");
    }

    #[test]
    fn what_is_no_word_stays() {
        check(b"=?", "=?");
        check(b"=?utf-8?x?a?=", "=?utf-8?x?a?=");
        check(b"=?utf-8?q?a", "=?utf-8?q?a");
        check(b"=??q?a?=", "=??q?a?=");
        check(b"2+2=?=4", "2+2=?=4");
        check("grün".as_bytes(), "grün");
        check(b"gr\xfcn", "grün");
    }

    #[test]
    fn line_ends_and_nul_do_not_come_in() {
        check(b"=?utf-8?q?a=0D=0ABcc:_x=00?=", "a  Bcc: x ");
    }

    #[test]
    fn the_result_is_bounded() {
        assert_eq!(decode_header_text("ääää".as_bytes(), 2), "ää");
        assert_eq!(decode_header_text(b"=?utf-8?q?abcdef?= x", 3), "abc");
        let hostile = b"=?utf-8?q?".repeat(20_000);
        assert_eq!(decode_header_text(&hostile, 10).chars().count(), 10);
    }

    proptest! {
        #[test]
        fn nothing_panics(value in "(=\\?|\\?=|utf-8|\\?q\\?|\\?b\\?|[ -~]| |=C3){0,40}", max in 0_usize..50) {
            prop_assert!(decode_header_text(value.as_bytes(), max).chars().count() <= max);
        }
    }
}
