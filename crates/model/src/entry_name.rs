//! Names of annotations on mailboxes and on the server (RFC 5464).

use std::fmt;

use thiserror::Error;

/// Longest name, in octets. RFC 5464 sets no bound.
pub const MAX_ENTRY_NAME_BYTES: usize = 255;
/// Longest value of an annotation, in octets; RFC 5464 §4.1 asks for 1,024 at least.
pub const MAX_ANNOTATION_BYTES: usize = 64 * 1024;

/// Who sees an annotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryScope {
    /// The account that set it.
    Private,
    /// Everybody who may look at the place.
    Shared,
}

/// The name of an annotation, such as `/private/comment`, in lower case: names are compared without regard to case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryName {
    scope: EntryScope,
    /// What follows the scope, from its slash on.
    path: String,
}

/// Why a text is no name of an annotation.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum EntryNameError {
    /// It begins neither with `/private/` nor with `/shared/` (RFC 5464 §6).
    #[error("the name of an annotation begins with /private/ or /shared/")]
    NoScope,
    /// It has a character that no name may have, two slashes in a row, or one at its end.
    #[error("the name of an annotation is made of words in ASCII, divided by slashes")]
    BadCharacter,
    /// It is too long.
    #[error("the name of an annotation has at most {MAX_ENTRY_NAME_BYTES} octets")]
    TooLong,
}

impl EntryName {
    /// Reads a name. RFC 5464 §4.1: no `*`, no `%`, no control characters, nothing beyond ASCII, no empty component.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, EntryNameError> {
        if text.len() > MAX_ENTRY_NAME_BYTES {
            return Err(EntryNameError::TooLong);
        }
        let folded = text.to_ascii_lowercase();
        let (scope, path) = match (folded.strip_prefix("/private"), folded.strip_prefix("/shared")) {
            (Some(path), _) => (EntryScope::Private, path),
            (_, Some(path)) => (EntryScope::Shared, path),
            _ => return Err(EntryNameError::NoScope),
        };
        let Some(words) = path.strip_prefix('/') else {
            return Err(EntryNameError::NoScope);
        };
        let allowed = |byte: u8| (0x20..0x7f).contains(&byte) && byte != b'*' && byte != b'%';
        if !path.bytes().all(allowed) || words.split('/').any(str::is_empty) {
            return Err(EntryNameError::BadCharacter);
        }
        Ok(Self { scope, path: path.to_owned() })
    }

    /// A name from its parts, as [`Self::scope`] and [`Self::path`] give them.
    ///
    /// # Errors
    /// When that is none.
    pub fn from_parts(scope: EntryScope, path: &str) -> Result<Self, EntryNameError> {
        Self::parse(&format!("{}{path}", scope_text(scope)))
    }

    /// Who sees it.
    pub fn scope(&self) -> EntryScope {
        self.scope
    }

    /// What follows the scope, such as `/comment`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// How many levels this name lies below `other`; zero if they are the same, `None` if it does not.
    pub fn levels_below(&self, other: &Self) -> Option<usize> {
        if self.scope != other.scope {
            return None;
        }
        match self.path.strip_prefix(&other.path)? {
            "" => Some(0),
            rest if rest.starts_with('/') => Some(rest.bytes().filter(|byte| *byte == b'/').count()),
            _ => None,
        }
    }
}

fn scope_text(scope: EntryScope) -> &'static str {
    match scope {
        EntryScope::Private => "/private",
        EntryScope::Shared => "/shared",
    }
}

impl fmt::Display for EntryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(scope_text(self.scope))?;
        f.write_str(&self.path)
    }
}

impl fmt::Debug for EntryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, EntryNameError>) {
        let read = EntryName::parse(text).map(|name| name.to_string());
        assert_eq!(read, expected.map(str::to_owned), "{text}");
    }

    #[test]
    fn names() {
        check("/private/comment", Ok("/private/comment"));
        check("/Shared/Vendor/Cmu/x y", Ok("/shared/vendor/cmu/x y"));
        for text in ["", "comment", "/", "/private", "/privatecomment", "/other/x", "private/x"] {
            check(text, Err(EntryNameError::NoScope));
        }
        for text in ["/private/", "/private//x", "/private/x/", "/shared/*", "/shared/a%", "/shared/\u{1}", "/shared/ä"]
        {
            check(text, Err(EntryNameError::BadCharacter));
        }
        check(&format!("/private/{}", "x".repeat(MAX_ENTRY_NAME_BYTES)), Err(EntryNameError::TooLong));
    }

    #[test]
    fn levels() {
        let name = |text| EntryName::parse(text).unwrap();
        for (text, levels) in [
            ("/private/a", Some(0)),
            ("/private/a/b", Some(1)),
            ("/private/a/b/c", Some(2)),
            ("/private/ab", None),
            ("/shared/a/b", None),
            ("/private/b", None),
        ] {
            assert_eq!(name(text).levels_below(&name("/private/a")), levels, "{text}");
        }
        assert_eq!(EntryName::from_parts(EntryScope::Shared, "/a/b"), Ok(name("/shared/a/b")));
    }
}
