//! How much mail an account and a domain may keep, and how much they do.
//!
//! What a message takes is its octets, in each mailbox that shows it. Every change that would leave more mail than
//! allowed is refused with [`StorageError::OverQuota`] by the store itself, in the same transaction that would have
//! made it, so that no two changes pass together what each alone may reach. What makes no more of it never is, not even
//! where there is too much already; nor are delivery reports ([`Settlement`](crate::Settlement)), which are small and
//! have nowhere else to go.

use async_trait::async_trait;
use posthouse_model::{AccountId, Domain};

use crate::error::StorageError;

/// How much there may be; `None` for as much as there is room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowance {
    /// Octets of all messages together.
    pub size_bytes: Option<u64>,
    /// Messages.
    pub messages: Option<u64>,
}

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Octets of all messages together.
    pub size_bytes: u64,
    /// Messages.
    pub messages: u64,
}

/// What is set for one resource of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum QuotaSetting {
    /// What its domain gives to accounts.
    #[default]
    Inherit,
    /// As much as there is room, whatever the domain gives.
    Unlimited,
    /// So much.
    AtMost(u64),
}

/// What is set for an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccountQuotaSettings {
    /// Octets of all messages together.
    pub size_bytes: QuotaSetting,
    /// Messages.
    pub messages: QuotaSetting,
}

/// What is set for a domain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DomainQuotaSettings {
    /// For all its accounts together.
    pub total: Allowance,
    /// For each account about which nothing else is said.
    pub each_account: Allowance,
}

/// An account with what it may keep and does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccountQuota {
    /// What is set.
    pub settings: AccountQuotaSettings,
    /// What that comes to.
    pub allowed: Allowance,
    /// What there is.
    pub used: Usage,
    /// Its domain.
    pub domain: DomainQuota,
}

/// A domain with what its accounts may keep and do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DomainQuota {
    /// What is set.
    pub settings: DomainQuotaSettings,
    /// What there is, in all its accounts together.
    pub used: Usage,
}

impl QuotaSetting {
    /// What it comes to where the domain gives `inherited`.
    pub fn allows(self, inherited: Option<u64>) -> Option<u64> {
        match self {
            Self::Inherit => inherited,
            Self::Unlimited => None,
            Self::AtMost(most) => Some(most),
        }
    }
}

impl AccountQuotaSettings {
    /// What they come to in a domain that gives `inherited`.
    pub fn allowance(&self, inherited: Allowance) -> Allowance {
        Allowance {
            size_bytes: self.size_bytes.allows(inherited.size_bytes),
            messages: self.messages.allows(inherited.messages),
        }
    }
}

impl Allowance {
    /// Whether there is no room for anything more.
    pub fn is_used_up(&self, used: Usage) -> bool {
        self.size_bytes.is_some_and(|most| used.size_bytes >= most)
            || self.messages.is_some_and(|most| used.messages >= most)
    }

    /// Whether there is more than allowed of something that has just `grown`.
    pub fn is_passed(&self, used: Usage, grown: (bool, bool)) -> bool {
        (grown.0 && self.size_bytes.is_some_and(|most| used.size_bytes > most))
            || (grown.1 && self.messages.is_some_and(|most| used.messages > most))
    }
}

impl AccountQuota {
    /// Whether the account can take a message of this size.
    pub fn takes(&self, size_bytes: u64) -> bool {
        let fits = |allowed: &Allowance, used: Usage| {
            let then = Usage { size_bytes: used.size_bytes.saturating_add(size_bytes), messages: used.messages + 1 };
            !allowed.is_passed(then, (true, true))
        };
        fits(&self.allowed, self.used) && fits(&self.domain.settings.total, self.domain.used)
    }

    /// Whether the account can take no further message, however small.
    pub fn is_used_up(&self) -> bool {
        self.allowed.is_used_up(self.used) || self.domain.settings.total.is_used_up(self.domain.used)
    }
}

/// Quotas at rest. Usage is exact at every moment.
#[async_trait]
pub trait Quotas: Send + Sync + 'static {
    /// What an account may keep and does.
    async fn account_quota(&self, account: AccountId) -> Result<AccountQuota, StorageError>;
    /// What a domain may keep and does.
    async fn domain_quota(&self, domain: &Domain) -> Result<DomainQuota, StorageError>;
    /// Sets what an account may keep. What is there stays, even if it is more.
    async fn set_account_quota(&self, account: AccountId, settings: AccountQuotaSettings) -> Result<(), StorageError>;
    /// Sets what a domain may keep, likewise.
    async fn set_domain_quota(&self, domain: &Domain, settings: DomainQuotaSettings) -> Result<(), StorageError>;
}
