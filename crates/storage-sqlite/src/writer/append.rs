//! Messages that clients hand in.

use posthouse_model::{MessageId, Uid, UidSet};
use posthouse_storage::{AppendWanted, Appended, MailboxDelta, MessageRecord, Named, StorageError};

use super::work::Work;
use crate::fault::Fault;

impl Work<'_> {
    /// Stores messages in a mailbox, and takes the one out that they replace.
    pub(crate) fn append(&mut self, wanted: &AppendWanted) -> Result<Appended, Fault> {
        let AppendWanted { account, mailbox, .. } = *wanted;
        let modseq = self.next_modseq(account)?;
        let mut records = Vec::with_capacity(wanted.messages.len());
        for new in &wanted.messages {
            records.push(MessageRecord {
                // Replaced by the mailbox's next one.
                uid: Uid::MIN,
                modseq,
                flags: new.flags.clone(),
                size_bytes: new.body.size_bytes,
                internal_date: new.internal_date,
                saved_at: self.now,
                message: MessageId(self.numbers.message() as u64),
                body: self.refer_to(&new.body, &new.parsed, 1)?,
            });
        }
        let uid_validity = self.add_messages(account, mailbox, modseq, &mut records)?;
        let uids = records.iter().map(|record| record.uid).collect();
        self.tell(account, mailbox, modseq, MailboxDelta::Added(records));
        if let Some((from, uid)) = wanted.replaces {
            let gone = self.expunge(account, from, &UidSet::from_iter([uid]), false)?;
            if gone.is_empty() {
                return Err(StorageError::NotFound(Named::Message).into());
            }
        }
        Ok(Appended { uid_validity, uids, modseq })
    }
}
