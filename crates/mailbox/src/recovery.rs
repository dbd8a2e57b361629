//! Looking through what was expunged, and putting it back.

use bytes::Bytes;
use posthouse_identity::RecoveryPermit;
use posthouse_mime::decode_header_text;
use posthouse_model::{MailboxName, UnixMillis};
use posthouse_storage::recovery::MAX_RECOVERY_STEP;
use posthouse_storage::{BodySlice, ExpungedKey, ExpungedMessage, Named, PutBack, StorageError};

use crate::content::decode;
use crate::{MailboxError, Mailboxes};

/// Characters of a header field that are looked at.
const MAX_FIELD_CHARS: usize = 998;
/// Largest header that is looked at, in octets.
const MAX_HEADER_BYTES: u64 = 256 * 1024;

/// Which of the messages that were expunged. Texts are looked for without regard to case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecoveryFilter {
    /// Expunged at this moment or later.
    pub since: Option<UnixMillis>,
    /// Whose From field contains this.
    pub from: Option<String>,
    /// Whose Subject field contains this.
    pub subject: Option<String>,
    /// Out of the mailbox of this name.
    pub mailbox: Option<MailboxName>,
}

/// A message that was expunged, for people to recognise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recoverable {
    /// The message.
    pub message: ExpungedMessage,
    /// Its From field.
    pub from: String,
    /// Its Subject field.
    pub subject: String,
}

/// Some of what was expunged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoverablePage {
    /// Messages that the filter lets through, oldest first; perhaps none.
    pub messages: Vec<Recoverable>,
    /// Where the next page begins; `None` when there is none.
    pub next_after: Option<ExpungedKey>,
}

impl Mailboxes {
    /// The next messages that were expunged, of which a bounded number is looked at.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn recoverable(
        &self,
        permit: &RecoveryPermit,
        filter: &RecoveryFilter,
        after: Option<ExpungedKey>,
    ) -> Result<RecoverablePage, MailboxError> {
        let found = self.store.expunged(permit.from(), after, MAX_RECOVERY_STEP).await?;
        let next_after = found.last().filter(|_| found.len() == MAX_RECOVERY_STEP).map(|last| last.key);
        let may_fit = |one: &ExpungedMessage| {
            filter.since.is_none_or(|since| one.key.expunged_at >= since)
                && filter.mailbox.as_ref().is_none_or(|name| one.mailbox_name == *name)
        };
        let mut messages = Vec::new();
        for message in found.into_iter().filter(may_fit) {
            let (from, subject) = match self.read_fields(&message).await {
                Ok(fields) => fields,
                // It was forgotten a moment ago.
                Err(MailboxError::Storage(StorageError::NotFound(Named::Body))) => continue,
                Err(error) => return Err(error),
            };
            if contains(&from, filter.from.as_deref()) && contains(&subject, filter.subject.as_deref()) {
                messages.push(Recoverable { message, from, subject });
            }
        }
        Ok(RecoverablePage { messages, next_after })
    }

    async fn read_fields(&self, message: &ExpungedMessage) -> Result<(String, String), MailboxError> {
        let body = message.record.body;
        let parsed = self.store.parsed(&[body]).await?.pop().ok_or(StorageError::NotFound(Named::Body))?;
        let structure = decode(&parsed)?;
        let header_end = structure.root().header.end.min(MAX_HEADER_BYTES);
        let header: Bytes =
            self.store.read(&[BodySlice { body, range: 0..header_end }]).await?.pop().unwrap_or_default();
        let field = |name| {
            let value = structure.root().field_value(&header, name);
            value.map(|value| decode_header_text(value, MAX_FIELD_CHARS)).unwrap_or_default()
        };
        Ok((field("from"), field("subject")))
    }

    /// Puts messages back, each into the mailbox it was in. At most [`MAX_RECOVERY_STEP`] at once.
    ///
    /// # Errors
    /// When there is no account for them to go to.
    pub async fn put_back(
        &self,
        permit: &RecoveryPermit,
        keys: Vec<ExpungedKey>,
    ) -> Result<Vec<PutBack>, MailboxError> {
        let to = permit.to().ok_or(StorageError::NotFound(Named::Account))?;
        Ok(self.store.put_back(permit.from(), to, keys).await?)
    }

    /// Forgets everything that was expunged, for good. Returns how many messages that were.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn forget_expunged(&self, permit: &RecoveryPermit) -> Result<u64, MailboxError> {
        Ok(self.store.forget_expunged_of(permit.from()).await?)
    }
}

fn contains(text: &str, needle: Option<&str>) -> bool {
    needle.is_none_or(|needle| text.to_lowercase().contains(&needle.to_lowercase()))
}
