//! Mail that is to wait before it is delivered (RFC 4865).

use std::fmt;

use crate::time::UnixMillis;

/// How long a message is to wait, as its sender said it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldRequest {
    /// For so many seconds, 1 to 999,999,999.
    For(u32),
    /// Until this time.
    Until(UnixMillis),
}

impl HoldRequest {
    /// Reads what [`fmt::Display`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(';')? {
            ("for", seconds) => seconds.parse().ok().map(Self::For),
            ("until", date) => UnixMillis::from_rfc3339(date).map(Self::Until),
            _ => None,
        }
    }
}

impl fmt::Display for HoldRequest {
    /// `orig-hold-param-value` of RFC 4865 §5.1.2.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::For(seconds) => write!(f, "for;{seconds}"),
            Self::Until(at) => write!(f, "until;{}", at.to_rfc3339()),
        }
    }
}

/// When a message is to be let go, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FutureRelease {
    /// What its sender said.
    pub request: HoldRequest,
    /// What that comes to, or when it was let go earlier.
    pub at: UnixMillis,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_as_they_are_written() {
        for text in ["for;1", "for;999999999", "until;2023-11-14T22:13:20Z", "until;2023-11-14T22:13:20.250Z"] {
            assert_eq!(HoldRequest::parse(text).map(|request| request.to_string()), Some(text.to_owned()));
        }
        for text in ["", "for", "for;", "for;-1", "for;99999999999", "until;now", "FOR;1"] {
            assert_eq!(HoldRequest::parse(text), None, "{text}");
        }
    }
}
