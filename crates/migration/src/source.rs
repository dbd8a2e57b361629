//! Where messages come from.

use async_trait::async_trait;
use thiserror::Error;

use crate::{Folder, Item, Message, Problem};

/// Why a source does not give what it is asked for.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SourceError {
    /// One folder cannot be read; others may be.
    #[error("{0}")]
    Folder(String),
    /// There is nothing more to be had.
    #[error("{0}")]
    Lost(String),
}

/// The folders of a source.
#[derive(Clone, Debug, Default)]
pub struct Folders {
    /// Those that can be moved.
    pub folders: Vec<Folder>,
    /// What cannot be.
    pub problems: Vec<Problem>,
    /// What is not as it was, though nothing is lost: names that had to be mended.
    pub notes: Vec<Problem>,
}

/// Where messages come from.
#[async_trait]
pub trait Source: Send {
    /// All folders.
    async fn folders(&mut self) -> Result<Folders, SourceError>;

    /// Opens a folder, and lists what is in it, in the order in which it came.
    async fn open(&mut self, folder: &Folder) -> Result<Vec<Item>, SourceError>;

    /// Reads messages of the folder that is open: what each is, or why it cannot be read. One that is gone is `None`.
    async fn read(&mut self, items: &[Item]) -> Result<Vec<Result<Option<Message>, Problem>>, SourceError>;
}
