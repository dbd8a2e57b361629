//! How much credentials, accounts, domains and the server may send.

use std::collections::HashMap;

use posthouse_identity::key_label;
use posthouse_model::{AccountId, Address, Domain, KeyId, UnixMillis};
use posthouse_storage::{
    AccountKeys, AccountRecord, Directory, DomainRecord, LimitHolder, LimitKind, Named, SendingLimit, SendingQuotas,
    SendingUnit, StorageError,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Refusal, Text, shape};
use crate::house::House;

/// What is asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LimitRequest {
    /// Set a limit.
    Set {
        /// For whom.
        holder: HolderName,
        /// What, by [`LimitKind::name`].
        limit: String,
        /// How much; `None` for as much as anybody likes.
        most: Option<u64>,
        /// When the exception ends, if it is one, in milliseconds since 1970.
        until: Option<i64>,
    },
    /// Clear one.
    Clear {
        /// For whom it is.
        holder: HolderName,
        /// What it limits.
        limit: String,
        /// Whether it is an exception.
        exception: bool,
    },
    /// What holds for a credential, an account, a domain or the server: a list of [`BoundView`].
    Show {
        /// For whom.
        holder: HolderName,
    },
    /// All limits that are set: a list of [`LimitView`].
    List,
}

/// For whom a limit is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HolderName {
    /// The server, all its accounts together.
    Server,
    /// Each domain about which nothing else is said.
    EachDomain,
    /// One domain, all its accounts together.
    Domain(Text<Domain>),
    /// Each account about which nothing closer is said.
    EachAccount,
    /// Each account of a domain about which nothing closer is said.
    EachAccountOf(Text<Domain>),
    /// One account.
    Account(Text<Address>),
    /// Each credential about which nothing closer is said.
    EachKey,
    /// Each credential of an account about which nothing closer is said.
    EachKeyOf(Text<Address>),
    /// One credential of an account.
    Key {
        /// Of which account.
        account: Text<Address>,
        /// What it is called.
        label: String,
    },
}

/// A limit that is set, for people and scripts.
#[derive(Debug, Serialize, Deserialize)]
pub struct LimitView {
    /// For whom.
    pub whose: String,
    /// What.
    pub limit: String,
    /// How much; `None` for as much as anybody likes.
    pub most: Option<u64>,
    /// When the exception ends, if it is one, in milliseconds since 1970.
    pub until: Option<i64>,
}

/// What holds, for people and scripts.
#[derive(Debug, Serialize, Deserialize)]
pub struct BoundView {
    /// Whose mail is counted.
    pub whose: String,
    /// What is limited.
    pub limit: String,
    /// How much has been sent in the period, where the limit is of one.
    pub used: Option<u64>,
    /// How much there may be; `None` for as much as anybody likes.
    pub most: Option<u64>,
    /// When the period ends, in milliseconds since 1970.
    pub begins_anew_at: Option<i64>,
    /// For whom the limit is set that says so.
    pub set_for: Option<String>,
    /// When the exception ends, if one says so.
    pub until: Option<i64>,
}

pub async fn answer(request: LimitRequest, house: &House) -> Result<Value, Refusal> {
    let store = &house.store;
    match request {
        LimitRequest::Set { holder, limit, most, until } => {
            let (holder, kind) = (holder.find(house).await?, kind(&limit)?);
            if !holder.takes(kind) {
                return Err(Refusal::Other(format!("{kind} bounds single messages: set it for accounts")));
            }
            shape(store.set_sending_limit(SendingLimit { holder, kind, most, until: until.map(UnixMillis) }).await?)
        }
        LimitRequest::Clear { holder, limit, exception } => {
            let holder = holder.find(house).await?;
            shape(store.clear_sending_limit(holder, kind(&limit)?, exception).await?)
        }
        LimitRequest::Show { holder } => {
            let unit = match holder.find(house).await? {
                LimitHolder::Domain(id) => SendingUnit::Domain(id),
                LimitHolder::Account(id) => SendingUnit::Account(id),
                LimitHolder::Key(id) => SendingUnit::Key(id),
                _ => SendingUnit::Server,
            };
            shape(show(unit, house).await?)
        }
        LimitRequest::List => {
            let limits = store.sending_limits(None).await?;
            let keys = limits.iter().filter_map(|limit| match limit.holder {
                LimitHolder::Key(id) => Some(id),
                _ => None,
            });
            let names = Names::read(house, keys).await?;
            let view = |limit: SendingLimit| LimitView {
                whose: names.of_holder(limit.holder),
                limit: limit.kind.name().to_owned(),
                most: limit.most,
                until: limit.until.map(|until| until.0),
            };
            shape(limits.into_iter().map(view).collect::<Vec<_>>())
        }
    }
}

