//! How much mail accounts and domains may keep.

use posthouse_model::{Address, Domain};
use posthouse_storage::{
    AccountQuota, AccountQuotaSettings, Allowance, DomainQuota, DomainQuotaSettings, QuotaSetting, Quotas,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Change, Refusal, Text, shape};
use crate::house::House;

/// What is asked about quotas.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QuotaRequest {
    /// Show, and before that change, what an account may keep: an [`AccountQuotaView`].
    Account {
        /// Its address.
        address: Text<Address>,
        /// Octets.
        size_bytes: Option<Bound>,
        /// Messages.
        messages: Option<Bound>,
    },
    /// Show, and before that change, what a domain may keep: a [`DomainQuotaView`].
    Domain {
        /// Its name.
        name: Text<Domain>,
        /// Octets of all accounts together.
        size_bytes: Change<u64>,
        /// Messages of all accounts together.
        messages: Change<u64>,
        /// Octets of each account about which nothing else is said.
        each_size_bytes: Change<u64>,
        /// Messages of each such account.
        each_messages: Change<u64>,
    },
}

/// What is set for an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bound {
    /// What its domain gives.
    Inherit,
    /// As much as there is room.
    Unlimited,
    /// So much.
    AtMost(u64),
}

impl From<Bound> for QuotaSetting {
    fn from(bound: Bound) -> Self {
        match bound {
            Bound::Inherit => Self::Inherit,
            Bound::Unlimited => Self::Unlimited,
            Bound::AtMost(most) => Self::AtMost(most),
        }
    }
}

impl From<QuotaSetting> for Bound {
    fn from(setting: QuotaSetting) -> Self {
        match setting {
            QuotaSetting::Inherit => Self::Inherit,
            QuotaSetting::Unlimited => Self::Unlimited,
            QuotaSetting::AtMost(most) => Self::AtMost(most),
        }
    }
}

/// How much there is and may be; `None` for as much as there is room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// Octets that there are.
    pub used_bytes: u64,
    /// Octets that there may be.
    pub max_bytes: Option<u64>,
    /// Messages that there are.
    pub used_messages: u64,
    /// Messages that there may be.
    pub max_messages: Option<u64>,
}

/// The quota of an account, for people and scripts.
#[derive(Debug, Serialize, Deserialize)]
pub struct AccountQuotaView {
    /// Its address.
    pub address: String,
    /// What there is and may be.
    #[serde(flatten)]
    pub figures: Figures,
    /// What is set for its octets.
    pub size_setting: Bound,
    /// What is set for its messages.
    pub messages_setting: Bound,
}

/// The quota of a domain, for people and scripts.
#[derive(Debug, Serialize, Deserialize)]
pub struct DomainQuotaView {
    /// Its name.
    pub name: String,
    /// What there is and may be, in all accounts together.
    #[serde(flatten)]
    pub figures: Figures,
    /// Octets that each account may have about which nothing else is said.
    pub each_max_bytes: Option<u64>,
    /// Messages that each such account may have.
    pub each_max_messages: Option<u64>,
}

impl Figures {
    /// Of an account.
    pub fn of_account(quota: &AccountQuota) -> Self {
        Self::new(quota.used, quota.allowed)
    }

    /// Of a domain.
    pub fn of_domain(quota: &DomainQuota) -> Self {
        Self::new(quota.used, quota.settings.total)
    }

    fn new(used: posthouse_storage::Usage, allowed: Allowance) -> Self {
        Self {
            used_bytes: used.size_bytes,
            max_bytes: allowed.size_bytes,
            used_messages: used.messages,
            max_messages: allowed.messages,
        }
    }
}

pub async fn answer(request: QuotaRequest, house: &House) -> Result<Value, Refusal> {
    let store = &house.store;
    match request {
        QuotaRequest::Account { address, size_bytes, messages } => {
            let account = house.identity.account_at(&address.0).await?;
            let before = store.account_quota(account.id).await?.settings;
            let settings = AccountQuotaSettings {
                size_bytes: size_bytes.map_or(before.size_bytes, QuotaSetting::from),
                messages: messages.map_or(before.messages, QuotaSetting::from),
            };
            if settings != before {
                store.set_account_quota(account.id, settings).await?;
            }
            let quota = store.account_quota(account.id).await?;
            shape(AccountQuotaView {
                address: account.address.to_string(),
                figures: Figures::of_account(&quota),
                size_setting: quota.settings.size_bytes.into(),
                messages_setting: quota.settings.messages.into(),
            })
        }
        QuotaRequest::Domain { name, size_bytes, messages, each_size_bytes, each_messages } => {
            let before = store.domain_quota(&name.0).await?.settings;
            let DomainQuotaSettings { mut total, mut each_account } = before;
            size_bytes.apply(&mut total.size_bytes);
            messages.apply(&mut total.messages);
            each_size_bytes.apply(&mut each_account.size_bytes);
            each_messages.apply(&mut each_account.messages);
            let settings = DomainQuotaSettings { total, each_account };
            if settings != before {
                store.set_domain_quota(&name.0, settings).await?;
            }
            let quota = store.domain_quota(&name.0).await?;
            shape(DomainQuotaView {
                name: name.0.to_string(),
                figures: Figures::of_domain(&quota),
                each_max_bytes: quota.settings.each_account.size_bytes,
                each_max_messages: quota.settings.each_account.messages,
            })
        }
    }
}
