//! Quotas in memory: usage is added up anew each time.

use std::collections::BTreeMap;

use async_trait::async_trait;
use posthouse_model::{AccountId, Domain};

use super::{MemoryStorage, State};
use crate::error::StorageError;
use crate::mail::Delivery;
use crate::quotas::{AccountQuota, AccountQuotaSettings, DomainQuota, DomainQuotaSettings, Quotas, Usage};

#[derive(Default)]
pub(super) struct QuotaTables {
    accounts: BTreeMap<AccountId, AccountQuotaSettings>,
    domains: BTreeMap<Domain, DomainQuotaSettings>,
}

impl State {
    pub(super) fn usage(&self, account: AccountId) -> Usage {
        self.mail.list(account).into_iter().fold(Usage::default(), |sum, mailbox| Usage {
            size_bytes: sum.size_bytes + mailbox.size_bytes,
            messages: sum.messages + u64::from(mailbox.messages),
        })
    }

    fn domain_quota(&self, domain: &Domain) -> Result<DomainQuota, StorageError> {
        let accounts = self.directory.accounts_of(domain)?;
        let used = accounts.into_iter().map(|account| self.usage(account)).fold(Usage::default(), |sum, one| Usage {
            size_bytes: sum.size_bytes + one.size_bytes,
            messages: sum.messages + one.messages,
        });
        let settings = self.quotas.domains.get(domain).copied().unwrap_or_default();
        Ok(DomainQuota { settings, used })
    }

    fn account_quota(&self, account: AccountId) -> Result<AccountQuota, StorageError> {
        let domain = self.domain_quota(&self.directory.domain_of(account)?)?;
        let settings = self.quotas.accounts.get(&account).copied().unwrap_or_default();
        let allowed = settings.allowance(domain.settings.each_account);
        Ok(AccountQuota { settings, allowed, used: self.usage(account), domain })
    }

    /// Whether there is room for messages in accounts: who, how many octets each.
    pub(super) fn check_growth(&self, messages: &[(AccountId, u64)]) -> Result<(), StorageError> {
        let mut each: BTreeMap<AccountId, Usage> = BTreeMap::new();
        for (account, size_bytes) in messages {
            let usage = each.entry(*account).or_default();
            usage.size_bytes += size_bytes;
            usage.messages += 1;
        }
        self.check_usage_growth(each)
    }

    /// Likewise, by how much there is to be more.
    pub(super) fn check_usage_growth(&self, each: BTreeMap<AccountId, Usage>) -> Result<(), StorageError> {
        let mut over = Vec::new();
        let mut taken: BTreeMap<Domain, Usage> = BTreeMap::new();
        for (account, grows) in each {
            let quota = self.account_quota(account)?;
            let in_domain = taken.entry(self.directory.domain_of(account)?).or_default();
            let plus = |one: Usage, other: Usage| Usage {
                size_bytes: one.size_bytes + other.size_bytes,
                messages: one.messages + other.messages,
            };
            let grown = (grows.size_bytes > 0, grows.messages > 0);
            let of_domain = plus(plus(quota.domain.used, *in_domain), grows);
            if quota.allowed.is_passed(plus(quota.used, grows), grown)
                || quota.domain.settings.total.is_passed(of_domain, grown)
            {
                over.push(account);
            } else {
                *in_domain = plus(*in_domain, grows);
            }
        }
        if over.is_empty() { Ok(()) } else { Err(StorageError::OverQuota { accounts: over }) }
    }

    /// Likewise, for all that a delivery puts into mailboxes.
    pub(super) fn check_delivery_growth(&self, delivery: &Delivery) -> Result<(), StorageError> {
        let size_bytes = delivery.body.size_bytes;
        let messages: Vec<_> = delivery.placements.iter().map(|one| (one.account, size_bytes)).collect();
        self.check_growth(&messages)
    }
}

#[async_trait]
impl Quotas for MemoryStorage {
    async fn account_quota(&self, account: AccountId) -> Result<AccountQuota, StorageError> {
        self.state()?.account_quota(account)
    }

    async fn domain_quota(&self, domain: &Domain) -> Result<DomainQuota, StorageError> {
        self.state()?.domain_quota(domain)
    }

    async fn set_account_quota(&self, account: AccountId, settings: AccountQuotaSettings) -> Result<(), StorageError> {
        let mut state = self.state()?;
        state.directory.domain_of(account)?;
        state.quotas.accounts.insert(account, settings);
        Ok(())
    }

    async fn set_domain_quota(&self, domain: &Domain, settings: DomainQuotaSettings) -> Result<(), StorageError> {
        let mut state = self.state()?;
        state.directory.accounts_of(domain)?;
        state.quotas.domains.insert(domain.clone(), settings);
        Ok(())
    }
}
