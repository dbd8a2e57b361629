//! Grouping messages into conversations (RFC 5256).

mod forest;
mod ordered_subject;
mod references;
#[cfg(test)]
mod tests;

use posthouse_model::UidSet;
use posthouse_model::sort::{ThreadAlgorithm, ThreadNode};
use posthouse_storage::MessageRecord;

use self::references::{Linking, Message, SubjectHash};
use crate::fetch::{BatchBound, Rows};
use crate::sort::keys::{IdHash, SortKeys, Text};
use crate::sort::{elsewhere_if, sent_seconds};
use crate::{Mailbox, MailboxError, Progress};

/// Messages whose keys are read at once.
const KEYS_AT_ONCE: BatchBound = BatchBound { messages: 1_000, size_bytes: u64::MAX };
/// Messages that are threaded on the spot. More of them are threaded where nobody waits.
const MAX_THREADED_ON_THE_SPOT: usize = 2_000;
/// Messages that are threaded at all, by subject.
const MAX_THREADED: usize = references::MAX_NODES;

impl Mailbox {
    /// The messages of `found` that are there, in conversations.
    ///
    /// # Errors
    /// When the store cannot be read, or there is more to compare than memory is for.
    pub async fn thread(
        &self,
        found: &UidSet,
        by: ThreadAlgorithm,
        progress: &Progress,
    ) -> Result<Vec<ThreadNode>, MailboxError> {
        progress.begin(found.len());
        let _room = self.sort_room.enter(found.len()).await;
        let mut linking = Linking::default();
        let mut messages = Vec::new();
        let mut rows = Rows::new(found.clone(), None);
        loop {
            let records = self.next_rows(&mut rows, KEYS_AT_ONCE);
            if records.is_empty() {
                break;
            }
            progress.add(records.len());
            let mut batch = Vec::with_capacity(records.len());
            for (record, stored) in self.sort_keys_of(&records).await? {
                batch.push((message_of(record, &SortKeys::read(&stored)), stored));
            }
            match by {
                ThreadAlgorithm::OrderedSubject if messages.len() + batch.len() > MAX_THREADED => {
                    return Err(MailboxError::TooMuch);
                }
                ThreadAlgorithm::OrderedSubject => messages.extend(batch.into_iter().map(|(message, _)| message)),
                // One message may have many references, so that even a batch takes its time.
                ThreadAlgorithm::References => {
                    linking = elsewhere_if(linking.len() > MAX_THREADED_ON_THE_SPOT, move || {
                        for (message, stored) in batch {
                            let keys = SortKeys::read(&stored);
                            linking.add(message, keys.message_id, keys.references())?;
                        }
                        Ok(linking)
                    })
                    .await?
                    .map_err(|references::TooMany| MailboxError::TooMuch)?;
                }
            }
        }
        match by {
            ThreadAlgorithm::OrderedSubject => {
                let many = messages.len() > MAX_THREADED_ON_THE_SPOT;
                elsewhere_if(many, move || ordered_subject::threads(messages)).await
            }
            ThreadAlgorithm::References => {
                elsewhere_if(linking.len() > MAX_THREADED_ON_THE_SPOT, move || linking.threads()).await
            }
        }
    }
}

fn message_of(record: &MessageRecord, keys: &SortKeys<'_>) -> Message {
    Message {
        uid: record.uid,
        sent_seconds: sent_seconds(record, keys),
        subject: hash_of(keys.text(Text::Subject)),
        is_reply: keys.is_reply,
    }
}

/// Subjects are the same where their keys of the collation are.
fn hash_of(subject: &[u8]) -> SubjectHash {
    let hash = blake3::hash(subject);
    let cut: &IdHash = hash.as_bytes().first_chunk().expect("a hash is longer");
    (!subject.is_empty()).then_some(*cut)
}
