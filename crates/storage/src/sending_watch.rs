//! Watching those who send: what is usual for an account, and accounts that may not send for now.
//!
//! An account that is frozen receives, and its owner signs in and reads, but hands in nothing; what it put into the
//! queue is held.

mod watched;

use async_trait::async_trait;
use posthouse_model::{AccountId, UnixMillis};

use crate::error::StorageError;

pub use watched::Watched;

/// Longest words about why an account is frozen, in octets; longer ones are cut.
pub const MAX_FREEZE_WORDS_BYTES: usize = 1024;

/// Why an account may not send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FreezeCause {
    /// An administrator wants it so.
    Administrator,
    /// It suddenly sent far more than it ever did.
    Flood,
    /// Much of what it sent came back.
    Bounces,
}

impl FreezeCause {
    /// All of them, in the order of their codes.
    pub const EACH: [Self; 3] = [Self::Administrator, Self::Flood, Self::Bounces];

    /// The word under which it is printed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Flood => "flood",
            Self::Bounces => "bounces",
        }
    }
}

/// An account that may not send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendingFreeze {
    /// Which.
    pub account: AccountId,
    /// Why.
    pub cause: FreezeCause,
    /// The evidence, in words for people.
    pub words: String,
    /// Since when.
    pub at: UnixMillis,
}

/// What becomes of the mail that was held with the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldMail {
    /// It goes on, and what the account sent is usual from now on.
    GoesOn,
    /// It is dropped, and what the account sent since the last release counts for nothing.
    IsDropped,
}

/// Watching senders at rest.
#[async_trait]
pub trait SendingWatch: Send + Sync + 'static {
    /// What an account has sent of late, and what is usual for it.
    async fn watched(&self, account: AccountId, at: UnixMillis) -> Result<Watched, StorageError>;
    /// Counts recipients that turned out not to exist, or not to want the mail. Gives what it comes to.
    async fn count_bounces(&self, account: AccountId, bounced: u64, at: UnixMillis) -> Result<Watched, StorageError>;
    /// Freezes an account. What it has in the queue is the caller's business. False when it is frozen already, for
    /// whatever cause.
    async fn freeze_sending(&self, freeze: SendingFreeze) -> Result<bool, StorageError>;
    /// Lets an account send again; what became of its held mail decides what is usual for it from now on.
    /// [`StorageError::NotFound`] unless it is frozen.
    async fn release_sending(&self, account: AccountId, held: HeldMail, at: UnixMillis) -> Result<(), StorageError>;
    /// Accounts that are frozen, by number.
    async fn sending_freezes(&self) -> Result<Vec<SendingFreeze>, StorageError>;
}
