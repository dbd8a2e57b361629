//! In which language the house writes to people.

use posthouse_model::{Address, Domain, Language};
use posthouse_storage::Languages;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Change, Refusal, Text, shape};
use crate::house::House;

/// What is asked about languages.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LanguageRequest {
    /// Show, and before that change, the language of an account: a [`LanguageView`].
    Account {
        /// Its address.
        address: Text<Address>,
        /// Its own language, as a tag.
        language: Change<String>,
    },
    /// Show, and before that change, the language of a domain's accounts: a [`LanguageView`].
    Domain {
        /// Its name.
        name: Text<Domain>,
        /// The language, as a tag.
        language: Change<String>,
    },
}

/// A language, for people and scripts.
#[derive(Debug, Serialize, Deserialize)]
pub struct LanguageView {
    /// Whose: an address or a domain.
    pub whose: String,
    /// What is set here, as a tag.
    pub own: Option<String>,
    /// In which language reports are written, as a tag.
    pub used: String,
}

pub async fn answer(request: LanguageRequest, house: &House) -> Result<Value, Refusal> {
    let store = &house.store;
    let fallback = house.flow.options().language;
    let (whose, own, used) = match request {
        LanguageRequest::Account { address: Text(address), language } => {
            let id = house.identity.account_at(&address).await?.id;
            if let Some(language) = wanted(language)? {
                store.set_account_language(id, language).await?;
            }
            (address.to_string(), store.account_language(id).await?, store.language_of(id).await?)
        }
        LanguageRequest::Domain { name: Text(name), language } => {
            if let Some(language) = wanted(language)? {
                store.set_domain_language(&name, language).await?;
            }
            let own = store.domain_language(&name).await?;
            (name.to_string(), own, own)
        }
    };
    let used = used.unwrap_or(fallback).to_string();
    shape(LanguageView { whose, own: own.map(|language| language.to_string()), used })
}

/// What is to be set, if anything.
fn wanted(change: Change<String>) -> Result<Option<Option<Language>>, Refusal> {
    match change {
        Change::Keep => Ok(None),
        Change::Clear => Ok(Some(None)),
        Change::Set(tag) => match Language::parse(&tag) {
            Some(language) => Ok(Some(Some(language))),
            None => Err(Refusal::Other(format!("`{tag}` is no language that reports are written in"))),
        },
    }
}
