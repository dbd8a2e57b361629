//! Mail in memory, as the port wants it.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use posthouse_model::{AccountId, MailboxId, MailboxName, ModSeq, SpecialUse, UidSet};

use super::{MemoryStorage, bodies};
use crate::error::StorageError;
use crate::mail::{
    BodyKey, BodySlice, Changes, CopiedUids, Delivered, Delivery, FlagsStored, FlagsWanted, Mail, MailboxRecord,
    MessageRecord, ParsedMessage,
};
use crate::observe::CommitObserver;

#[async_trait]
impl Mail for MemoryStorage {
    fn observe(&self, observer: Arc<dyn CommitObserver>) {
        self.state.lock().observers.push(observer);
    }

    async fn deliver(&self, delivery: Delivery) -> Result<Delivered, StorageError> {
        let octets = bodies::gather(&delivery.body)?;
        let mut state = self.state()?;
        state.check_delivery(&delivery)?;
        state.check_delivery_growth(&delivery)?;
        let is_queued = delivery.queue.as_ref().is_some_and(|submission| !submission.recipients.is_empty());
        let mut changes = Vec::new();
        let delivered = state.deliver(delivery, octets, &mut changes);
        state.announce(&changes);
        if is_queued {
            state.announce_queue();
        }
        Ok(delivered)
    }

    async fn mailboxes(&self, account: AccountId) -> Result<Vec<MailboxRecord>, StorageError> {
        Ok(self.state()?.mail.list(account))
    }

    async fn mailbox(&self, account: AccountId, name: &MailboxName) -> Result<Option<MailboxRecord>, StorageError> {
        Ok(self.state()?.mail.find(account, name).cloned())
    }

    async fn mailbox_by_id(&self, account: AccountId, id: MailboxId) -> Result<Option<MailboxRecord>, StorageError> {
        Ok(self.state()?.mail.shelf(account, id).ok().map(|shelf| shelf.record.clone()))
    }

    async fn create_mailbox(
        &self,
        account: AccountId,
        name: &MailboxName,
        special_use: Option<SpecialUse>,
    ) -> Result<MailboxRecord, StorageError> {
        let mut state = self.state()?;
        let (record, change) = state.mail.create(account, name, special_use)?;
        state.inherit_access(&record);
        state.announce(&[change]);
        Ok(record)
    }

    async fn rename_mailboxes(
        &self,
        account: AccountId,
        renames: Vec<(MailboxId, MailboxName)>,
    ) -> Result<(), StorageError> {
        let mut state = self.state()?;
        let changes = state.mail.rename(account, renames)?;
        state.announce(&changes);
        Ok(())
    }

    async fn delete_mailbox(&self, account: AccountId, id: MailboxId) -> Result<(), StorageError> {
        let mut state = self.state()?;
        state.remember_mailbox(account, id);
        let (change, bodies) = state.mail.delete(account, id)?;
        bodies.into_iter().for_each(|key| state.bodies.release(key));
        state.access.forget_mailbox(id);
        state.seen.forget_mailbox(id);
        state.annotations.forget_mailbox(id);
        state.announce(&[change]);
        Ok(())
    }

    async fn subscriptions(&self, account: AccountId) -> Result<Vec<MailboxName>, StorageError> {
        Ok(self.state()?.mail.subscriptions(account))
    }

    async fn set_subscribed(
        &self,
        account: AccountId,
        name: &MailboxName,
        subscribed: bool,
    ) -> Result<(), StorageError> {
        self.state()?.mail.set_subscribed(account, name, subscribed)
    }

    async fn messages(
        &self,
        account: AccountId,
        mailbox: MailboxId,
    ) -> Result<(MailboxRecord, Vec<MessageRecord>), StorageError> {
        let read = {
            let state = self.state()?;
            let shelf = state.mail.shelf(account, mailbox)?;
            (shelf.record.clone(), shelf.messages.values().cloned().collect())
        };
        self.loading_goes_on().await;
        Ok(read)
    }

    async fn changes(&self, account: AccountId, mailbox: MailboxId, since: ModSeq) -> Result<Changes, StorageError> {
        Ok(self.state()?.mail.shelf(account, mailbox)?.changes(since))
    }

    async fn store_flags(
        &self,
        account: AccountId,
        mailbox: MailboxId,
        wanted: FlagsWanted,
    ) -> Result<FlagsStored, StorageError> {
        self.state()?.store_flags(account, mailbox, &wanted)
    }

    async fn copy(
        &self,
        account: AccountId,
        from: MailboxId,
        uids: &UidSet,
        to: MailboxId,
    ) -> Result<CopiedUids, StorageError> {
        self.state()?.copy(account, from, uids, to)
    }

    async fn move_messages(
        &self,
        account: AccountId,
        from: MailboxId,
        uids: &UidSet,
        to: MailboxId,
    ) -> Result<CopiedUids, StorageError> {
        self.state()?.move_messages(account, from, uids, to)
    }

    async fn expunge(
        &self,
        account: AccountId,
        mailbox: MailboxId,
        uids: &UidSet,
        only_deleted: bool,
    ) -> Result<UidSet, StorageError> {
        self.state()?.expunge(account, mailbox, uids, only_deleted)
    }

    async fn parsed(&self, bodies: &[BodyKey]) -> Result<Vec<ParsedMessage>, StorageError> {
        let state = self.state()?;
        bodies.iter().map(|&key| state.bodies.parsed(key)).collect()
    }

    async fn read(&self, slices: &[BodySlice]) -> Result<Vec<Bytes>, StorageError> {
        let state = self.state()?;
        slices.iter().map(|slice| state.bodies.read(slice)).collect()
    }
}
