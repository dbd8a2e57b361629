//! Header fields as text: encoded (RFC 2047), folded (RFC 5322 §2.2.3), each with its line end.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::address::{Mailbox, is_atom_octet, quote, quote_local_part};

/// Columns at which a line is folded where it can be (RFC 5322 §2.1.1).
const LINE_COLUMNS: usize = 78;

/// Octets beyond which an ASCII word cannot stand in a line and is encoded instead (RFC 5322 §2.1.1 allows 998).
const MAX_WORD_BYTES: usize = 900;

/// Octets of text in one encoded word: `=?utf-8?B?` and `?=` leave 63 of the 75 columns of RFC 2047 §2, which hold 45.
const ENCODED_CHUNK_BYTES: usize = 45;

/// Columns of `=?utf-8?B?` and `?=`.
const ENCODED_WORD_FRAME: usize = 12;

/// Octets that hold any character of UTF-8, in whole groups of base64.
const MIN_CHUNK_BYTES: usize = 6;

/// A field of free text, such as Subject. Text that ASCII cannot say becomes encoded words; line ends and controls
/// become spaces, so that no text can add a field.
#[must_use]
pub fn text_field(name: &str, text: &str) -> String {
    let columns = LINE_COLUMNS.saturating_sub(name.len() + 2);
    fold(name, &text_words(&single_line(text), columns))
}

/// A field of addresses, such as To.
#[must_use]
pub fn address_field(name: &str, mailboxes: &[Mailbox]) -> String {
    let mut words = Vec::new();
    for (at, mailbox) in mailboxes.iter().enumerate() {
        words.extend(mailbox_words(mailbox));
        if let Some(last) = words.last_mut().filter(|_| at + 1 < mailboxes.len()) {
            last.push(',');
        }
    }
    fold(name, &words)
}

/// A field whose value is already in its final form, such as Message-ID. Folded at its spaces; line ends and controls
/// become spaces.
#[must_use]
pub fn structured_field(name: &str, value: &str) -> String {
    let words: Vec<String> = single_line(value).split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
    fold(name, &words)
}

/// `text` with line ends and other controls made spaces.
pub(super) fn single_line(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

fn text_words(text: &str, columns: usize) -> Vec<String> {
    let plain = text.is_ascii() && !text.contains("=?") && text.split(' ').all(|word| word.len() <= MAX_WORD_BYTES);
    if plain { text.split(' ').map(str::to_owned).collect() } else { encoded_words(text, columns) }
}

/// RFC 2047 §2, cut between characters (§5). White space between two words is not part of the text. The first word
/// takes at most `columns`, where it can.
fn encoded_words(text: &str, columns: usize) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text;
    let mut room = (columns.saturating_sub(ENCODED_WORD_FRAME) / 4 * 3).clamp(MIN_CHUNK_BYTES, ENCODED_CHUNK_BYTES);
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(rest.floor_char_boundary(room));
        room = ENCODED_CHUNK_BYTES;
        words.push(format!("=?utf-8?B?{}?=", STANDARD.encode(chunk)));
        rest = after;
    }
    words
}

fn mailbox_words(mailbox: &Mailbox) -> Vec<String> {
    let address = single_line(&format!("{}@{}", quote_local_part(&mailbox.local_part), mailbox.domain));
    let name = mailbox.name.as_deref().map(single_line).filter(|name| !name.trim().is_empty());
    let Some(name) = name else { return vec![address] };
    let is_phrase = name.split(' ').all(|word| !word.is_empty() && word.bytes().all(is_atom_octet));
    let mut words = if !name.is_ascii() || name.contains("=?") || name.len() > MAX_WORD_BYTES {
        encoded_words(&name, LINE_COLUMNS)
    } else if is_phrase {
        name.split(' ').map(str::to_owned).collect()
    } else {
        vec![quote(&name)]
    };
    words.push(format!("<{address}>"));
    words
}

/// `name ": " words CRLF`, a new line before each word that does not fit.
fn fold(name: &str, words: &[String]) -> String {
    let mut field = format!("{name}:");
    let mut column = field.len();
    for (at, word) in words.iter().enumerate() {
        // A fold before an empty word would leave a line of white space only (RFC 5322 §3.2.2).
        if at > 0 && !word.is_empty() && column + 1 + word.len() > LINE_COLUMNS {
            field.push_str("\r\n");
            column = 0;
        }
        field.push(' ');
        field.push_str(word);
        column += 1 + word.len();
    }
    if words.is_empty() {
        field.push(' ');
    }
    field.push_str("\r\n");
    field
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::encoded_word::decode_header_text;

    fn mailbox(name: Option<&str>, local_part: &str) -> Mailbox {
        Mailbox {
            name: name.map(str::to_owned),
            route: None,
            local_part: local_part.to_owned(),
            domain: "example.org".to_owned(),
        }
    }

    #[test]
    fn texts() {
        assert_eq!(text_field("Subject", "hello  world"), "Subject: hello  world\r\n");
        assert_eq!(text_field("Subject", "grün"), "Subject: =?utf-8?B?Z3LDvG4=?=\r\n");
        assert_eq!(text_field("Subject", "a\r\nBcc: x"), "Subject: a  Bcc: x\r\n");
        assert_eq!(text_field("Subject", ""), "Subject: \r\n");
        assert_eq!(text_field("Subject", "=?no?"), "Subject: =?utf-8?B?PT9ubz8=?=\r\n");
    }

    #[test]
    fn addresses() {
        let list = [mailbox(Some("Doe, Jane"), "jane"), mailbox(Some("Jörg"), "j\"org"), mailbox(None, "x")];
        assert_eq!(
            address_field("To", &list),
            "To: \"Doe, Jane\" <jane@example.org>, =?utf-8?B?SsO2cmc=?=\r\n <\"j\\\"org\"@example.org>, x@example.org\r\n"
        );
    }

    #[test]
    fn structured() {
        assert_eq!(structured_field("References", "<a@b>\r\n  <c@d>"), "References: <a@b> <c@d>\r\n");
    }

    proptest! {
        #[test]
        fn text_comes_back(text in "[ -~äöü€😀]{0,200}") {
            let field = text_field("Subject", text.trim());
            for line in field.lines() {
                prop_assert!(line.len() <= LINE_COLUMNS || !line.trim().contains(' '), "{}", line);
            }
            prop_assert!(field.is_ascii());
            let value = field.strip_prefix("Subject:").unwrap();
            prop_assert_eq!(decode_header_text(value.as_bytes(), 1_000), text.trim());
        }

        #[test]
        fn no_text_adds_a_field(text in "\\PC*|[\r\n\0 -~]*") {
            for field in [text_field("A", &text), structured_field("A", &text), address_field("A", &[mailbox(Some(&text), &text)])] {
                prop_assert!(field.ends_with("\r\n"));
                prop_assert!(field.trim_end().split("\r\n").skip(1).all(|line| line.starts_with(' ')));
                prop_assert!(!field.replace("\r\n", "").contains(['\r', '\n', '\0']));
            }
        }
    }
}
