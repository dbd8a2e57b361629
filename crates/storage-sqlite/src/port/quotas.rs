//! [`Quotas`].

use async_trait::async_trait;
use posthouse_model::{AccountId, Domain};
use posthouse_storage::{
    AccountQuota, AccountQuotaSettings, DomainQuota, DomainQuotaSettings, Named, Quotas, StorageError,
};

use crate::reader::quotas;
use crate::store::SqliteStorage;

#[async_trait]
impl Quotas for SqliteStorage {
    async fn account_quota(&self, account: AccountId) -> Result<AccountQuota, StorageError> {
        if let Some(known) = self.shared.usage.account(account) {
            return Ok(known);
        }
        let found = self.ask(move |reader| quotas::account(&reader.connection, account)).await?;
        found.ok_or(StorageError::NotFound(Named::Account))
    }

    async fn domain_quota(&self, domain: &Domain) -> Result<DomainQuota, StorageError> {
        let domain = domain.clone();
        let found = self.ask(move |reader| quotas::domain(&reader.connection, &domain)).await?;
        found.ok_or(StorageError::NotFound(Named::Domain))
    }

    async fn set_account_quota(&self, account: AccountId, settings: AccountQuotaSettings) -> Result<(), StorageError> {
        self.write(Vec::new(), move |work| work.set_account_quota(account, settings)).await
    }

    async fn set_domain_quota(&self, domain: &Domain, settings: DomainQuotaSettings) -> Result<(), StorageError> {
        let domain = domain.clone();
        self.write(Vec::new(), move |work| work.set_domain_quota(&domain, settings)).await
    }
}
