//! [`Transport`].

use async_trait::async_trait;
use posthouse_model::Domain;
use posthouse_storage::transport::{check_sts_policy, check_tls_outcomes};
use posthouse_storage::{StorageError, StsRecord, TlsCountKey, TlsHistory, TlsHistoryDelta, Transport};

use crate::reader::transport;
use crate::store::SqliteStorage;

#[async_trait]
impl Transport for SqliteStorage {
    async fn sts_policy(&self, domain: &Domain) -> Result<Option<StsRecord>, StorageError> {
        let domain = domain.clone();
        self.ask(move |reader| transport::sts_policy(&reader.connection, &domain)).await
    }

    async fn put_sts_policy(&self, record: StsRecord) -> Result<(), StorageError> {
        check_sts_policy(&record)?;
        self.write(Vec::new(), move |work| work.put_sts_policy(&record)).await
    }

    async fn forget_sts_policy(&self, domain: &Domain) -> Result<(), StorageError> {
        let domain = domain.clone();
        self.write(Vec::new(), move |work| work.forget_sts_policy(&domain)).await
    }

    async fn sts_policies(&self, after: Option<&Domain>, limit: usize) -> Result<Vec<StsRecord>, StorageError> {
        let after = after.cloned();
        self.ask(move |reader| transport::sts_policies(&reader.connection, after.as_ref(), limit)).await
    }

    async fn tls_history(&self, domain: &Domain) -> Result<Option<TlsHistory>, StorageError> {
        let domain = domain.clone();
        self.ask(move |reader| transport::tls_history(&reader.connection, &domain)).await
    }

    async fn tls_histories(&self, after: Option<&Domain>, limit: usize) -> Result<Vec<TlsHistory>, StorageError> {
        let after = after.cloned();
        self.ask(move |reader| transport::tls_histories(&reader.connection, after.as_ref(), limit)).await
    }

    async fn add_tls_outcomes(
        &self,
        histories: Vec<TlsHistoryDelta>,
        counts: Vec<(TlsCountKey, u64)>,
    ) -> Result<(), StorageError> {
        check_tls_outcomes(histories.len(), counts.len())?;
        self.write(Vec::new(), move |work| work.add_tls_outcomes(&histories, &counts)).await
    }

    async fn tls_counts(&self, day: u32) -> Result<Vec<(TlsCountKey, u64)>, StorageError> {
        self.ask(move |reader| transport::tls_counts(&reader.connection, day)).await
    }

    async fn forget_tls_counts(&self, before: u32) -> Result<(), StorageError> {
        self.write(Vec::new(), move |work| work.forget_tls_counts(before)).await
    }
}
