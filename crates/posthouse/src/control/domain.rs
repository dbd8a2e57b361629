//! Domains that this server takes mail for.

use posthouse_model::{Address, Domain};
use posthouse_storage::{Directory, DomainRecord, Named, Quotas, StorageError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::quota::Figures;
use super::{Change, Refusal, Text, shape};
use crate::house::House;

/// What is asked about domains.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DomainRequest {
    /// Take mail for a domain.
    Add {
        /// Its name.
        name: Text<Domain>,
    },
    /// Take no more mail for a domain.
    Remove {
        /// Its name.
        name: Text<Domain>,
    },
    /// All domains: a list of [`DomainView`].
    List,
    /// One domain: a [`DomainView`].
    Show {
        /// Its name.
        name: Text<Domain>,
    },
    /// Change a domain: the [`DomainView`] as it is then.
    Set {
        /// Its name.
        name: Text<Domain>,
        /// Where mail goes that nobody else takes.
        catch_all: Change<Text<Address>>,
        /// What separates a local part from its detail.
        subaddress_separator: Change<char>,
        /// Whether it only sends, if that is to change.
        sends_only: Option<bool>,
    },
}

/// A domain, for people and scripts.
#[derive(Debug, Serialize, Deserialize)]
pub struct DomainView {
    /// Its name.
    pub name: String,
    /// Where mail goes that nobody else takes.
    pub catch_all: Option<String>,
    /// What separates a local part from its detail.
    pub subaddress_separator: Option<char>,
    /// Whether it only sends.
    pub sends_only: bool,
    /// When it was added, in milliseconds since 1970.
    pub created_at: i64,
    /// How much mail there is and may be, in all its accounts together.
    pub quota: Figures,
}

impl DomainView {
    async fn of(record: DomainRecord, house: &House) -> Result<Self, Refusal> {
        let quota = Figures::of_domain(&house.store.domain_quota(&record.name).await?);
        Ok(Self {
            name: record.name.to_string(),
            catch_all: record.catch_all.map(|address| address.to_string()),
            subaddress_separator: record.subaddress_separator,
            sends_only: record.sends_only,
            created_at: record.created_at.0,
            quota,
        })
    }
}

/// Characters that may separate a local part from its detail.
const SEPARATORS: &str = "+-=_#";

pub async fn answer(request: DomainRequest, house: &House) -> Result<Value, Refusal> {
    let store = &house.store;
    match request {
        DomainRequest::Add { name } => {
            if name.0.as_ip().is_some() {
                return Err(Refusal::Other(format!("{} is an address, not a domain", name.0)));
            }
            let domain = house.identity.create_domain(name.0, house.now()).await?;
            shape(DomainView::of(domain, house).await?)
        }
        DomainRequest::Remove { name } => {
            store.delete_domain(&name.0).await?;
            house.flow.forget_signing_keys(&name.0).await?;
            shape(())
        }
        DomainRequest::List => {
            let mut views = Vec::new();
            for domain in store.domains().await? {
                views.push(DomainView::of(domain, house).await?);
            }
            shape(views)
        }
        DomainRequest::Show { name } => shape(DomainView::of(find(house, &name.0).await?, house).await?),
        DomainRequest::Set { name, catch_all, subaddress_separator, sends_only } => {
            if let Change::Set(separator) = subaddress_separator
                && !SEPARATORS.contains(separator)
            {
                let allowed: Vec<String> = SEPARATORS.chars().map(String::from).collect();
                return Err(Refusal::Other(format!(
                    "`{separator}` cannot separate sub-addresses: allowed are {}",
                    allowed.join(" ")
                )));
            }
            let mut record = find(house, &name.0).await?;
            let mut target = record.catch_all.map(Text);
            catch_all.apply(&mut target);
            record.catch_all = target.map(|address| address.0);
            subaddress_separator.apply(&mut record.subaddress_separator);
            record.sends_only = sends_only.unwrap_or(record.sends_only);
            store.update_domain(record.clone()).await?;
            shape(DomainView::of(record, house).await?)
        }
    }
}

async fn find(house: &House, name: &Domain) -> Result<DomainRecord, Refusal> {
    let record = house.store.domain(name).await?;
    record.ok_or_else(|| StorageError::NotFound(Named::Domain).into())
}
