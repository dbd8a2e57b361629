//! The index of words in memory: plain maps.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use posthouse_model::{AccountId, MailboxId, Uid};

use super::{MemoryStorage, State};
use crate::error::{Named, StorageError};
use crate::mail::BodyKey;
use crate::search_index::{
    IndexBatch, IndexDocument, IndexState, MAX_TERM_QUERIES, SearchIndex, Term, TermMatch, TermQuery, TermRange,
    Unindexed, UnindexedMessage,
};

#[derive(Default)]
pub(super) struct SearchTables {
    indexes: BTreeMap<(AccountId, u32), BTreeMap<BodyKey, Document>>,
    marks: BTreeMap<(AccountId, u32, MailboxId), Uid>,
}

impl SearchTables {
    /// Forgets what belongs to an account.
    pub fn forget(&mut self, account: AccountId) {
        self.indexes.retain(|(owner, _), _| *owner != account);
        self.marks.retain(|(owner, ..), _| *owner != account);
    }
}

struct Document {
    terms: BTreeSet<Term>,
    is_complete: bool,
}

impl Document {
    fn meets(&self, query: &[TermRange]) -> bool {
        query.iter().all(|range| self.terms.range(range.first..=range.last).any(|term| range.has(*term)))
    }
}

impl State {
    fn unindexed(&self, account: AccountId, version: u32, limit: usize) -> Option<Unindexed> {
        let index = self.search.indexes.get(&(account, version));
        for record in self.mail.list(account) {
            let mark = self.search.marks.get(&(account, version, record.id)).map_or(0, |uid| uid.value());
            if record.uid_next.value() - 1 <= mark {
                continue;
            }
            let messages = &self.mail.shelf(account, record.id).ok()?.messages;
            let beyond = messages.values().filter(|message| message.uid.value() > mark).take(limit);
            let messages: Vec<_> = beyond
                .map(|message| UnindexedMessage {
                    uid: message.uid,
                    body: message.body,
                    size_bytes: message.size_bytes,
                    is_indexed: index.is_some_and(|index| index.contains_key(&message.body)),
                })
                .collect();
            let last = messages.last().filter(|_| messages.len() == limit).map(|message| message.uid);
            let through = last.or(Uid::new(record.uid_next.value() - 1))?;
            return Some(Unindexed { mailbox: record.id, messages, through });
        }
        None
    }
}

#[async_trait]
impl SearchIndex for MemoryStorage {
    async fn accounts_to_index(
        &self,
        version: u32,
        after: Option<AccountId>,
        limit: usize,
    ) -> Result<Vec<AccountId>, StorageError> {
        let state = self.state()?;
        let later = state.mail.accounts().filter(|account| after.is_none_or(|after| *account > after));
        Ok(later.filter(|account| state.unindexed(*account, version, 1).is_some()).take(limit).collect())
    }

    async fn next_unindexed(
        &self,
        account: AccountId,
        version: u32,
        limit: usize,
    ) -> Result<Option<Unindexed>, StorageError> {
        Ok(self.state()?.unindexed(account, version, limit))
    }

    async fn add_to_index(&self, account: AccountId, version: u32, batch: IndexBatch) -> Result<(), StorageError> {
        let mut guard = self.state()?;
        let state = &mut *guard;
        state.mail.shelf(account, batch.mailbox).map_err(|_| StorageError::NotFound(Named::Mailbox))?;
        let index = state.search.indexes.entry((account, version)).or_default();
        for document in batch.documents {
            if state.bodies.has(document.body) {
                let IndexDocument { body, terms, is_complete } = document;
                index.entry(body).or_insert_with(|| Document { terms: terms.into_iter().collect(), is_complete });
            }
        }
        state.search.marks.insert((account, version, batch.mailbox), batch.through);
        Ok(())
    }

    async fn match_terms(
        &self,
        account: AccountId,
        version: u32,
        bodies: Vec<BodyKey>,
        queries: Vec<TermQuery>,
    ) -> Result<Vec<TermMatch>, StorageError> {
        self.loading_goes_on().await;
        let state = self.state()?;
        let index = state.search.indexes.get(&(account, version));
        let matched = |body: BodyKey| match index.and_then(|index| index.get(&body)) {
            None => TermMatch::Unindexed,
            Some(document) if !document.is_complete => TermMatch::Incomplete,
            Some(document) => {
                let met = queries.iter().take(MAX_TERM_QUERIES).enumerate();
                TermMatch::Meets(met.fold(0, |met, (at, query)| met | u64::from(document.meets(query)) << at))
            }
        };
        Ok(bodies.into_iter().map(matched).collect())
    }

    async fn compact_index(&self, account: AccountId, version: u32, purge: bool) -> Result<bool, StorageError> {
        let mut guard = self.state()?;
        let state = &mut *guard;
        if purge && let Some(index) = state.search.indexes.get_mut(&(account, version)) {
            index.retain(|body, _| state.bodies.has(*body));
        }
        Ok(false)
    }

    async fn reset_index(&self, account: AccountId) -> Result<(), StorageError> {
        self.state()?.search.forget(account);
        Ok(())
    }

    async fn index_state(&self, account: Option<AccountId>, version: u32) -> Result<IndexState, StorageError> {
        let state = self.state()?;
        let mut sum = IndexState::default();
        for owner in state.mail.accounts().filter(|owner| account.is_none_or(|account| account == *owner)) {
            for record in state.mail.list(owner) {
                let mark = state.search.marks.get(&(owner, version, record.id));
                let shelf = state.mail.shelf(owner, record.id)?;
                sum.messages += shelf.messages.len() as u64;
                sum.waiting += shelf.messages.keys().filter(|uid| mark.is_none_or(|mark| *uid > mark)).count() as u64;
            }
            if let Some(index) = state.search.indexes.get(&(owner, version)) {
                sum.documents += index.len() as u64;
                sum.segments += 1;
                let terms: usize = index.values().map(|document| document.terms.len()).sum();
                sum.size_bytes += (terms * size_of::<Term>()) as u64;
            }
        }
        Ok(sum)
    }
}
