//! With which message a conversation began.

use crate::message_id::{first_message_id, parse_message_id};
use crate::structure::Structure;

/// The identifier of the message with which the conversation of this one began, as far as its own header tells: the
/// oldest of References, else the first of In-Reply-To, else its own (RFC 5322 §3.6.4). None where it has none of them.
///
/// `raw` need not go beyond the header.
#[must_use]
pub fn thread_root(structure: &Structure, raw: &[u8]) -> Option<String> {
    let value = |name| structure.root().field_value(raw, name);
    value("references")
        .and_then(first_message_id)
        .or_else(|| value("in-reply-to").and_then(first_message_id))
        .or_else(|| value("message-id").and_then(parse_message_id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: &str, expected: Option<&str>) {
        let raw = format!("{header}\r\n\r\nReferences: <in@text>");
        assert_eq!(thread_root(&Structure::parse(raw.as_bytes()), raw.as_bytes()).as_deref(), expected, "{header}");
    }

    #[test]
    fn roots() {
        check("Message-ID: <own@x>", Some("own@x"));
        check("Message-ID: <own@x>\r\nIn-Reply-To: <that@x>", Some("that@x"));
        check("Message-ID: <own@x>\r\nIn-Reply-To: <that@x>\r\nReferences:\r\n <root@x> <that@x>", Some("root@x"));
        check("Message-ID: <own@x>\r\nReferences: broken", Some("own@x"));
        check("Subject: x", None);
    }
}
