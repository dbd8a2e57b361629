//! Reading commands: the productions of RFC 9051 §9 and RFC 3501 §9 that several commands share.

pub(crate) mod append;
pub(crate) mod cursor;
pub(crate) mod date;
pub(crate) mod fetch;
pub(crate) mod flags;
pub(crate) mod mailbox;
pub(crate) mod mailbox_source;
pub(crate) mod message_url;
pub(crate) mod pattern;
pub(crate) mod search;
pub(crate) mod section;
pub(crate) mod sequence_set;
pub(crate) mod status;

use posthouse_model::Uid;
use thiserror::Error;

/// Why a command is not carried out, as far as its text tells.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(crate) enum CommandError {
    /// The text breaks the grammar here.
    #[error("Expected {0}")]
    Expected(&'static str),
    /// More of something than a limit allows.
    #[error("Too many {0}")]
    TooMany(&'static str),
    /// There is no such thing, or it is not for now.
    #[error("{0}")]
    Unknown(&'static str),
    /// A sequence number that no message has (RFC 9051 §9 `seq-number`).
    #[error("There is no message with that number")]
    NoSuchMessage,
    /// A UID that no message has, where exactly one is needed.
    #[error("There is no message with that UID")]
    NoSuchUid,
    /// SEARCH in a character set that is not known (RFC 9051 §6.4.4).
    #[error("That character set is not known")]
    BadCharset,
    /// A filter that has not been asked for yet (RFC 5466 §3.1); the session knows which.
    #[error("That filter is not known yet")]
    UnknownFilter,
    /// A filter that does not exist; the session knows which.
    #[error("There is no such filter")]
    UndefinedFilter,
    /// A text that cannot name a mailbox.
    #[error("That cannot be the name of a mailbox")]
    BadMailboxName,
    /// A keyword that cannot be stored.
    #[error("That keyword cannot be stored")]
    BadKeyword,
    /// More messages than a command may work on that is done as a whole or not at all: the most, and where the
    /// command could begin from the end (RFC 9738 §3.1).
    #[error("Those are too many messages")]
    TooManyMessages(u32, Option<Uid>),
    /// A mailbox that is open for reading only.
    #[error("The mailbox is open for reading only")]
    ReadOnly,
    /// A message by its number, from a client that uses UIDs only (RFC 9586 §3).
    #[error("Message numbers are not used any more")]
    UidRequired,
    /// A password may not pass here (RFC 9051 §11.7).
    #[error("Begin TLS first")]
    PrivacyRequired,
}

/// What a parser gives back.
pub(crate) type Parsed<T> = Result<T, CommandError>;
