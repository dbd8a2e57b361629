//! In which language the house writes to those who have mail here.

use async_trait::async_trait;
use posthouse_model::{AccountId, Domain, Language};

use crate::error::StorageError;

/// Languages at rest.
#[async_trait]
pub trait Languages: Send + Sync + 'static {
    /// The language in which to write to an account: its own, else that of its domain; `None` where neither has one.
    async fn language_of(&self, id: AccountId) -> Result<Option<Language>, StorageError>;
    /// An account's own language.
    async fn account_language(&self, id: AccountId) -> Result<Option<Language>, StorageError>;
    /// Sets an account's own language; `None` takes it away.
    async fn set_account_language(&self, id: AccountId, language: Option<Language>) -> Result<(), StorageError>;
    /// The language of a domain's accounts that have none of their own.
    async fn domain_language(&self, domain: &Domain) -> Result<Option<Language>, StorageError>;
    /// Sets it; `None` takes it away.
    async fn set_domain_language(&self, domain: &Domain, language: Option<Language>) -> Result<(), StorageError>;
}
