//! Keys that sign what leaves.

use posthouse_domain_policy::dkim::{DkimAlgorithm, is_published};
use posthouse_flow::signing::{KeyState, SigningKey, SigningKeyError};
use posthouse_model::Domain;
use posthouse_storage::{Directory, Named, StorageError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Refusal, Text, shape};
use crate::house::House;

/// What is asked about keys.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DkimRequest {
    /// Make a key: a [`KeyView`].
    Generate {
        /// Whose.
        domain: Text<Domain>,
        /// Of which kind.
        algorithm: AlgorithmName,
        /// Its selector.
        selector: Option<String>,
    },
    /// All keys of a domain, and those of the domain above that it borrows: a list of [`KeyView`].
    List {
        /// Whose.
        domain: Text<Domain>,
        /// Whether to look into DNS.
        look_up: bool,
    },
    /// Sign with a key, or with all that are pending: a list of [`KeyView`].
    Activate {
        /// Whose.
        domain: Text<Domain>,
        /// Which one.
        selector: Option<String>,
        /// Whether DNS has to have the record.
        look_up: bool,
    },
    /// Sign no longer with a key: a [`KeyView`].
    Retire {
        /// Whose.
        domain: Text<Domain>,
        /// Which one.
        selector: String,
    },
    /// Remove a key: a [`KeyView`] of what it was.
    Remove {
        /// Whose.
        domain: Text<Domain>,
        /// Which one.
        selector: String,
        /// Though what it signed may still be on its way.
        early: bool,
    },
}

/// A kind of key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlgorithmName {
    /// RSA of 2048 bits.
    Rsa,
    /// Ed25519.
    Ed25519,
}

impl From<AlgorithmName> for DkimAlgorithm {
    fn from(name: AlgorithmName) -> Self {
        match name {
            AlgorithmName::Rsa => Self::RsaSha256,
            AlgorithmName::Ed25519 => Self::Ed25519Sha256,
        }
    }
}

/// A key, for people and scripts.
#[derive(Debug, Serialize, Deserialize)]
pub struct KeyView {
    /// Its selector.
    pub selector: String,
    /// `rsa-sha256` or `ed25519-sha256`.
    pub algorithm: String,
    /// `pending`, `active` or `retired`.
    pub state: String,
    /// When it was made, in milliseconds since 1970.
    pub created_at: i64,
    /// When it came to this state.
    pub changed_at: i64,
    /// Where its record belongs.
    pub record_name: String,
    /// The record.
    pub record: String,
    /// What DNS has: `published`, or why not; nothing where nobody looked.
    pub dns: Option<String>,
    /// The domain above whose key it is, where the domain has none that sign and borrows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub borrowed_from: Option<String>,
}

/// What stands for a record that DNS has as it is to be.
pub const PUBLISHED: &str = "published";

impl KeyView {
    fn of(key: SigningKey, domain: &Domain) -> Self {
        Self {
            record_name: key.record_name(domain),
            selector: key.selector,
            algorithm: key.algorithm.name().to_owned(),
            state: key.state.name().to_owned(),
            created_at: key.created_at.0,
            changed_at: key.changed_at.0,
            record: key.record,
            dns: None,
            borrowed_from: None,
        }
    }

    async fn look_up(&mut self, house: &House) {
        self.dns = Some(match Domain::parse(&self.record_name) {
            Err(_) => "the name of the record is too long for DNS".to_owned(),
            Ok(name) => match house.resolver.current_texts(&name).await {
                Ok(found) if is_published(&self.record, &found.records) => PUBLISHED.to_owned(),
                Ok(_) => "there is another record under that name".to_owned(),
                Err(error) => error.to_string(),
            },
        });
    }
}

impl From<SigningKeyError> for Refusal {
    fn from(error: SigningKeyError) -> Self {
        Self::Other(error.to_string())
    }
}

pub async fn answer(request: DkimRequest, house: &House) -> Result<Value, Refusal> {
    let flow = &house.flow;
    match request {
        DkimRequest::Generate { domain: Text(domain), algorithm, selector } => {
            require_domain(house, &domain).await?;
            let key = flow.add_signing_key(&domain, selector.as_deref(), algorithm.into()).await?;
            shape(KeyView::of(key, &domain))
        }
        DkimRequest::List { domain: Text(domain), look_up } => {
            require_domain(house, &domain).await?;
            let keys = flow.signing_keys(&domain).await?;
            let mut views: Vec<_> = keys.into_iter().map(|key| KeyView::of(key, &domain)).collect();
            let (whose, signing) = flow.keys_that_sign(&domain).await?;
            if whose != domain {
                let borrowed = |key| KeyView { borrowed_from: Some(whose.to_string()), ..KeyView::of(key, &whose) };
                views.extend(signing.into_iter().map(borrowed));
            }
            if look_up {
                for view in &mut views {
                    view.look_up(house).await;
                }
            }
            shape(views)
        }
        DkimRequest::Activate { domain: Text(domain), selector, look_up } => {
            let keys = flow.signing_keys(&domain).await?;
            let is_meant = |key: &SigningKey| match &selector {
                Some(selector) => key.selector.eq_ignore_ascii_case(selector),
                None => key.state == KeyState::Pending,
            };
            let mut views: Vec<_> = keys.into_iter().filter(is_meant).map(|key| KeyView::of(key, &domain)).collect();
            if views.is_empty() {
                let which = selector.map_or("is pending".to_owned(), |selector| format!("has the selector {selector}"));
                return Err(Refusal::Other(format!("no key of {domain} {which}")));
            }
            for view in views.iter_mut().filter(|_| look_up) {
                view.look_up(house).await;
                if let Some(why) = view.dns.as_deref().filter(|dns| *dns != PUBLISHED) {
                    return Err(Refusal::Other(format!(
                        "DNS does not have the record of the key {} ({}): {why}. Mail that it signed would not be \
                         believed; `posthouse dkim records {domain}` prints what to publish",
                        view.selector, view.record_name
                    )));
                }
            }
            for view in &mut views {
                let key = flow.change_signing_key(&domain, &view.selector, KeyState::Active).await?;
                *view = KeyView { dns: view.dns.take(), ..KeyView::of(key, &domain) };
            }
            shape(views)
        }
        DkimRequest::Retire { domain: Text(domain), selector } => {
            let key = flow.change_signing_key(&domain, &selector, KeyState::Retired).await?;
            let mut view = KeyView::of(key, &domain);
            view.look_up(house).await;
            shape(view)
        }
        DkimRequest::Remove { domain: Text(domain), selector, early } => {
            let mut view = KeyView::of(flow.remove_signing_key(&domain, &selector, early).await?, &domain);
            view.look_up(house).await;
            shape(view)
        }
    }
}

async fn require_domain(house: &House, domain: &Domain) -> Result<(), Refusal> {
    match house.store.domain(domain).await? {
        Some(_) => Ok(()),
        None => Err(StorageError::NotFound(Named::Domain).into()),
    }
}
