//! Why the store could not do what it was asked.

use std::fmt;

use posthouse_model::AccountId;
use thiserror::Error;

use crate::sending_quotas::OverSendingQuota;
use crate::sending_watch::FreezeCause;

/// The kind of thing that was not there, or was there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// A domain of the directory.
    Domain,
    /// An account of the directory.
    Account,
    /// An alias of the directory.
    Alias,
    /// An address, of an account or an alias.
    Address,
    /// A group of accounts.
    Group,
    /// A shared area.
    SharedArea,
    /// A mailbox.
    Mailbox,
    /// A message in a mailbox.
    Message,
    /// The body of a message.
    Body,
    /// An entry of the queue.
    QueueEntry,
    /// A route.
    Route,
    /// A rule about keeping or delivering mail.
    Rule,
    /// A credential of an account besides its password.
    Key,
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Domain => "domain",
            Self::Account => "account",
            Self::Alias => "alias",
            Self::Address => "address",
            Self::Group => "group",
            Self::SharedArea => "shared area",
            Self::Mailbox => "mailbox",
            Self::Message => "message",
            Self::Body => "message body",
            Self::QueueEntry => "queue entry",
            Self::Route => "route",
            Self::Rule => "rule",
            Self::Key => "credential",
        })
    }
}

/// Why the store could not do what it was asked. Nothing has been changed when one of these is returned.
#[derive(Debug, Error)]
pub enum StorageError {
    /// The caller named something that is not there.
    #[error("there is no such {0}")]
    NotFound(Named),
    /// The caller wants to make something that is there already.
    #[error("there is such a {0} already")]
    AlreadyExists(Named),
    /// Something else still depends on what the caller wants to remove.
    #[error("the {0} is still in use: {1}")]
    InUse(Named, String),
    /// A named limit of the store would be passed.
    #[error("the limit of {limit} {what} is reached")]
    Limit {
        /// What is counted.
        what: &'static str,
        /// How many there may be.
        limit: u64,
    },
    /// These accounts, or their domains, would have more mail than they may.
    #[error("a mailbox is full")]
    OverQuota {
        /// Whose; at least one.
        accounts: Vec<AccountId>,
    },
    /// Whoever hands a message in has sent as much as they may.
    #[error("a sending quota is used up: {0}")]
    OverSendingQuota(OverSendingQuota),
    /// Whoever hands a message in may not send for now.
    #[error("the account may not send: {}", .0.name())]
    SendingFrozen(FreezeCause),
    /// The disk is full, or a quota of the operating system is.
    #[error("the disk that holds the mail is full")]
    Full,
    /// The disk failed, or the database did.
    #[error("the store cannot be used: {0}")]
    Unavailable(String),
    /// What was read is not what had been written.
    #[error("the store is damaged: {0}")]
    Corrupt(String),
    /// The key of an encrypted store is missing or another, or does not allow what was asked.
    #[error("{0}")]
    Key(String),
    /// The data was written by a newer release.
    #[error("the data has schema version {found}, and this program knows versions up to {known}: use a newer release")]
    NewerSchema {
        /// Version found.
        found: u32,
        /// Newest version known.
        known: u32,
    },
    /// Another process has the data open.
    #[error("another process uses the data directory: {0}")]
    Locked(String),
    /// The store has been closed.
    #[error("the store is shutting down")]
    Closed,
}

impl StorageError {
    /// Whether the same call may succeed later without anybody changing what was asked.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Full | Self::Unavailable(_) | Self::Closed | Self::Locked(_))
    }
}
