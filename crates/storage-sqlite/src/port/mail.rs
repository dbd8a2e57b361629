//! [`Mail`].

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use posthouse_model::{AccountId, MailboxId, MailboxName, ModSeq, SpecialUse, Uid, UidSet};
use posthouse_storage::{
    BodyKey, BodySlice, Changes, CommitObserver, CopiedUids, Delivered, Delivery, FlagsStored, FlagsWanted, Mail,
    MailboxRecord, MessageRecord, ParsedMessage, StorageError,
};

use crate::reader::mail;
use crate::store::SqliteStorage;

/// Messages from which on a mailbox is read by two readers, each of which takes half of it.
const MESSAGES_READ_IN_HALVES: u32 = 4096;

/// All UIDs, those below `uid_next` in two halves.
fn halves_of(uid_next: Uid) -> [UidSet; 2] {
    let mut first = UidSet::new();
    if let Some(middle) = Uid::new(uid_next.value() / 2) {
        first.insert_range(Uid::MIN, middle);
    }
    // Beyond `uid_next`, too: messages may have come since.
    let second = UidSet::all().difference(&first);
    [first, second]
}

#[async_trait]
impl Mail for SqliteStorage {
    fn observe(&self, observer: Arc<dyn CommitObserver>) {
        self.shared.observers.write().push(observer);
    }

    async fn deliver(&self, delivery: Delivery) -> Result<Delivered, StorageError> {
        self.write(vec![delivery.body.clone()], move |work| work.deliver(&delivery)).await
    }

    async fn mailboxes(&self, account: AccountId) -> Result<Vec<MailboxRecord>, StorageError> {
        self.ask(move |reader| mail::mailboxes(&reader.connection, account)).await
    }

    async fn mailbox(&self, account: AccountId, name: &MailboxName) -> Result<Option<MailboxRecord>, StorageError> {
        let name = name.clone();
        self.ask(move |reader| mail::mailbox(&reader.connection, account, &name)).await
    }

    async fn mailbox_by_id(&self, account: AccountId, id: MailboxId) -> Result<Option<MailboxRecord>, StorageError> {
        self.ask(move |reader| mail::mailbox_by_id(&reader.connection, account, id)).await
    }

    async fn create_mailbox(
        &self,
        account: AccountId,
        name: &MailboxName,
        special_use: Option<SpecialUse>,
    ) -> Result<MailboxRecord, StorageError> {
        let name = name.clone();
        self.write(Vec::new(), move |work| work.create_mailbox(account, &name, special_use)).await
    }

    async fn rename_mailboxes(
        &self,
        account: AccountId,
        renames: Vec<(MailboxId, MailboxName)>,
    ) -> Result<(), StorageError> {
        self.write(Vec::new(), move |work| work.rename_mailboxes(account, &renames)).await
    }

    async fn delete_mailbox(&self, account: AccountId, id: MailboxId) -> Result<(), StorageError> {
        self.write(Vec::new(), move |work| work.delete_mailbox(account, id)).await
    }

    async fn subscriptions(&self, account: AccountId) -> Result<Vec<MailboxName>, StorageError> {
        self.ask(move |reader| mail::subscriptions(&reader.connection, account)).await
    }

    async fn set_subscribed(
        &self,
        account: AccountId,
        name: &MailboxName,
        subscribed: bool,
    ) -> Result<(), StorageError> {
        let name = name.clone();
        self.write(Vec::new(), move |work| work.set_subscribed(account, &name, subscribed)).await
    }

    async fn messages(
        &self,
        account: AccountId,
        mailbox: MailboxId,
    ) -> Result<(MailboxRecord, Vec<MessageRecord>), StorageError> {
        let record = self.mailbox_by_id(account, mailbox).await?;
        if let Some(record) = record.filter(|record| record.messages >= MESSAGES_READ_IN_HALVES) {
            let [first, second] = halves_of(record.uid_next)
                .map(|uids| self.ask(move |reader| mail::messages(&reader.connection, account, mailbox, &uids)));
            let (first, second) = tokio::join!(first, second);
            let ((first_seen, mut records), (last_seen, rest)) = (first?, second?);
            // Each change raises the modification sequence, so what both saw is of one moment if that is the same.
            if first_seen.highest_modseq == last_seen.highest_modseq {
                records.extend(rest);
                return Ok((last_seen, records));
            }
        }
        self.ask(move |reader| mail::messages(&reader.connection, account, mailbox, &UidSet::all())).await
    }

    async fn changes(&self, account: AccountId, mailbox: MailboxId, since: ModSeq) -> Result<Changes, StorageError> {
        self.ask(move |reader| mail::changes(&reader.connection, account, mailbox, since)).await
    }

    async fn store_flags(
        &self,
        account: AccountId,
        mailbox: MailboxId,
        wanted: FlagsWanted,
    ) -> Result<FlagsStored, StorageError> {
        self.write(Vec::new(), move |work| work.store_flags(account, mailbox, &wanted)).await
    }

    async fn copy(
        &self,
        account: AccountId,
        from: MailboxId,
        uids: &UidSet,
        to: MailboxId,
    ) -> Result<CopiedUids, StorageError> {
        let uids = uids.clone();
        self.write(Vec::new(), move |work| work.copy(account, from, &uids, to)).await
    }

    async fn move_messages(
        &self,
        account: AccountId,
        from: MailboxId,
        uids: &UidSet,
        to: MailboxId,
    ) -> Result<CopiedUids, StorageError> {
        let uids = uids.clone();
        self.write(Vec::new(), move |work| work.move_messages(account, from, &uids, to)).await
    }

    async fn expunge(
        &self,
        account: AccountId,
        mailbox: MailboxId,
        uids: &UidSet,
        only_deleted: bool,
    ) -> Result<UidSet, StorageError> {
        let uids = uids.clone();
        self.write(Vec::new(), move |work| work.expunge(account, mailbox, &uids, only_deleted)).await
    }

    async fn parsed(&self, bodies: &[BodyKey]) -> Result<Vec<ParsedMessage>, StorageError> {
        let bodies = bodies.to_vec();
        self.ask(move |reader| mail::parsed(&reader.connection, reader.files.keys(), &bodies)).await
    }

    async fn read(&self, slices: &[BodySlice]) -> Result<Vec<Bytes>, StorageError> {
        let slices = slices.to_vec();
        self.ask(move |reader| mail::read(reader, &slices)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_the_whole() {
        for uid_next in [1, 2, 3, 4, 100, u32::MAX] {
            let [first, second] = halves_of(Uid::new(uid_next).unwrap());
            assert_eq!(first.union(&second), UidSet::all(), "{uid_next}");
            assert!(first.intersection(&second).is_empty() && !second.is_empty(), "{uid_next}");
        }
    }
}