/// What holds for a unit, and what it has sent where nothing does.
async fn show(unit: SendingUnit, house: &House) -> Result<Vec<BoundView>, Refusal> {
    let standing = house.store.sending_standing(unit, house.now()).await?;
    let keys = standing.sent.iter().filter_map(|(unit, _)| match unit {
        SendingUnit::Key(id) => Some(*id),
        _ => None,
    });
    let names = Names::read(house, keys).await?;
    let mut views = Vec::new();
    for &(one, sent) in &standing.sent {
        for kind in LimitKind::EACH {
            let bound = standing.bounds.iter().find(|bound| bound.unit == one && bound.kind == kind);
            let (used, begins_anew_at) = match kind {
                LimitKind::Sent(period, counted) => {
                    (Some(sent.in_period(period).of(counted)), Some(period.ends(standing.at).0))
                }
                _ => (None, None),
            };
            // Of others only what bounds this one is told.
            if bound.is_none() && (one != unit || used.is_none()) {
                continue;
            }
            views.push(BoundView {
                whose: names.of_unit(one),
                limit: kind.name().to_owned(),
                used,
                most: bound.map(|bound| bound.most),
                begins_anew_at,
                set_for: bound.map(|bound| names.of_holder(bound.holder)),
                until: bound.and_then(|bound| bound.until).map(|until| until.0),
            });
        }
    }
    Ok(views)
}

fn kind(name: &str) -> Result<LimitKind, Refusal> {
    LimitKind::from_name(name).ok_or_else(|| Refusal::Other(format!("there is no limit called `{name}`")))
}

impl HolderName {
    async fn find(&self, house: &House) -> Result<LimitHolder, Refusal> {
        let domain = async |name: &Text<Domain>| {
            let found = house.store.domain(&name.0).await?;
            found.map(|domain| domain.id).ok_or(StorageError::NotFound(Named::Domain))
        };
        Ok(match self {
            Self::Server => LimitHolder::Server,
            Self::EachDomain => LimitHolder::EachDomain,
            Self::Domain(name) => LimitHolder::Domain(domain(name).await?),
            Self::EachAccount => LimitHolder::EachAccount,
            Self::EachAccountOf(name) => LimitHolder::EachAccountOf(domain(name).await?),
            Self::Account(address) => LimitHolder::Account(house.identity.account_at(&address.0).await?.id),
            Self::EachKey => LimitHolder::EachKey,
            Self::EachKeyOf(address) => LimitHolder::EachKeyOf(house.identity.account_at(&address.0).await?.id),
            Self::Key { account, label } => {
                let label = key_label(label)?;
                let ring = house.identity.keys(&account.0).await?;
                let found = ring.keys.into_iter().find(|key| key.label == label);
                LimitHolder::Key(found.ok_or(StorageError::NotFound(Named::Key))?.id)
            }
        })
    }
}

/// What accounts, domains and credentials are called.
struct Names {
    domains: Vec<DomainRecord>,
    accounts: Vec<AccountRecord>,
    keys: HashMap<KeyId, (AccountId, String)>,
}

impl Names {
    async fn read(house: &House, wanted: impl Iterator<Item = KeyId>) -> Result<Self, Refusal> {
        let (domains, accounts) = (house.store.domains().await?, house.store.accounts(None).await?);
        let mut keys = HashMap::new();
        for key in wanted {
            if let Some(owner) = house.store.key_owner(key).await? {
                keys.insert(key, owner);
            }
        }
        Ok(Self { domains, accounts, keys })
    }

    fn of_holder(&self, holder: LimitHolder) -> String {
        match holder {
            LimitHolder::Server => "server".to_owned(),
            LimitHolder::EachDomain => "each domain".to_owned(),
            LimitHolder::EachAccount => "each account".to_owned(),
            LimitHolder::Domain(id) => self.of_unit(SendingUnit::Domain(id)),
            LimitHolder::EachAccountOf(id) => format!("each account of {}", self.of_unit(SendingUnit::Domain(id))),
            LimitHolder::Account(id) => self.of_unit(SendingUnit::Account(id)),
            LimitHolder::EachKey => "each credential".to_owned(),
            LimitHolder::EachKeyOf(id) => format!("each credential of {}", self.of_unit(SendingUnit::Account(id))),
            LimitHolder::Key(id) => self.of_unit(SendingUnit::Key(id)),
        }
    }

    fn of_unit(&self, unit: SendingUnit) -> String {
        match unit {
            SendingUnit::Server => "server".to_owned(),
            SendingUnit::Domain(id) => {
                let found = self.domains.iter().find(|domain| domain.id == id);
                found.map_or_else(|| format!("domain {}", id.0), |domain| domain.name.to_string())
            }
            SendingUnit::Key(id) => match self.keys.get(&id) {
                Some((account, label)) => format!("{}/{label}", self.of_unit(SendingUnit::Account(*account))),
                None => format!("credential {}", id.0),
            },
            SendingUnit::Account(id) => {
                let found = self.accounts.iter().find(|account| account.id == id);
                found.map_or_else(|| format!("account {}", id.0), |account| account.address.to_string())
            }
        }
    }
}
