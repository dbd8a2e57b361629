//! Names of mailboxes, in the form in which they are stored.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

/// What separates the levels of a mailbox name.
pub const HIERARCHY_DELIMITER: char = '/';
/// Longest name, in bytes of UTF-8.
pub const MAX_MAILBOX_NAME_BYTES: usize = 1000;
/// Most levels in a name.
pub const MAX_MAILBOX_LEVELS: usize = 32;
/// Above the mailboxes of other users (RFC 2342 §4): `Users/ann@example.org/INBOX`.
pub const OTHER_USERS: &str = "Users";
/// Above the mailboxes that are everybody's (RFC 2342 §4): `Shared/Support`.
pub const SHARED: &str = "Shared";
const INBOX: &str = "INBOX";

/// Why a text cannot name a mailbox.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum MailboxNameError {
    /// Nothing there, or a level with nothing in it.
    #[error("a mailbox name has no empty levels")]
    Empty,
    /// More than [`MAX_MAILBOX_NAME_BYTES`].
    #[error("a mailbox name has at most {MAX_MAILBOX_NAME_BYTES} bytes")]
    TooLong,
    /// More than [`MAX_MAILBOX_LEVELS`].
    #[error("a mailbox name has at most {MAX_MAILBOX_LEVELS} levels")]
    TooDeep,
    /// A control character, or one of the wildcards `*` and `%`, or U+2028/2029 (RFC 5198 §2).
    #[error("a mailbox name has no control characters and no * or %")]
    BadCharacter,
}

/// A name in UTF-8, levels separated by `/`, `INBOX` in upper case wherever it is the first level.
///
/// Names never reach a file system, so `..` is a name like any other.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MailboxName(Arc<str>);

impl MailboxName {
    /// Checks and normalises `text`. One delimiter at the end is dropped: it says that the client means to
    /// create children (RFC 9051 §6.3.4).
    pub fn parse(text: &str) -> Result<Self, MailboxNameError> {
        let text = text.strip_suffix(HIERARCHY_DELIMITER).unwrap_or(text);
        if text.len() > MAX_MAILBOX_NAME_BYTES {
            return Err(MailboxNameError::TooLong);
        }
        if text.split(HIERARCHY_DELIMITER).any(str::is_empty) {
            return Err(MailboxNameError::Empty);
        }
        if text.split(HIERARCHY_DELIMITER).count() > MAX_MAILBOX_LEVELS {
            return Err(MailboxNameError::TooDeep);
        }
        if text.chars().any(|c| c.is_control() || "*%\u{2028}\u{2029}".contains(c)) {
            return Err(MailboxNameError::BadCharacter);
        }
        let (first, rest) = text.split_at(text.find(HIERARCHY_DELIMITER).unwrap_or(text.len()));
        if first.eq_ignore_ascii_case(INBOX) {
            Ok(Self(format!("{INBOX}{rest}").into()))
        } else {
            Ok(Self(text.into()))
        }
    }

    /// The mailbox in which mail arrives.
    pub fn inbox() -> Self {
        Self(INBOX.into())
    }

    /// Whether this is [`Self::inbox`] itself.
    pub fn is_inbox(&self) -> bool {
        &*self.0 == INBOX
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name one level up, if there is one.
    pub fn parent(&self) -> Option<Self> {
        self.0.rfind(HIERARCHY_DELIMITER).map(|at| Self(self.0[..at].into()))
    }

    /// Whether the name is in a namespace of others (RFC 2342 §4): of other users, or of everybody.
    pub fn is_of_others(&self) -> bool {
        let below =
            |prefix| self.0.strip_prefix(prefix).is_some_and(|rest: &str| rest.starts_with(HIERARCHY_DELIMITER));
        below(OTHER_USERS) || below(SHARED)
    }

    /// Whether `self` lies somewhere below `other`.
    pub fn is_below(&self, other: &Self) -> bool {
        self.0.strip_prefix(&*other.0).is_some_and(|rest| rest.starts_with(HIERARCHY_DELIMITER))
    }

    /// `self` with its beginning `old`, which it equals or lies below, replaced by `new`.
    pub fn moved(&self, old: &Self, new: &Self) -> Result<Self, MailboxNameError> {
        let rest = self.0.strip_prefix(&*old.0).unwrap_or_default();
        Self::parse(&format!("{new}{rest}"))
    }
}

impl fmt::Display for MailboxName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for MailboxName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> MailboxName {
        MailboxName::parse(text).unwrap()
    }

    #[test]
    fn inbox_is_one_whatever_its_case() {
        assert!(name("inbox").is_inbox());
        assert_eq!(name("InBox/a").as_str(), "INBOX/a");
        assert_eq!(name("a/inbox").as_str(), "a/inbox");
        assert_eq!(name("inboxes").as_str(), "inboxes");
    }

    #[test]
    fn bad_names_are_refused() {
        let deep = vec!["a"; MAX_MAILBOX_LEVELS + 1].join("/");
        for bad in ["", "/", "/a", "a//b", "a\0b", "a\r\nb", "a*", "%", "\u{85}", &deep, &"x".repeat(1001)] {
            assert!(MailboxName::parse(bad).is_err(), "{bad:?}");
        }
        for good in ["..", "../../etc/passwd", "a/", "a b", "Entwürfe", "&", "~peter"] {
            assert!(MailboxName::parse(good).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn hierarchy() {
        assert!(name("a/b/c").is_below(&name("a")));
        assert!(!name("ab").is_below(&name("a")));
        assert_eq!(name("a/b").parent(), Some(name("a")));
        assert_eq!(name("a/b/c").moved(&name("a/b"), &name("x")).unwrap(), name("x/c"));
    }
}
