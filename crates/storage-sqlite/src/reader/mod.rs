//! Threads that read, each with its own connection; and the questions they answer.

pub(crate) mod directory;
pub(crate) mod mail;
mod pool;
pub(crate) mod queue;
pub(crate) mod trail;

pub(crate) use pool::{Reader, ReaderPool};
