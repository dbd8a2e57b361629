//! COPY and MOVE between mailboxes whose owners may differ.

use posthouse_model::SystemFlag;
use posthouse_storage::{CopiedUids, MailboxDelta, MessageRecord, SeenRow, Transfer};

use super::work::Work;
use crate::fault::Fault;

impl Work<'_> {
    /// Copies or moves messages. The body stays where it is and is referred to once more.
    pub(crate) fn transfer(&mut self, transfer: &Transfer) -> Result<CopiedUids, Fault> {
        let Transfer { by, from, to, scope, .. } = *transfer;
        self.expect_mailbox(from.0, from.1)?;
        let uid_validity = self.uid_validity_of(to.0, to.1)?;
        let originals = self.records_seen_by(from, by, &transfer.uids)?;
        if originals.is_empty() {
            return Ok(CopiedUids { uid_validity, pairs: Vec::new() });
        }
        let modseq = self.next_modseq(to.0)?;
        let mut copies: Vec<_> = originals
            .iter()
            .map(|original| {
                let flags = scope.of(&original.flags);
                MessageRecord { modseq, saved_at: self.now, flags, ..original.clone() }
            })
            .collect();
        // In the mailbox of another, \Seen is kept apart from the message.
        let is_seen: Vec<bool> = copies.iter().map(|copy| by != to.0 && copy.flags.has(SystemFlag::Seen)).collect();
        for (copy, _) in copies.iter_mut().zip(&is_seen).filter(|(_, seen)| **seen) {
            copy.flags.remove(SystemFlag::Seen);
        }
        self.add_messages(to.0, to.1, modseq, &mut copies)?;
        let seen: Vec<_> = copies
            .iter()
            .zip(is_seen)
            .filter(|(_, seen)| *seen)
            .map(|(copy, seen)| SeenRow { uid: copy.uid, seen, modseq })
            .collect();
        let pairs = originals.iter().zip(&copies).map(|(original, copy)| (original.uid, copy.uid)).collect();
        self.tell(to.0, to.1, modseq, MailboxDelta::Added(copies));
        self.put_seen(to, by, &seen)?;
        for original in &originals {
            self.add_references(original.body, 1)?;
        }
        if transfer.moves {
            self.expunge_moved(from.0, from.1, &originals.iter().map(|original| original.uid).collect())?;
        }
        Ok(CopiedUids { uid_validity, pairs })
    }
}
