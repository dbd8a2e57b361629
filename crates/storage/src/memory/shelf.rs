//! Mailboxes in memory: their names, numbers and counters.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use posthouse_model::{
    AccountId, Flags, MailboxId, MailboxName, MessageId, ModSeq, SpecialUse, SystemFlag, Uid, UidSet, UidValidity,
};

use crate::error::{Named, StorageError};
use crate::mail::{BodyKey, Changes, MAX_MAILBOXES_PER_ACCOUNT, MailboxRecord, MessageRecord};
use crate::observe::{MailboxChange, MailboxDelta};

#[derive(Default)]
pub(super) struct MailTables {
    accounts: BTreeMap<AccountId, AccountMail>,
    shelves: BTreeMap<MailboxId, Shelf>,
    last_mailbox: u64,
    last_message: u64,
    last_uid_validity: u32,
}

/// What an account has besides messages.
#[derive(Default)]
struct AccountMail {
    modseq: u64,
    names: BTreeMap<MailboxName, MailboxId>,
    subscriptions: BTreeSet<MailboxName>,
}

/// A mailbox and what is in it.
pub(super) struct Shelf {
    pub record: MailboxRecord,
    pub messages: BTreeMap<Uid, MessageRecord>,
    vanished: Vec<(ModSeq, UidSet)>,
    next_uid: u64,
}

impl MailTables {
    fn account(&self, id: AccountId) -> Result<&AccountMail, StorageError> {
        self.accounts.get(&id).ok_or(StorageError::NotFound(Named::Account))
    }

    fn account_mut(&mut self, id: AccountId) -> Result<&mut AccountMail, StorageError> {
        self.accounts.get_mut(&id).ok_or(StorageError::NotFound(Named::Account))
    }

    /// Makes room for an account with its first mailboxes, all of them subscribed.
    pub fn open_account(
        &mut self,
        id: AccountId,
        mailboxes: &[(MailboxName, Option<SpecialUse>)],
    ) -> Result<Vec<MailboxChange>, StorageError> {
        let names: BTreeSet<_> = mailboxes.iter().map(|(name, _)| name.clone()).collect();
        if names.len() < mailboxes.len() {
            return Err(StorageError::AlreadyExists(Named::Mailbox));
        }
        if !names.contains(&MailboxName::inbox()) {
            return Err(StorageError::NotFound(Named::Mailbox));
        }
        check_count(names.len())?;
        self.accounts.insert(id, AccountMail { subscriptions: names, ..AccountMail::default() });
        Ok(mailboxes.iter().map(|(name, special_use)| self.add(id, name, *special_use).1).collect())
    }

    /// Removes an account's mailboxes; returns the bodies that their messages referred to, too.
    pub fn close_account(&mut self, id: AccountId) -> (Vec<MailboxChange>, Vec<BodyKey>) {
        let ids: Vec<_> = self.accounts.get(&id).map(|mail| mail.names.values().copied().collect()).unwrap_or_default();
        let (mut changes, mut bodies) = (Vec::new(), Vec::new());
        for mailbox in ids {
            if let Ok((change, of_mailbox)) = self.delete(id, mailbox) {
                changes.push(change);
                bodies.extend(of_mailbox);
            }
        }
        self.accounts.remove(&id);
        (changes, bodies)
    }

    /// All accounts, rising.
    pub fn accounts(&self) -> impl Iterator<Item = AccountId> {
        self.accounts.keys().copied()
    }

    /// The next modification sequence of an account that is there.
    pub fn next_modseq(&mut self, id: AccountId) -> ModSeq {
        let mail = self.accounts.entry(id).or_default();
        mail.modseq += 1;
        ModSeq(mail.modseq)
    }

    pub fn next_message(&mut self) -> MessageId {
        self.last_message += 1;
        MessageId(self.last_message)
    }

    pub fn shelf(&self, account: AccountId, id: MailboxId) -> Result<&Shelf, StorageError> {
        let found = self.shelves.get(&id).filter(|shelf| shelf.record.account == account);
        found.ok_or(StorageError::NotFound(Named::Mailbox))
    }

