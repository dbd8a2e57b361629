//! Reading a long section piece by piece.

use std::sync::Arc;

use bytes::Bytes;
use posthouse_mime::{SectionBytes, Span};
use posthouse_storage::{BodyKey, BodySlice, Storage};

use crate::MailboxError;

/// Most octets that are read at once.
const PIECE_BYTES: u64 = 256 * 1024;

/// The octets of a section that is too long to hold in memory.
pub struct SectionReader {
    store: Arc<dyn Storage>,
    body: BodyKey,
    /// What is left, next one last.
    spans: Vec<Span>,
    trailer: &'static [u8],
    length: u64,
}

impl std::fmt::Debug for SectionReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SectionReader").field("body", &self.body).field("length", &self.length).finish_non_exhaustive()
    }
}

impl SectionReader {
    pub(crate) fn new(store: Arc<dyn Storage>, body: BodyKey, section: SectionBytes) -> Self {
        let length = section.len();
        let mut spans = section.spans;
        spans.reverse();
        Self { store, body, spans, trailer: section.trailer, length }
    }

    /// Octets in all, whether read or not.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The next octets; `None` at the end.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn next(&mut self) -> Result<Option<Bytes>, MailboxError> {
        let Some(span) = self.spans.pop() else {
            let trailer = std::mem::take(&mut self.trailer);
            return Ok((!trailer.is_empty()).then_some(Bytes::from_static(trailer)));
        };
        let end = span.end.min(span.start + PIECE_BYTES);
        if end < span.end {
            self.spans.push(Span { start: end, end: span.end });
        }
        let read = self.store.read(&[BodySlice { body: self.body, range: span.start..end }]).await?;
        Ok(read.into_iter().next())
    }
}
