//! Languages in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use posthouse_model::{AccountId, Domain, Language};

use super::MemoryStorage;
use crate::error::StorageError;
use crate::languages::Languages;

#[derive(Default)]
pub(super) struct LanguageTables {
    accounts: BTreeMap<AccountId, Language>,
    domains: BTreeMap<Domain, Language>,
}

impl LanguageTables {
    pub(super) fn forget_account(&mut self, id: AccountId) {
        self.accounts.remove(&id);
    }

    pub(super) fn forget_domain(&mut self, domain: &Domain) {
        self.domains.remove(domain);
    }
}

#[async_trait]
impl Languages for MemoryStorage {
    async fn language_of(&self, id: AccountId) -> Result<Option<Language>, StorageError> {
        let state = self.state()?;
        let domain = &state.directory.account(id)?.address.domain;
        let languages = &state.languages;
        Ok(languages.accounts.get(&id).or_else(|| languages.domains.get(domain)).copied())
    }

    async fn account_language(&self, id: AccountId) -> Result<Option<Language>, StorageError> {
        let state = self.state()?;
        state.directory.account(id)?;
        Ok(state.languages.accounts.get(&id).copied())
    }

    async fn set_account_language(&self, id: AccountId, language: Option<Language>) -> Result<(), StorageError> {
        let mut state = self.state()?;
        state.directory.account(id)?;
        state.languages.forget_account(id);
        state.languages.accounts.extend(language.map(|language| (id, language)));
        Ok(())
    }

    async fn domain_language(&self, domain: &Domain) -> Result<Option<Language>, StorageError> {
        let state = self.state()?;
        state.directory.require_domain(domain)?;
        Ok(state.languages.domains.get(domain).copied())
    }

    async fn set_domain_language(&self, domain: &Domain, language: Option<Language>) -> Result<(), StorageError> {
        let mut state = self.state()?;
        state.directory.require_domain(domain)?;
        state.languages.forget_domain(domain);
        state.languages.domains.extend(language.map(|language| (domain.clone(), language)));
        Ok(())
    }
}