    pub fn shelf_mut(&mut self, account: AccountId, id: MailboxId) -> Result<&mut Shelf, StorageError> {
        let found = self.shelves.get_mut(&id).filter(|shelf| shelf.record.account == account);
        found.ok_or(StorageError::NotFound(Named::Mailbox))
    }

    /// A mailbox, whosever it is.
    pub fn record(&self, id: MailboxId) -> Option<&MailboxRecord> {
        self.shelves.get(&id).map(|shelf| &shelf.record)
    }

    /// All mailboxes there are, by number.
    pub fn records(&self) -> impl Iterator<Item = &MailboxRecord> {
        self.shelves.values().map(|shelf| &shelf.record)
    }

    pub fn list(&self, account: AccountId) -> Vec<MailboxRecord> {
        let ids = self.accounts.get(&account).into_iter().flat_map(|mail| mail.names.values());
        ids.filter_map(|id| self.shelves.get(id)).map(|shelf| shelf.record.clone()).collect()
    }

    pub fn find(&self, account: AccountId, name: &MailboxName) -> Option<&MailboxRecord> {
        let id = self.accounts.get(&account)?.names.get(name)?;
        self.shelves.get(id).map(|shelf| &shelf.record)
    }

    pub fn create(
        &mut self,
        account: AccountId,
        name: &MailboxName,
        special_use: Option<SpecialUse>,
    ) -> Result<(MailboxRecord, MailboxChange), StorageError> {
        let mail = self.account(account)?;
        if mail.names.contains_key(name) {
            return Err(StorageError::AlreadyExists(Named::Mailbox));
        }
        check_count(mail.names.len() + 1)?;
        Ok(self.add(account, name, special_use))
    }

    fn add(
        &mut self,
        account: AccountId,
        name: &MailboxName,
        special_use: Option<SpecialUse>,
    ) -> (MailboxRecord, MailboxChange) {
        let modseq = self.next_modseq(account);
        self.last_mailbox += 1;
        self.last_uid_validity += 1;
        let record = MailboxRecord {
            id: MailboxId(self.last_mailbox),
            account,
            name: name.clone(),
            special_use,
            uid_validity: UidValidity(NonZeroU32::new(self.last_uid_validity).unwrap_or(NonZeroU32::MAX)),
            uid_next: Uid::MIN,
            highest_modseq: modseq,
            messages: 0,
            unseen: 0,
            deleted: 0,
            size_bytes: 0,
        };
        self.accounts.entry(account).or_default().names.insert(name.clone(), record.id);
        let shelf = Shelf { record: record.clone(), messages: BTreeMap::new(), vanished: Vec::new(), next_uid: 1 };
        self.shelves.insert(record.id, shelf);
        let change = MailboxChange { account, mailbox: record.id, modseq, delta: MailboxDelta::Created };
        (record, change)
    }

    /// Gives new names, all or none. Names may change hands among those renamed.
    pub fn rename(
        &mut self,
        account: AccountId,
        renames: Vec<(MailboxId, MailboxName)>,
    ) -> Result<Vec<MailboxChange>, StorageError> {
        let mut names = self.account(account)?.names.clone();
        for (id, _) in &renames {
            names.remove(&self.shelf(account, *id)?.record.name);
        }
        for (id, name) in &renames {
            if names.insert(name.clone(), *id).is_some() {
                return Err(StorageError::AlreadyExists(Named::Mailbox));
            }
        }
        self.account_mut(account)?.names = names;
        let mut changes = Vec::with_capacity(renames.len());
        for (id, name) in renames {
            let modseq = self.next_modseq(account);
            self.shelf_mut(account, id)?.record.name = name;
            changes.push(MailboxChange { account, mailbox: id, modseq, delta: MailboxDelta::Renamed });
        }
        Ok(changes)
    }

    /// Removes a mailbox; returns the bodies that its messages referred to, too.
    pub fn delete(&mut self, account: AccountId, id: MailboxId) -> Result<(MailboxChange, Vec<BodyKey>), StorageError> {
        let name = self.shelf(account, id)?.record.name.clone();
        self.account_mut(account)?.names.remove(&name);
        let shelf = self.shelves.remove(&id);
        let bodies = shelf.into_iter().flat_map(|shelf| shelf.messages.into_values()).map(|row| row.body).collect();
        let modseq = self.next_modseq(account);
        Ok((MailboxChange { account, mailbox: id, modseq, delta: MailboxDelta::Deleted }, bodies))
    }

