//! A header field that a filter adds.

use thiserror::Error;

/// Longest line without its end, in octets (RFC 5322 §2.1.1).
const MAX_LINE_BYTES: usize = 998;

/// Fields that say who wrote what to whom, of which a message has one at most (RFC 5322 §3.6), and those that say how it
/// came here, in lower case: with another one it would not be what its author wrote.
const NOT_TO_BE_ADDED: [&str; 15] = [
    "bcc",
    "cc",
    "date",
    "delivered-to",
    "from",
    "in-reply-to",
    "message-id",
    "mime-version",
    "received",
    "references",
    "reply-to",
    "return-path",
    "sender",
    "subject",
    "to",
];
/// Beginnings of such names, in lower case.
const NOT_TO_BE_ADDED_FAMILIES: [&str; 2] = ["content-", "resent-"];

/// A header field that a filter adds: one line, that can be nothing but that field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddedField {
    name: String,
    value: String,
}

/// Why something cannot be added.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadField {
    /// The name is none.
    #[error("the name of a field is of printable ASCII without colon")]
    Name,
    /// Filters may not add fields of that name.
    #[error("a field `{0}` is not a filter's to add")]
    NotToBeAdded(String),
    /// The value has line ends, control characters or what is not ASCII in it, or nothing at all.
    #[error("the value of the field `{0}` is not of printable ASCII in one line")]
    Value(String),
    /// The field is too long.
    #[error("the field `{0}` has more than {MAX_LINE_BYTES} octets")]
    TooLong(String),
    /// There are too many fields.
    #[error("there are more than {} fields", super::MAX_ADDED_FIELDS)]
    TooMany,
}

impl AddedField {
    /// The field of this name and value, which are taken as they are: what is not ASCII has to be encoded already.
    ///
    /// # Errors
    /// When it would not be one field in one line, or is one that is not a filter's to add.
    pub fn new(name: &str, value: &str) -> Result<Self, BadField> {
        // RFC 5322 §2.2: printable characters but the colon.
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
        // So that what is said of a name is never longer than a line.
        if !is_name || name.len() > MAX_LINE_BYTES {
            return Err(BadField::Name);
        }
        let folded = name.to_ascii_lowercase();
        let is_of_family = NOT_TO_BE_ADDED_FAMILIES.iter().any(|family| folded.starts_with(family));
        if is_of_family || NOT_TO_BE_ADDED.contains(&folded.as_str()) {
            return Err(BadField::NotToBeAdded(name.to_owned()));
        }
        let value = value.trim_matches([' ', '\t']);
        if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ' || byte == b'\t') {
            return Err(BadField::Value(name.to_owned()));
        }
        if name.len() + ": ".len() + value.len() > MAX_LINE_BYTES {
            return Err(BadField::TooLong(name.to_owned()));
        }
        Ok(Self { name: name.to_owned(), value: value.to_owned() })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its value.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The field as it stands in a header, line end included.
    pub(crate) fn line(&self) -> String {
        format!("{}: {}\r\n", self.name, self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_one_line() {
        let field = AddedField::new("X-Spam", " yes, 9.1\t(of 5) ").unwrap();
        assert_eq!(field.line(), "X-Spam: yes, 9.1\t(of 5)\r\n");
        let longest = "a".repeat(MAX_LINE_BYTES - "X: ".len());
        assert_eq!(AddedField::new("X", &longest).unwrap().line().len(), MAX_LINE_BYTES + 2);
        assert_eq!(AddedField::new("X", &(longest + "a")), Err(BadField::TooLong("X".to_owned())));
    }

    #[test]
    fn nothing_is_smuggled_in() {
        for value in ["x\r\nBcc: y@z", "x\nBcc: y@z", "x\rBcc: y@z", "x\r\n y", "x\r\n\r\nbody", "x\0", "ä", "", " \t"]
        {
            assert_eq!(AddedField::new("X-Spam", value), Err(BadField::Value("X-Spam".to_owned())), "{value:?}");
        }
        for name in ["", "X Y", "X:", "X\r\nY", "X\n", "\tX", "X\0", "Ä", &"x".repeat(MAX_LINE_BYTES + 1)] {
            assert_eq!(AddedField::new(name, "x"), Err(BadField::Name), "{name:?}");
        }
        for name in ["From", "REPLY-TO", "received", "Return-Path", "Content-Type", "resent-from", "Bcc"] {
            assert_eq!(AddedField::new(name, "x"), Err(BadField::NotToBeAdded(name.to_owned())), "{name:?}");
        }
    }
}
