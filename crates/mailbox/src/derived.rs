//! What is stored beside messages of this release, and worked out on demand for those of earlier ones.

use bytes::Bytes;
use posthouse_mime::{preview_of_body, preview_source};
use posthouse_storage::{BodySlice, MessageRecord, ParsedMessage};

use crate::content::{Content, ContentWanted, PreviewWanted, decode};
use crate::conversation::thread_of;
use crate::{Mailbox, MailboxError};

impl Mailbox {
    /// Fills in preview and conversation, as far as they are wanted.
    pub(crate) async fn derive(
        &self,
        record: &MessageRecord,
        parsed: &ParsedMessage,
        wanted: &ContentWanted,
        content: &mut Content,
    ) -> Result<(), MailboxError> {
        content.preview = match (wanted.preview, &parsed.preview) {
            (None, _) => None,
            (Some(_), Some(stored)) => Some(stored.clone()),
            (Some(PreviewWanted::IfStored), None) => None,
            (Some(PreviewWanted::Always), None) => Some(self.make_preview(record, parsed).await?),
        };
        content.thread = match (wanted.thread, parsed.thread) {
            (false, _) => None,
            (true, Some(stored)) => Some(stored),
            (true, None) => {
                let structure = decode(parsed)?;
                let header = self.read_octets(record, 0..structure.root().header.end).await?;
                Some(thread_of(&structure, &header))
            }
        };
        Ok(())
    }

    async fn make_preview(&self, record: &MessageRecord, parsed: &ParsedMessage) -> Result<String, MailboxError> {
        let structure = decode(parsed)?;
        let Some((part, span)) = preview_source(&structure) else { return Ok(String::new()) };
        let body = self.read_octets(record, span.start..span.end).await?;
        Ok(preview_of_body(part, &body))
    }

    /// A stretch of a message.
    pub(crate) async fn read_octets(
        &self,
        record: &MessageRecord,
        range: std::ops::Range<u64>,
    ) -> Result<Bytes, MailboxError> {
        let read = self.store.read(&[BodySlice { body: record.body, range }]).await?;
        Ok(read.into_iter().next().unwrap_or_default())
    }
}
