//! [`SearchIndex`].

use async_trait::async_trait;
use posthouse_model::AccountId;
use posthouse_storage::{BodyKey, IndexBatch, IndexState, SearchIndex, StorageError, TermMatch, TermQuery, Unindexed};

use crate::reader::search_index;
use crate::schema;
use crate::store::SqliteStorage;
use crate::terms::merge::Merge;
use crate::terms::{matching, segment};

#[async_trait]
impl SearchIndex for SqliteStorage {
    async fn accounts_to_index(
        &self,
        version: u32,
        after: Option<AccountId>,
        limit: usize,
    ) -> Result<Vec<AccountId>, StorageError> {
        self.ask(move |reader| search_index::accounts_to_index(&reader.connection, version, after, limit)).await
    }

    async fn next_unindexed(
        &self,
        account: AccountId,
        version: u32,
        limit: usize,
    ) -> Result<Option<Unindexed>, StorageError> {
        self.ask(move |reader| {
            search_index::next_unindexed(&reader.connection, reader.files.keys(), account, version, limit)
        })
        .await
    }

    async fn add_to_index(&self, account: AccountId, version: u32, batch: IndexBatch) -> Result<(), StorageError> {
        let IndexBatch { mailbox, through, mut documents } = batch;
        let bodies: Vec<_> = documents.iter().map(|document| document.body).collect();
        let wanting = self.ask(move |reader| {
            search_index::wanting(&reader.connection, reader.files.keys(), account, version, &bodies)
        });
        let mut wanting = wanting.await?.into_iter();
        documents.retain(|_| wanting.next().unwrap_or(false));
        let build = tokio::task::spawn_blocking(move || segment::build(documents));
        let built = build.await.map_err(|_| StorageError::Closed)?;
        self.write(Vec::new(), move |work| work.add_to_index(account, version, mailbox, through, &built)).await
    }

    async fn match_terms(
        &self,
        account: AccountId,
        version: u32,
        bodies: Vec<BodyKey>,
        queries: Vec<TermQuery>,
    ) -> Result<Vec<TermMatch>, StorageError> {
        self.ask(move |reader| {
            matching::match_terms(&reader.connection, reader.files.keys(), account, version, &bodies, &queries)
        })
        .await
    }

    async fn compact_index(&self, account: AccountId, version: u32, purge: bool) -> Result<bool, StorageError> {
        let (index, writer) = self.for_merging()?;
        let keys = self.files.shared_keys();
        let step = tokio::task::spawn_blocking(move || {
            let connection = schema::open_reader(&index)?;
            Merge { connection, keys, writer, account, version }.step(purge).map_err(StorageError::from)
        });
        step.await.map_err(|_| StorageError::Closed)?
    }

    async fn reset_index(&self, account: AccountId) -> Result<(), StorageError> {
        self.write(Vec::new(), move |work| work.reset_index(account)).await
    }

    async fn index_state(&self, account: Option<AccountId>, version: u32) -> Result<IndexState, StorageError> {
        self.ask(move |reader| search_index::state(&reader.connection, account, version)).await
    }
}
