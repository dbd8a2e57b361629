//! Who connects with what, in memory.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use posthouse_model::{AccountId, UnixMillis};

use super::MemoryStorage;
use crate::error::StorageError;
use crate::inventory::{
    Inventory, MAX_SIGHTINGS_OF_PEERS, MAX_SIGHTINGS_PER_ACCOUNT, Sighting, SightingFilter, SightingKey,
    check_sightings,
};

#[derive(Default)]
pub(super) struct InventoryTable(BTreeMap<SightingKey, Sighting>);

impl InventoryTable {
    pub(super) fn forget_account(&mut self, id: AccountId) {
        self.0.retain(|key, _| key.account != Some(id));
    }

    fn add(&mut self, sighting: Sighting) {
        match self.0.get_mut(&sighting.key) {
            Some(there) => {
                there.first_at = there.first_at.min(sighting.first_at);
                there.last_at = there.last_at.max(sighting.last_at);
                there.connections = there.connections.saturating_add(sighting.connections);
            }
            None => drop(self.0.insert(sighting.key.clone(), sighting)),
        }
    }

    /// Of whoever has too many, the oldest go.
    fn trim(&mut self, account: Option<AccountId>) {
        let most = if account.is_some() { MAX_SIGHTINGS_PER_ACCOUNT } else { MAX_SIGHTINGS_OF_PEERS };
        let of_account = self.0.values().filter(|one| one.key.account == account);
        let mut there: Vec<_> = of_account.map(|one| (Reverse(one.last_at), one.key.clone())).collect();
        there.sort();
        for (_, key) in there.into_iter().skip(most) {
            self.0.remove(&key);
        }
    }
}

#[async_trait]
impl Inventory for MemoryStorage {
    async fn add_sightings(&self, sightings: Vec<Sighting>) -> Result<(), StorageError> {
        check_sightings(&sightings)?;
        let mut state = self.state()?;
        let mut touched = BTreeSet::new();
        for sighting in sightings {
            let account = sighting.key.account;
            if account.is_some_and(|id| state.directory.account(id).is_err()) {
                continue;
            }
            touched.insert(account);
            state.inventory.add(sighting);
        }
        touched.into_iter().for_each(|account| state.inventory.trim(account));
        Ok(())
    }

    async fn sightings(&self, filter: &SightingFilter, limit: usize) -> Result<Vec<Sighting>, StorageError> {
        let state = self.state()?;
        let mut found: Vec<_> = state.inventory.0.values().filter(|one| filter.matches(one)).cloned().collect();
        found.sort_by_key(|one| (Reverse(one.last_at), one.key.clone()));
        found.truncate(limit);
        Ok(found)
    }

    async fn forget_sightings(&self, before: UnixMillis) -> Result<u64, StorageError> {
        let table = &mut self.state()?.inventory.0;
        let there = table.len();
        table.retain(|_, one| one.last_at >= before);
        Ok((there - table.len()) as u64)
    }
}
