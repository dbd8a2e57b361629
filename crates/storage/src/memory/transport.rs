//! Other domains' transport security, in memory.

use std::collections::BTreeMap;
use std::ops::Bound;

use async_trait::async_trait;
use posthouse_model::Domain;

use super::MemoryStorage;
use crate::error::StorageError;
use crate::transport::{
    MAX_STS_POLICIES, MAX_TLS_COUNTS, StsRecord, TlsCountKey, TlsHistory, TlsHistoryDelta, Transport, check_sts_policy,
    check_tls_outcomes,
};

#[derive(Default)]
pub(super) struct TransportTables {
    policies: BTreeMap<Domain, StsRecord>,
    histories: BTreeMap<Domain, TlsHistory>,
    counts: BTreeMap<TlsCountKey, u64>,
}

fn behind(after: Option<&Domain>) -> (Bound<&Domain>, Bound<&Domain>) {
    (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded)
}

#[async_trait]
impl Transport for MemoryStorage {
    async fn sts_policy(&self, domain: &Domain) -> Result<Option<StsRecord>, StorageError> {
        Ok(self.state()?.transport.policies.get(domain).cloned())
    }

    async fn put_sts_policy(&self, record: StsRecord) -> Result<(), StorageError> {
        check_sts_policy(&record)?;
        let policies = &mut self.state()?.transport.policies;
        if policies.len() >= MAX_STS_POLICIES && !policies.contains_key(&record.domain) {
            let first = policies.values().min_by_key(|one| one.expires_at).map(|one| one.domain.clone());
            first.and_then(|domain| policies.remove(&domain));
        }
        policies.insert(record.domain.clone(), record);
        Ok(())
    }

    async fn forget_sts_policy(&self, domain: &Domain) -> Result<(), StorageError> {
        self.state()?.transport.policies.remove(domain);
        Ok(())
    }

    async fn sts_policies(&self, after: Option<&Domain>, limit: usize) -> Result<Vec<StsRecord>, StorageError> {
        let state = self.state()?;
        let records = state.transport.policies.range::<Domain, _>(behind(after));
        Ok(records.take(limit).map(|(_, record)| record.clone()).collect())
    }

    async fn tls_history(&self, domain: &Domain) -> Result<Option<TlsHistory>, StorageError> {
        Ok(self.state()?.transport.histories.get(domain).cloned())
    }

    async fn tls_histories(&self, after: Option<&Domain>, limit: usize) -> Result<Vec<TlsHistory>, StorageError> {
        let state = self.state()?;
        let histories = state.transport.histories.range::<Domain, _>(behind(after));
        Ok(histories.take(limit).map(|(_, history)| history.clone()).collect())
    }

    async fn add_tls_outcomes(
        &self,
        histories: Vec<TlsHistoryDelta>,
        counts: Vec<(TlsCountKey, u64)>,
    ) -> Result<(), StorageError> {
        check_tls_outcomes(histories.len(), counts.len())?;
        let tables = &mut self.state()?.transport;
        for delta in histories {
            match tables.histories.get_mut(&delta.domain) {
                Some(history) => history.add(&delta),
                None => drop(tables.histories.insert(delta.domain.clone(), TlsHistory::from(&delta))),
            }
        }
        for (key, count) in counts {
            let of_day = tables.counts.keys().filter(|other| other.day == key.day).count();
            match tables.counts.get_mut(&key) {
                Some(there) => *there += count,
                None if of_day < MAX_TLS_COUNTS => drop(tables.counts.insert(key, count)),
                None => {}
            }
        }
        Ok(())
    }

    async fn tls_counts(&self, day: u32) -> Result<Vec<(TlsCountKey, u64)>, StorageError> {
        let state = self.state()?;
        let of_day = state.transport.counts.iter().filter(|(key, _)| key.day == day);
        Ok(of_day.map(|(key, count)| (key.clone(), *count)).collect())
    }

    async fn forget_tls_counts(&self, before: u32) -> Result<(), StorageError> {
        self.state()?.transport.counts.retain(|key, _| key.day >= before);
        Ok(())
    }
}
