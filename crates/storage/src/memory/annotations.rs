//! Annotations in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use bytes::Bytes;
use posthouse_model::{AccountId, EntryName, EntryScope, MailboxId};

use super::{MemoryStorage, State};
use crate::annotations::{
    ACCOUNT_LIMIT, Annotation, AnnotationPlace, Annotations, COUNT_LIMIT, ChangeOrigin, MAX_ANNOTATION_BYTES,
    MAX_ANNOTATION_BYTES_OF_ACCOUNT, MAX_ANNOTATIONS_AT_A_PLACE, VALUE_LIMIT,
};
use crate::error::{Named, StorageError};
use crate::observe::AnnotationChange;

/// The mailbox, or the server; whose private one, or a shared one; its name.
type Key = (Option<MailboxId>, Option<AccountId>, EntryName);

struct Kept {
    value: Bytes,
    /// Who is charged; nobody for what is shared on the server.
    charged: Option<AccountId>,
}

#[derive(Default)]
pub(super) struct AnnotationTables {
    kept: BTreeMap<Key, Kept>,
}

impl AnnotationTables {
    pub fn forget_mailbox(&mut self, mailbox: MailboxId) {
        self.kept.retain(|(place, ..), _| *place != Some(mailbox));
    }

    pub fn forget_account(&mut self, account: AccountId) {
        self.kept.retain(|(_, holder, _), _| *holder != Some(account));
    }

    fn count(&self, mailbox: Option<MailboxId>, holder: Option<AccountId>) -> usize {
        self.kept.keys().filter(|(place, one, _)| *place == mailbox && *one == holder).count()
    }

    fn octets(&self, charged: Option<AccountId>) -> u64 {
        let of_account = self.kept.iter().filter(|(_, kept)| kept.charged == charged);
        of_account.map(|((.., name), kept)| octets(name, &kept.value)).sum()
    }
}

fn octets(name: &EntryName, value: &Bytes) -> u64 {
    (name.path().len() + value.len()) as u64
}

fn limit(what: &'static str, limit: u64) -> StorageError {
    StorageError::Limit { what, limit }
}

impl State {
    fn annotation_place(&self, place: AnnotationPlace) -> Result<Option<MailboxId>, StorageError> {
        match place {
            AnnotationPlace::Server => Ok(None),
            AnnotationPlace::Mailbox { owner, id } => self.mail.shelf(owner, id).map(|shelf| Some(shelf.record.id)),
        }
    }

    fn annotate(
        &mut self,
        writer: AccountId,
        place: AnnotationPlace,
        changes: Vec<(EntryName, Option<Bytes>)>,
    ) -> Result<(), StorageError> {
        let mailbox = self.annotation_place(place)?;
        for (name, value) in changes {
            let holder = (name.scope() == EntryScope::Private).then_some(writer);
            let charged = holder.or(match place {
                AnnotationPlace::Server => None,
                AnnotationPlace::Mailbox { owner, .. } => Some(owner),
            });
            let tables = &mut self.annotations;
            let before = tables.kept.remove(&(mailbox, holder, name.clone()));
            let Some(value) = value else { continue };
            if value.len() > MAX_ANNOTATION_BYTES {
                return Err(limit(VALUE_LIMIT, MAX_ANNOTATION_BYTES as u64));
            }
            if before.is_none() && tables.count(mailbox, holder) >= MAX_ANNOTATIONS_AT_A_PLACE {
                return Err(limit(COUNT_LIMIT, MAX_ANNOTATIONS_AT_A_PLACE as u64));
            }
            let grows = before.is_none_or(|before| before.value.len() < value.len());
            if grows && tables.octets(charged) + octets(&name, &value) > MAX_ANNOTATION_BYTES_OF_ACCOUNT {
                return Err(limit(ACCOUNT_LIMIT, MAX_ANNOTATION_BYTES_OF_ACCOUNT));
            }
            tables.kept.insert((mailbox, holder, name), Kept { value, charged });
        }
        Ok(())
    }
}

#[async_trait]
impl Annotations for MemoryStorage {
    async fn annotations(&self, reader: AccountId, place: AnnotationPlace) -> Result<Vec<Annotation>, StorageError> {
        let state = self.state()?;
        let mailbox = state.annotation_place(place)?;
        let seen = state
            .annotations
            .kept
            .iter()
            .filter(|((at, holder, _), _)| *at == mailbox && holder.is_none_or(|holder| holder == reader));
        let mut seen: Vec<_> =
            seen.map(|((.., name), kept)| Annotation { name: name.clone(), value: kept.value.clone() }).collect();
        seen.sort_by(|one, next| one.name.cmp(&next.name));
        Ok(seen)
    }

    async fn annotate(
        &self,
        writer: AccountId,
        place: AnnotationPlace,
        changes: Vec<(EntryName, Option<Bytes>)>,
        origin: Option<ChangeOrigin>,
    ) -> Result<(), StorageError> {
        let mut state = self.state()?;
        if !state.directory.has_account(writer) {
            return Err(StorageError::NotFound(Named::Account));
        }
        let before = state.annotations.kept.iter().map(|(key, kept)| (key.clone(), (kept.value.clone(), kept.charged)));
        let before: Vec<_> = before.collect();
        let names: Vec<_> = changes.iter().map(|(name, _)| name.clone()).collect();
        let outcome = state.annotate(writer, place, changes);
        if outcome.is_err() {
            let restored = before.into_iter().map(|(key, (value, charged))| (key, Kept { value, charged }));
            state.annotations.kept = restored.collect();
        } else {
            state.announce_annotations(&[AnnotationChange { place, by: writer, origin, names }]);
        }
        outcome
    }
}
