//! Keys of accounts in memory.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use posthouse_model::{AccountId, KeyId};

use super::{MemoryStorage, State};
use crate::account_keys::{
    AccountKey, AccountKeyRing, AccountKeys, KeyUse, MAX_KEYS_PER_ACCOUNT, NewAccountKey, check_new_key,
};
use crate::error::{Named, StorageError};

#[derive(Default)]
pub(super) struct KeyTables {
    /// By account and label.
    keys: BTreeMap<(AccountId, String), AccountKey>,
    barred: BTreeSet<AccountId>,
    last: u64,
}

impl KeyTables {
    /// The key of this number.
    pub(super) fn get(&self, id: KeyId) -> Option<&AccountKey> {
        self.keys.values().find(|key| key.id == id)
    }

    fn of(&self, account: AccountId) -> impl Iterator<Item = &AccountKey> {
        self.keys.values().filter(move |key| key.account == account)
    }
}

impl State {
    /// Removes what an account signs in with besides its password.
    pub(super) fn forget_keys(&mut self, account: AccountId) {
        let gone: Vec<KeyId> = self.keys.of(account).map(|key| key.id).collect();
        gone.into_iter().for_each(|key| self.sending.forget_key(key));
        self.keys.keys.retain(|(owner, _), _| *owner != account);
        self.keys.barred.remove(&account);
    }
}

#[async_trait]
impl AccountKeys for MemoryStorage {
    async fn add_account_key(&self, key: NewAccountKey) -> Result<AccountKey, StorageError> {
        check_new_key(&key)?;
        let mut state = self.directory_to_change()?;
        state.directory.account(key.account)?;
        let place = (key.account, key.label.clone());
        if state.keys.keys.contains_key(&place) {
            return Err(StorageError::AlreadyExists(Named::Key));
        }
        if state.keys.of(key.account).count() >= MAX_KEYS_PER_ACCOUNT {
            return Err(StorageError::Limit { what: "credentials of an account", limit: MAX_KEYS_PER_ACCOUNT as u64 });
        }
        state.keys.last += 1;
        let made = AccountKey {
            id: KeyId(state.keys.last),
            account: key.account,
            label: key.label,
            services: key.services,
            created_at: key.created_at,
            expires_at: key.expires_at,
            last_use: None,
            proof: key.proof,
        };
        state.keys.keys.insert(place, made.clone());
        Ok(made)
    }

    async fn remove_account_key(&self, account: AccountId, label: &str) -> Result<KeyId, StorageError> {
        let mut state = self.directory_to_change()?;
        let removed = state.keys.keys.remove(&(account, label.to_owned()));
        let id = removed.ok_or(StorageError::NotFound(Named::Key))?.id;
        state.sending.forget_key(id);
        Ok(id)
    }

    async fn account_keys(&self, account: AccountId) -> Result<AccountKeyRing, StorageError> {
        let state = self.state()?;
        Ok(AccountKeyRing {
            password_barred: state.keys.barred.contains(&account),
            keys: state.keys.of(account).cloned().collect(),
        })
    }

    async fn key_owner(&self, key: KeyId) -> Result<Option<(AccountId, String)>, StorageError> {
        let state = self.state()?;
        Ok(state.keys.get(key).map(|key| (key.account, key.label.clone())))
    }

    async fn note_key_use(&self, key: KeyId, used: KeyUse) -> Result<(), StorageError> {
        let mut state = self.state()?;
        if let Some(key) = state.keys.keys.values_mut().find(|one| one.id == key)
            && key.last_use.is_none_or(|last| last.at <= used.at)
        {
            key.last_use = Some(used);
        }
        Ok(())
    }

    async fn bar_password(&self, account: AccountId, barred: bool) -> Result<(), StorageError> {
        let mut state = self.directory_to_change()?;
        state.directory.account(account)?;
        match barred {
            true => state.keys.barred.insert(account),
            false => state.keys.barred.remove(&account),
        };
        Ok(())
    }
}
