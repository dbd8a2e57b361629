//! The beginnings of messages: reading of very many of them only what a header, or a small message, takes.

use async_trait::async_trait;
use bytes::Bytes;
use posthouse_model::ThreadId;

use crate::error::StorageError;
use crate::mail::BodyKey;

/// The first octets of a body, with what of the facts about it was stored to make sense of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beginning {
    /// [`ParsedMessage::structure`](crate::ParsedMessage::structure).
    pub structure: Bytes,
    /// [`ParsedMessage::sent_local_seconds`](crate::ParsedMessage::sent_local_seconds).
    pub sent_local_seconds: Option<i64>,
    /// [`ParsedMessage::thread`](crate::ParsedMessage::thread).
    pub thread: Option<ThreadId>,
    /// The octets.
    pub octets: Bytes,
}

/// How many octets of a body are wanted, by its stored structure. What lies beyond the body's end is left out.
pub type Extent = fn(&[u8]) -> u64;

/// Where a message's header ends, by the octets that it begins with, and whether there are no more; `None` if that is
/// not among them.
pub type HeaderEnd = fn(&[u8], bool) -> Option<usize>;

/// Longest header, in octets, that is read together with those of other messages.
pub const MAX_HEADER_BYTES: u64 = 32 * 1024;

/// A message's header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Header {
    /// All of it.
    Whole(Bytes),
    /// It does not end within [`MAX_HEADER_BYTES`], or so the one who looked for the end says.
    Long,
    /// The message is gone.
    Gone,
}

/// Reads of many messages little. Callers bound how many they ask for at once, and what `extent` gives.
#[async_trait]
pub trait Beginnings: Send + Sync + 'static {
    /// The beginnings of these bodies, in the order asked for; `None` for one that is gone.
    async fn beginnings(&self, bodies: &[BodyKey], extent: Extent) -> Result<Vec<Option<Beginning>>, StorageError>;

    /// The headers of these messages, in the order asked for. One that went a moment ago may still be read.
    async fn headers(&self, bodies: &[BodyKey], end: HeaderEnd) -> Result<Vec<Header>, StorageError>;

    /// When these messages were sent ([`ParsedMessage::sent_local_seconds`](crate::ParsedMessage::sent_local_seconds)),
    /// in the order asked for; `None` also for one that is gone.
    async fn sent(&self, bodies: &[BodyKey]) -> Result<Vec<Option<i64>>, StorageError>;
}
