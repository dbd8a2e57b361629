//! What is wrong with a request.

use thiserror::Error;

use super::reply::Reply;

/// What is wrong with a request. The connection ends with it.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is not what RFC 9112 has, or could be read in two ways.
    #[error("malformed: {0}")]
    Malformed(&'static str),
    /// Its head is too long, or has too many fields.
    #[error("the head is too long")]
    HeadTooLong,
    /// Its first line is too long.
    #[error("the target is too long")]
    TargetTooLong,
    /// Its body is too long.
    #[error("the body is too long")]
    BodyTooLong,
    /// There are no such methods or encodings here.
    #[error("not implemented")]
    NotImplemented,
    /// It is of a version that is not spoken here.
    #[error("another version of HTTP")]
    Version,
    /// It waits for something that it does not get.
    #[error("an expectation that cannot be met")]
    Expectation,
    /// It took too long.
    #[error("too slow")]
    TooSlow,
}

impl Fault {
    /// What the client is told.
    pub(crate) fn reply(self) -> Reply {
        Reply::plain(match self {
            Self::Malformed(_) => 400,
            Self::TooSlow => 408,
            Self::BodyTooLong => 413,
            Self::TargetTooLong => 414,
            Self::Expectation => 417,
            Self::HeadTooLong => 431,
            Self::NotImplemented => 501,
            Self::Version => 505,
        })
    }
}
