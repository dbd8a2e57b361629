//! For whom a rule is, as it travels.

use posthouse_model::{Address, Domain};
use posthouse_storage::{Directory, Named, Scope, StorageError};
use serde::{Deserialize, Serialize};

use super::{Refusal, Text};
use crate::house::House;

/// For whom a rule is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScopeName {
    /// Every account of the server.
    Everyone,
    /// Every account of a domain.
    Domain(Text<Domain>),
    /// One account.
    Account(Text<Address>),
}

impl ScopeName {
    /// The scope that is meant.
    ///
    /// # Errors
    /// When there is no such domain or account.
    pub async fn find(&self, house: &House) -> Result<Scope, Refusal> {
        match self {
            Self::Everyone => Ok(Scope::Everyone),
            Self::Domain(name) => {
                let domain = house.store.domain(&name.0).await?;
                Ok(Scope::Domain(domain.ok_or(StorageError::NotFound(Named::Domain))?.id))
            }
            Self::Account(address) => Ok(Scope::Account(house.identity.account_at(&address.0).await?.id)),
        }
    }
}

/// What scopes are called, for lists.
pub struct ScopeNames {
    domains: Vec<posthouse_storage::DomainRecord>,
}

impl ScopeNames {
    /// Reads the names of domains.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn read(house: &House) -> Result<Self, Refusal> {
        Ok(Self { domains: house.store.domains().await? })
    }

    /// What a scope is called.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn name(&self, scope: Scope, house: &House) -> Result<String, Refusal> {
        Ok(match scope {
            Scope::Everyone => "everyone".to_owned(),
            Scope::Domain(id) => {
                let found = self.domains.iter().find(|domain| domain.id == id);
                found.map_or_else(|| format!("domain {}", id.0), |domain| domain.name.to_string())
            }
            Scope::Account(id) => {
                let found = house.store.account(id).await?;
                found.map_or_else(|| format!("account {}", id.0), |account| account.address.to_string())
            }
        })
    }
}
