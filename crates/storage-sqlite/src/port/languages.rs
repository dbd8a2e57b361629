//! [`Languages`].

use async_trait::async_trait;
use posthouse_model::{AccountId, Domain, Language};
use posthouse_storage::{Languages, Named, StorageError};

use crate::reader::languages;
use crate::store::SqliteStorage;

#[async_trait]
impl Languages for SqliteStorage {
    async fn language_of(&self, id: AccountId) -> Result<Option<Language>, StorageError> {
        let (own, whole) = self.languages_of(id).await?;
        Ok(own.or(whole))
    }

    async fn account_language(&self, id: AccountId) -> Result<Option<Language>, StorageError> {
        Ok(self.languages_of(id).await?.0)
    }

    async fn set_account_language(&self, id: AccountId, language: Option<Language>) -> Result<(), StorageError> {
        self.write(Vec::new(), move |work| work.set_account_language(id, language)).await
    }

    async fn domain_language(&self, domain: &Domain) -> Result<Option<Language>, StorageError> {
        let domain = domain.clone();
        let found = self.ask(move |reader| languages::domain(&reader.connection, &domain)).await?;
        found.ok_or(StorageError::NotFound(Named::Domain))
    }

    async fn set_domain_language(&self, domain: &Domain, language: Option<Language>) -> Result<(), StorageError> {
        let domain = domain.clone();
        self.write(Vec::new(), move |work| work.set_domain_language(&domain, language)).await
    }
}

impl SqliteStorage {
    /// An account's own language, and that of its domain.
    async fn languages_of(&self, id: AccountId) -> Result<(Option<Language>, Option<Language>), StorageError> {
        let found = self.ask(move |reader| languages::account(&reader.connection, id)).await?;
        found.ok_or(StorageError::NotFound(Named::Account))
    }
}
