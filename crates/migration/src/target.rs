//! Where messages go.

use async_trait::async_trait;
use thiserror::Error;

use crate::{Folder, Key, Message, Problem};

/// Why a target does not take what it is given.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TargetError {
    /// One folder cannot be written; others may be.
    #[error("{0}")]
    Folder(String),
    /// There is no room for all of it. Nothing of what was given was stored.
    #[error("{0}")]
    Full(String),
    /// Nothing more can be written.
    #[error("{0}")]
    Lost(String),
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored {
    /// It is there.
    New,
    /// It was there before.
    Known,
    /// The target does not take it, for this reason.
    Refused(String),
}

/// Where messages go.
#[async_trait]
pub trait Target: Send {
    /// Makes a folder, if it is not there, and subscribes to it, if it is to be. Returns what cannot be as it was.
    async fn prepare(&mut self, folder: &Folder) -> Result<Vec<Problem>, TargetError>;

    /// Which of these messages of a folder are there for certain, in the order asked for. The folder need not be there.
    async fn known(&mut self, folder: &Folder, keys: &[Key]) -> Result<Vec<bool>, TargetError>;

    /// Stores messages in a folder that was prepared, and says of each what became of it. What is told as stored stays
    /// so, whatever happens.
    async fn store(&mut self, folder: &Folder, messages: Vec<Message>) -> Result<Vec<Stored>, TargetError>;

    /// Ends a folder. Returns what could not be kept as it was.
    async fn finish(&mut self, folder: &Folder) -> Result<Vec<Problem>, TargetError>;
}