    pub fn subscriptions(&self, account: AccountId) -> Vec<MailboxName> {
        self.accounts.get(&account).map(|mail| mail.subscriptions.iter().cloned().collect()).unwrap_or_default()
    }

    pub fn set_subscribed(
        &mut self,
        account: AccountId,
        name: &MailboxName,
        subscribed: bool,
    ) -> Result<(), StorageError> {
        let subscriptions = &mut self.account_mut(account)?.subscriptions;
        if subscribed {
            subscriptions.insert(name.clone());
        } else {
            subscriptions.remove(name);
        }
        Ok(())
    }
}

fn check_count(mailboxes: usize) -> Result<(), StorageError> {
    if mailboxes > MAX_MAILBOXES_PER_ACCOUNT {
        return Err(StorageError::Limit { what: "mailboxes", limit: MAX_MAILBOXES_PER_ACCOUNT as u64 });
    }
    Ok(())
}

impl Shelf {
    /// Whether `count` more messages find UIDs.
    pub fn check_room(&self, count: usize) -> Result<(), StorageError> {
        if self.next_uid + count as u64 > u64::from(u32::MAX) {
            return Err(StorageError::Limit { what: "UIDs in a mailbox", limit: u64::from(u32::MAX) });
        }
        Ok(())
    }

    /// Puts a message in under the next UID, which it gets whatever its record says. There has to be
    /// [room](Self::check_room).
    pub fn add(&mut self, mut message: MessageRecord) -> MessageRecord {
        message.uid = self.record.uid_next;
        self.next_uid += 1;
        self.record.uid_next = u32::try_from(self.next_uid).ok().and_then(Uid::new).unwrap_or(Uid::MAX);
        self.record.highest_modseq = message.modseq;
        self.record.messages += 1;
        self.record.size_bytes += message.size_bytes;
        self.count(&message.flags, true);
        self.messages.insert(message.uid, message.clone());
        message
    }

    /// Takes messages out and remembers that they went.
    pub fn remove(&mut self, uids: &UidSet, modseq: ModSeq) -> Vec<MessageRecord> {
        let removed: Vec<_> = self.present(uids).into_iter().filter_map(|uid| self.messages.remove(&uid)).collect();
        for message in &removed {
            self.record.messages -= 1;
            self.record.size_bytes -= message.size_bytes;
            self.count(&message.flags, false);
        }
        self.vanished.push((modseq, uids.clone()));
        self.record.highest_modseq = modseq;
        removed
    }

    /// Gives a message that is there other flags.
    pub fn set_flags(&mut self, uid: Uid, flags: &Flags, modseq: ModSeq) {
        let Some(message) = self.messages.get_mut(&uid) else { return };
        let old = std::mem::replace(&mut message.flags, flags.clone());
        message.modseq = modseq;
        self.record.highest_modseq = modseq;
        self.count(&old, false);
        self.count(flags, true);
    }

    /// Which of `uids` are there, rising.
    pub fn present(&self, uids: &UidSet) -> Vec<Uid> {
        let bounds = uids.ranges().filter_map(|range| Some((Uid::new(*range.start())?, Uid::new(*range.end())?)));
        bounds.flat_map(|(first, last)| self.messages.range(first..=last)).map(|(uid, _)| *uid).collect()
    }

    pub fn changes(&self, since: ModSeq) -> Changes {
        let mut vanished = UidSet::new();
        for (_, uids) in self.vanished.iter().filter(|(modseq, _)| *modseq > since) {
            uids.iter().for_each(|uid| vanished.insert(uid));
        }
        let records = self.messages.values().filter(|message| message.modseq > since).cloned().collect();
        Changes { records, vanished, highest_modseq: self.record.highest_modseq }
    }

    fn count(&mut self, flags: &Flags, comes: bool) {
        let adjust = |counter: &mut u32, applies: bool| match (applies, comes) {
            (true, true) => *counter += 1,
            (true, false) => *counter -= 1,
            (false, _) => {}
        };
        adjust(&mut self.record.unseen, !flags.has(SystemFlag::Seen));
        adjust(&mut self.record.deleted, flags.has(SystemFlag::Deleted));
    }
}
