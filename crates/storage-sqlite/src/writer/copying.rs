//! COPY and MOVE.

use posthouse_model::{AccountId, MailboxId, UidSet};
use posthouse_storage::{CopiedUids, MailboxDelta, MessageRecord};

use super::work::Work;
use crate::fault::Fault;
use crate::reader::mail;

impl Work<'_> {
    /// Copies messages, flags and INTERNALDATE included.
    pub(crate) fn copy(
        &mut self,
        account: AccountId,
        from: MailboxId,
        uids: &UidSet,
        to: MailboxId,
    ) -> Result<CopiedUids, Fault> {
        let (copied, originals) = self.copy_records(account, from, uids, to)?;
        for original in &originals {
            self.add_references(original.body, 1)?;
        }
        Ok(copied)
    }

    /// Moves messages (RFC 6851 §3.3: there is no moment at which they are in both mailboxes or in none).
    pub(crate) fn move_messages(
        &mut self,
        account: AccountId,
        from: MailboxId,
        uids: &UidSet,
        to: MailboxId,
    ) -> Result<CopiedUids, Fault> {
        let (copied, originals) = self.copy_records(account, from, uids, to)?;
        if !originals.is_empty() {
            let modseq = self.next_modseq(account)?;
            self.take_out(account, from, modseq, &originals)?;
        }
        Ok(copied)
    }

    fn copy_records(
        &mut self,
        account: AccountId,
        from: MailboxId,
        uids: &UidSet,
        to: MailboxId,
    ) -> Result<(CopiedUids, Vec<MessageRecord>), Fault> {
        self.expect_mailbox(account, from)?;
        let uid_validity = self.uid_validity_of(account, to)?;
        let mut originals = Vec::new();
        mail::each_message(self.connection, from, uids, |record| originals.push(record))?;
        if originals.is_empty() {
            return Ok((CopiedUids { uid_validity, pairs: Vec::new() }, originals));
        }
        let modseq = self.next_modseq(account)?;
        let mut copies: Vec<_> =
            originals.iter().map(|original| MessageRecord { modseq, saved_at: self.now, ..original.clone() }).collect();
        self.add_messages(account, to, modseq, &mut copies)?;
        let pairs = originals.iter().zip(&copies).map(|(original, copy)| (original.uid, copy.uid)).collect();
        self.tell(account, to, modseq, MailboxDelta::Added(copies));
        Ok((CopiedUids { uid_validity, pairs }, originals))
    }
}
