//! What was brought in before, in memory.

use std::collections::HashSet;

use async_trait::async_trait;
use posthouse_model::{AccountId, Uid};

use super::{MemoryStorage, bodies};
use crate::append::AppendWanted;
use crate::error::StorageError;
use crate::imports::{ImportKey, Imports, check_import};

#[async_trait]
impl Imports for MemoryStorage {
    async fn imported(&self, account: AccountId, keys: &[ImportKey]) -> Result<Vec<bool>, StorageError> {
        let state = self.state()?;
        Ok(keys.iter().map(|key| state.imports.contains(&(account, *key))).collect())
    }

    async fn import(&self, mut wanted: AppendWanted, keys: Vec<ImportKey>) -> Result<Vec<Option<Uid>>, StorageError> {
        check_import(&wanted, &keys)?;
        let mut state = self.state()?;
        let account = wanted.account;
        let mut coming = HashSet::new();
        let is_new: Vec<bool> = keys
            .iter()
            .map(|key| !state.imports.contains(&(account, *key)) && coming.insert((account, *key)))
            .collect();
        let mut new = is_new.iter();
        wanted.messages.retain(|_| *new.next().unwrap_or(&false));
        if wanted.messages.is_empty() {
            return Ok(vec![None; keys.len()]);
        }
        let octets = wanted.messages.iter().map(|message| bodies::gather(&message.body)).collect::<Result<_, _>>()?;
        let mut uids = state.append(wanted, octets)?.uids.into_iter();
        state.imports.extend(coming);
        Ok(is_new.into_iter().map(|is_new| if is_new { uids.next() } else { None }).collect())
    }

    async fn forget_imports(&self, account: AccountId) -> Result<u64, StorageError> {
        let mut state = self.state()?;
        let before = state.imports.len();
        state.imports.retain(|(owner, _)| *owner != account);
        Ok((before - state.imports.len()) as u64)
    }
}
