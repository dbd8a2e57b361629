//! Addresses that stand for others.

use posthouse_model::{Address, Domain};
use posthouse_storage::{AliasRecord, Directory, Named, Resolution, StorageError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Refusal, Text, shape};
use crate::house::House;

/// What is asked about aliases.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AliasRequest {
    /// Make an alias, or add targets to it: an [`AliasView`].
    Add {
        /// The address.
        address: Text<Address>,
        /// Where its mail goes.
        targets: Vec<Text<Address>>,
    },
    /// Remove targets of an alias, or all of it.
    Remove {
        /// The address.
        address: Text<Address>,
        /// Which targets; none means the whole alias.
        targets: Vec<Text<Address>>,
    },
    /// All aliases, or those of one domain: a list of [`AliasView`].
    List {
        /// Which domain.
        domain: Option<Text<Domain>>,
    },
}

/// An alias, for people and scripts.
#[derive(Debug, Serialize, Deserialize)]
pub struct AliasView {
    /// The address.
    pub address: String,
    /// Where its mail goes.
    pub targets: Vec<String>,
    /// When it was made, in milliseconds since 1970.
    pub created_at: i64,
}

impl From<AliasRecord> for AliasView {
    fn from(record: AliasRecord) -> Self {
        Self {
            address: record.address.to_string(),
            targets: record.targets.iter().map(ToString::to_string).collect(),
            created_at: record.created_at.0,
        }
    }
}

pub async fn answer(request: AliasRequest, house: &House) -> Result<Value, Refusal> {
    match request {
        AliasRequest::Add { address, targets } => add(house, address.0, targets).await,
        AliasRequest::Remove { address, targets } => remove(house, address.0, &targets).await,
        AliasRequest::List { domain } => {
            let domain = domain.map(|domain| domain.0);
            let aliases = house.store.aliases(domain.as_ref()).await?;
            shape(aliases.into_iter().map(AliasView::from).collect::<Vec<_>>())
        }
    }
}

async fn add(house: &House, address: Address, targets: Vec<Text<Address>>) -> Result<Value, Refusal> {
    let mut all = match house.store.resolve(&address).await? {
        Some(Resolution::Alias(alias)) => alias.targets,
        Some(Resolution::Account(_)) | None => Vec::new(),
    };
    for Text(target) in targets {
        if !all.iter().any(|known| known.folded() == target.folded()) {
            all.push(target);
        }
    }
    house.identity.put_alias(address.clone(), all, house.now()).await?;
    shape(AliasView::from(find(house, &address).await?))
}

async fn remove(house: &House, address: Address, targets: &[Text<Address>]) -> Result<Value, Refusal> {
    let mut alias = find(house, &address).await?;
    let is_named = |target: &Address| targets.iter().any(|named| named.0.folded() == target.folded());
    if let Some(absent) = targets.iter().find(|named| !alias.targets.iter().any(|t| t.folded() == named.0.folded())) {
        return Err(Refusal::Other(format!("{} is not a target of {address}", absent.0)));
    }
    alias.targets.retain(|target| !is_named(target));
    if targets.is_empty() || alias.targets.is_empty() {
        house.store.delete_alias(&address).await?;
    } else {
        house.identity.put_alias(address, alias.targets, house.now()).await?;
    }
    shape(())
}

async fn find(house: &House, address: &Address) -> Result<AliasRecord, Refusal> {
    match house.store.resolve(address).await? {
        Some(Resolution::Alias(alias)) => Ok(alias),
        Some(Resolution::Account(_)) => Err(Refusal::Other(format!("{address} is an account, not an alias"))),
        None => Err(StorageError::NotFound(Named::Alias).into()),
    }
}
