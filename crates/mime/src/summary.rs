//! What searching, sorting and threading ask of a message.

use crate::date::DateTime;
use crate::encoded_word::decode_header_text;
use crate::message_id::{parse_message_id, parse_message_ids};
use crate::preview::preview;
use crate::structure::Structure;

/// Characters of a subject that are kept decoded.
const MAX_SUBJECT_CHARS: usize = 998;

/// A few facts of a message, read once at delivery.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// The Date field; None where it is missing or no date. RFC 5256 §2.2 and SENTBEFORE then use the internal date.
    pub sent: Option<DateTime>,
    /// The Subject field decoded; empty where it is missing. At most 998 characters.
    pub subject: String,
    /// The Message-ID without angle brackets.
    pub message_id: Option<String>,
    /// The identifiers of In-Reply-To without angle brackets.
    pub in_reply_to: Vec<String>,
    /// The identifiers of References without angle brackets, oldest first.
    pub references: Vec<String>,
    /// The first words of the text; see [`preview`](crate::preview()).
    pub preview: String,
}

impl Summary {
    /// Reads the facts. `raw` is the message that `structure` was made from.
    #[must_use]
    pub fn new(structure: &Structure, raw: &[u8]) -> Self {
        Self { preview: preview(structure, raw), ..Self::of_header(structure, raw) }
    }

    /// Reads the facts that are in the header, so without a preview. `header` holds the header of the message that
    /// `structure` was made from, and may end behind it.
    #[must_use]
    pub fn of_header(structure: &Structure, header: &[u8]) -> Self {
        let value = |name| structure.root().field_value(header, name);
        Self {
            sent: value("date").and_then(DateTime::parse),
            subject: value("subject").map(|value| decode_header_text(value, MAX_SUBJECT_CHARS)).unwrap_or_default(),
            message_id: value("message-id").and_then(parse_message_id),
            in_reply_to: value("in-reply-to").map(parse_message_ids).unwrap_or_default(),
            references: value("references").map(parse_message_ids).unwrap_or_default(),
            preview: String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts() {
        let raw = b"Date: Thu, 1 Jan 2004 00:00:00 +0000\r\nSubject: =?utf-8?q?gr=C3=BCn?=\r\nMessage-ID: <a@b>\r\n\
            In-Reply-To: <c@d>\r\nReferences: <e@f> <c@d>\r\n\r\nHello";
        let summary = Summary::new(&Structure::parse(raw), raw);
        let expected = Summary {
            sent: Some(DateTime { unix_seconds: 1_072_915_200, offset_minutes: 0 }),
            subject: "grün".to_owned(),
            message_id: Some("a@b".to_owned()),
            in_reply_to: vec!["c@d".to_owned()],
            references: vec!["e@f".to_owned(), "c@d".to_owned()],
            preview: "Hello".to_owned(),
        };
        assert_eq!(summary, expected);
    }

    #[test]
    fn nothing_is_no_fault() {
        assert_eq!(Summary::new(&Structure::parse(b""), b""), Summary::default());
    }
}
