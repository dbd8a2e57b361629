//! Names of groups of accounts.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

/// Longest name, in bytes.
pub const MAX_GROUP_NAME_BYTES: usize = 64;

/// The name of a group: letters, digits, `.`, `-` and `_` of ASCII, in lower case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupName(Arc<str>);

/// Why a text cannot name a group.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error(
    "a group's name has 1 to {MAX_GROUP_NAME_BYTES} letters, digits, '.', '-' or '_', and begins with a letter or digit"
)]
pub struct BadGroupName;

impl GroupName {
    /// Checks `text` and puts it into lower case.
    pub fn parse(text: &str) -> Result<Self, BadGroupName> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        let begins_well = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        if !begins_well || text.len() > MAX_GROUP_NAME_BYTES || !text.bytes().all(is_plain) {
            return Err(BadGroupName);
        }
        Ok(Self(text.to_ascii_lowercase().into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        for (text, name) in [("sales", "sales"), ("Sales-EU.2", "sales-eu.2"), ("a_b", "a_b")] {
            assert_eq!(GroupName::parse(text).unwrap().as_str(), name);
        }
        for bad in ["", "-a", ".a", "$a", "a b", "a/b", "é", &"x".repeat(MAX_GROUP_NAME_BYTES + 1)] {
            assert_eq!(GroupName::parse(bad), Err(BadGroupName), "{bad:?}");
        }
    }
}
