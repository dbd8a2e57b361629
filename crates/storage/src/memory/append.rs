//! Messages that clients hand in.

use async_trait::async_trait;
use bytes::Bytes;
use posthouse_model::{Uid, UidSet};

use super::messages::saved_now;
use super::{MemoryStorage, State, bodies};
use crate::append::{Append, AppendWanted, Appended};
use crate::error::{Named, StorageError};
use crate::mail::MessageRecord;
use crate::observe::{MailboxChange, MailboxDelta};
use crate::quotas::Usage;

#[async_trait]
impl Append for MemoryStorage {
    async fn append(&self, wanted: AppendWanted) -> Result<Appended, StorageError> {
        let octets = wanted.messages.iter().map(|message| bodies::gather(&message.body)).collect::<Result<_, _>>()?;
        self.state()?.append(wanted, octets)
    }
}

impl State {
    pub(super) fn append(&mut self, wanted: AppendWanted, octets: Vec<Bytes>) -> Result<Appended, StorageError> {
        let AppendWanted { account, mailbox, messages, replaces } = wanted;
        let target = self.mail.shelf(account, mailbox)?;
        target.check_room(messages.len())?;
        let uid_validity = target.record.uid_validity;
        let going = replaces.map(|(from, uid)| (from, UidSet::from_iter([uid])));
        if let Some((from, uids)) = &going
            && self.mail.shelf(account, *from)?.present(uids).is_empty()
        {
            return Err(StorageError::NotFound(Named::Message));
        }
        let replaced: u64 = match &going {
            Some((from, uids)) => {
                let source = self.mail.shelf(account, *from)?;
                source.present(uids).iter().map(|uid| source.messages[uid].size_bytes).sum()
            }
            None => 0,
        };
        let size_bytes: u64 = octets.iter().map(|octets| octets.len() as u64).sum();
        let growth = Usage {
            size_bytes: size_bytes.saturating_sub(replaced),
            messages: (octets.len() as u64).saturating_sub(u64::from(going.is_some())),
        };
        self.check_usage_growth([(account, growth)].into())?;
        let modseq = self.mail.next_modseq(account);
        let mut added = Vec::with_capacity(messages.len());
        for (new, octets) in messages.into_iter().zip(octets) {
            let size_bytes = octets.len() as u64;
            let record = MessageRecord {
                uid: Uid::MIN,
                modseq,
                flags: new.flags,
                size_bytes,
                internal_date: new.internal_date,
                saved_at: saved_now(),
                message: self.mail.next_message(),
                body: self.bodies.keep(new.body.id, octets, new.parsed, 1),
            };
            added.push(self.mail.shelf_mut(account, mailbox)?.add(record));
        }
        let uids = added.iter().map(|record| record.uid).collect();
        let mut changes = vec![MailboxChange { account, mailbox, modseq, delta: MailboxDelta::Added(added) }];
        if let Some((from, uids)) = going {
            changes.push(self.take_out(account, from, uids)?);
        }
        self.announce(&changes);
        Ok(Appended { uid_validity, uids, modseq })
    }
}
