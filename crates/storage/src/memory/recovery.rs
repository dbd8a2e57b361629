//! What was expunged, in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use posthouse_model::{AccountId, MailboxId, MailboxName, SpecialUse, SystemFlag, UidSet, UnixMillis};

use super::messages::saved_now;
use super::{MemoryStorage, State};
use crate::error::StorageError;
use crate::mail::{MAX_MAILBOXES_PER_ACCOUNT, MailboxRecord, MessageRecord};
use crate::observe::{MailboxChange, MailboxDelta};
use crate::recovery::{ExpungedKey, ExpungedMessage, MAX_RECOVERY_STEP, PutBack, Recovery, RemovedAccount};

#[derive(Default)]
pub(super) struct RecoveryTables {
    keep: bool,
    kept: BTreeMap<(AccountId, ExpungedKey), MessageRecord>,
    /// Mailboxes that are gone.
    former: BTreeMap<MailboxId, (MailboxName, Option<SpecialUse>)>,
    removed: Vec<RemovedAccount>,
}

impl State {
    /// Keeps messages that are about to be expunged.
    pub(super) fn remember_expunged(&mut self, account: AccountId, mailbox: MailboxId, uids: &UidSet) {
        if !self.recovery.keep {
            return;
        }
        let Ok(shelf) = self.mail.shelf(account, mailbox) else { return };
        let expunged_at = saved_now();
        for uid in shelf.present(uids) {
            let record = shelf.messages[&uid].clone();
            self.bodies.refer(record.body, 1);
            self.recovery.kept.insert((account, ExpungedKey { expunged_at, mailbox, uid }), record);
        }
    }

    /// Keeps the messages of a mailbox that is about to be removed, and what it was.
    pub(super) fn remember_mailbox(&mut self, account: AccountId, mailbox: MailboxId) {
        let Ok(shelf) = self.mail.shelf(account, mailbox) else { return };
        let MailboxRecord { name, special_use, .. } = &shelf.record;
        let former = (name.clone(), *special_use);
        if self.recovery.keep {
            self.recovery.former.insert(mailbox, former);
        }
        self.remember_expunged(account, mailbox, &UidSet::all());
    }

    /// Keeps what an account has that is about to be removed.
    pub(super) fn remember_account(&mut self, account: AccountId, address: posthouse_model::Address) {
        if self.recovery.keep {
            self.mail.list(account).iter().for_each(|mailbox| self.remember_mailbox(account, mailbox.id));
            self.recovery.removed.push(RemovedAccount { id: account, address, removed_at: saved_now() });
        }
    }

    /// The mailbox that a message goes back to; made if need be.
    fn home(&mut self, to: AccountId, was_in: MailboxId) -> Result<MailboxRecord, StorageError> {
        if let Ok(shelf) = self.mail.shelf(to, was_in) {
            return Ok(shelf.record.clone());
        }
        let inbox = MailboxName::inbox();
        let (name, special_use) = self.recovery.former.get(&was_in).cloned().unwrap_or((inbox.clone(), None));
        if let Some(there) = self.mail.find(to, &name) {
            return Ok(there.clone());
        }
        let mailboxes = self.mail.list(to);
        if mailboxes.len() < MAX_MAILBOXES_PER_ACCOUNT {
            let is_taken = mailboxes.iter().any(|one| one.special_use.is_some() && one.special_use == special_use);
            let (record, change) = self.mail.create(to, &name, special_use.filter(|_| !is_taken))?;
            self.announce(&[change]);
            return Ok(record);
        }
        let found = self.mail.find(to, &inbox).cloned();
        found.ok_or(StorageError::NotFound(crate::error::Named::Mailbox))
    }

    fn put_back_one(&mut self, to: AccountId, key: ExpungedKey, old: &MessageRecord) -> Result<PutBack, StorageError> {
        let home = self.home(to, key.mailbox)?;
        self.mail.shelf(to, home.id)?.check_room(1)?;
        let modseq = self.mail.next_modseq(to);
        let mut flags = old.flags.clone();
        flags.remove(SystemFlag::Deleted);
        let record = MessageRecord { modseq, flags, saved_at: saved_now(), ..old.clone() };
        let record = self.mail.shelf_mut(to, home.id)?.add(record);
        let uid = record.uid;
        self.announce(&[MailboxChange {
            account: to,
            mailbox: home.id,
            modseq,
            delta: MailboxDelta::Added(vec![record]),
        }]);
        Ok(PutBack { key, mailbox: home.id, uid })
    }

    fn forget(&mut self, goes: impl Fn(&(AccountId, ExpungedKey)) -> bool) -> u64 {
        let going: Vec<_> = self.recovery.kept.keys().filter(|key| goes(key)).copied().collect();
        for key in &going {
            if let Some(record) = self.recovery.kept.remove(key) {
                self.bodies.release(record.body);
            }
        }
        going.len() as u64
    }
}

#[async_trait]
impl Recovery for MemoryStorage {
    fn keep_expunged(&self, keep: bool) {
        self.state.lock().recovery.keep = keep;
    }

    async fn expunged(
        &self,
        account: AccountId,
        after: Option<ExpungedKey>,
        limit: usize,
    ) -> Result<Vec<ExpungedMessage>, StorageError> {
        let state = self.state()?;
        let own = state
            .recovery
            .kept
            .iter()
            .filter(|((whose, key), _)| *whose == account && after.is_none_or(|after| *key > after));
        let message = |((_, key), record): (&(AccountId, ExpungedKey), &MessageRecord)| {
            let there = state.mail.shelf(account, key.mailbox).ok().map(|shelf| shelf.record.name.clone());
            let former = || state.recovery.former.get(&key.mailbox).map(|(name, _)| name.clone());
            ExpungedMessage {
                key: *key,
                mailbox_exists: there.is_some(),
                mailbox_name: there.or_else(former).unwrap_or_else(MailboxName::inbox),
                record: record.clone(),
            }
        };
        Ok(own.take(limit.min(MAX_RECOVERY_STEP)).map(message).collect())
    }

    async fn removed_accounts(&self, folded_address: &str) -> Result<Vec<RemovedAccount>, StorageError> {
        let state = self.state()?;
        let had_it = |one: &&RemovedAccount| one.address.folded() == folded_address;
        Ok(state.recovery.removed.iter().filter(had_it).cloned().collect())
    }

    async fn put_back(
        &self,
        from: AccountId,
        to: AccountId,
        keys: Vec<ExpungedKey>,
    ) -> Result<Vec<PutBack>, StorageError> {
        let mut state = self.state()?;
        if state.mail.find(to, &MailboxName::inbox()).is_none() {
            return Err(StorageError::NotFound(crate::error::Named::Account));
        }
        check_count(keys.len())?;
        let kept = &state.recovery.kept;
        let coming: BTreeMap<_, _> =
            keys.iter().filter_map(|key| Some((key, kept.get(&(from, *key))?.size_bytes))).collect();
        state.check_growth(&coming.into_values().map(|size_bytes| (to, size_bytes)).collect::<Vec<_>>())?;
        let mut done = Vec::new();
        for key in keys {
            if let Some(record) = state.recovery.kept.remove(&(from, key)) {
                done.push(state.put_back_one(to, key, &record)?);
            }
        }
        Ok(done)
    }

    async fn forget_expunged(&self, before: UnixMillis) -> Result<u64, StorageError> {
        let mut state = self.state()?;
        state.recovery.removed.retain(|one| one.removed_at >= before);
        Ok(state.forget(|(_, key)| key.expunged_at < before))
    }

    async fn forget_expunged_of(&self, account: AccountId) -> Result<u64, StorageError> {
        let mut state = self.state()?;
        state.recovery.removed.retain(|one| one.id != account);
        Ok(state.forget(|(whose, _)| *whose == account))
    }
}

fn check_count(keys: usize) -> Result<(), StorageError> {
    if keys > MAX_RECOVERY_STEP {
        return Err(StorageError::Limit { what: "messages put back at once", limit: MAX_RECOVERY_STEP as u64 });
    }
    Ok(())
}
