//! Secrets that accounts have besides their passwords.

use posthouse_identity::KeyDraft;
use posthouse_model::{Address, Secret, UnixMillis};
use posthouse_storage::{AccountKey, KeyService, KeyServices};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::wire_types::password;
use super::{Refusal, Text, shape};
use crate::house::House;

/// What is asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialRequest {
    /// Make one: a [`CredentialMade`].
    Add {
        /// For which account.
        account: Text<Address>,
        /// What it is to be called.
        label: String,
        /// What it is for, by [`KeyService::name`]; none for all.
        services: Vec<String>,
        /// When it expires, if ever, in milliseconds since 1970.
        expires_at: Option<i64>,
    },
    /// Those of an account: a [`CredentialsView`].
    List {
        /// Which account.
        account: Text<Address>,
    },
    /// Remove one.
    Remove {
        /// Of which account.
        account: Text<Address>,
        /// What it is called.
        label: String,
    },
    /// Say whether the main password is good for mail: the [`CredentialsView`] as it is then.
    Bar {
        /// Which account.
        account: Text<Address>,
        /// Whether it is good for none of it.
        barred: bool,
    },
}

/// A credential with its secret, which is told this once.
#[derive(Debug, Serialize, Deserialize)]
pub struct CredentialMade {
    /// What is kept of it.
    pub credential: CredentialView,
    /// The secret.
    #[serde(with = "password")]
    pub secret: Secret,
}

/// A credential, for people and scripts.
#[derive(Debug, Serialize, Deserialize)]
pub struct CredentialView {
    /// Its number, which is never given again.
    pub id: u64,
    /// What it is called.
    pub label: String,
    /// What it is for.
    pub services: Vec<String>,
    /// When it was made, in milliseconds since 1970.
    pub created_at: i64,
    /// When it expires, if ever, in milliseconds since 1970.
    pub expires_at: Option<i64>,
    /// Whether that time has come.
    pub expired: bool,
    /// When it was used last, to the minute, in milliseconds since 1970.
    pub last_used_at: Option<i64>,
    /// For what.
    pub last_used_for: Option<String>,
}

/// What an account signs in with.
#[derive(Debug, Serialize, Deserialize)]
pub struct CredentialsView {
    /// Whether its main password is good for no mail protocol.
    pub main_password_barred: bool,
    /// The credentials, by label.
    pub credentials: Vec<CredentialView>,
}

impl CredentialView {
    fn new(key: AccountKey, now: UnixMillis) -> Self {
        Self {
            id: key.id.0,
            services: key.services.each().map(|service| service.name().to_owned()).collect(),
            created_at: key.created_at.0,
            expires_at: key.expires_at.map(|at| at.0),
            expired: key.expires_at.is_some_and(|at| now >= at),
            last_used_at: key.last_use.map(|used| used.at.0),
            last_used_for: key.last_use.map(|used| used.service.name().to_owned()),
            label: key.label,
        }
    }
}

pub async fn answer(request: CredentialRequest, house: &House) -> Result<Value, Refusal> {
    let identity = &house.identity;
    match request {
        CredentialRequest::Add { account, label, services, expires_at } => {
            let services = services_named(&services)?;
            let draft = KeyDraft { account: account.0, label, services, expires_at: expires_at.map(UnixMillis) };
            let (key, secret) = identity.add_key(draft, house.now()).await?;
            shape(CredentialMade { credential: CredentialView::new(key, house.now()), secret })
        }
        CredentialRequest::List { account } => view(&account.0, house).await,
        CredentialRequest::Remove { account, label } => {
            identity.remove_key(&account.0, &label).await?;
            shape(())
        }
        CredentialRequest::Bar { account, barred } => {
            identity.bar_password(&account.0, barred).await?;
            view(&account.0, house).await
        }
    }
}

async fn view(account: &Address, house: &House) -> Result<Value, Refusal> {
    let ring = house.identity.keys(account).await?;
    let now = house.now();
    shape(CredentialsView {
        main_password_barred: ring.password_barred,
        credentials: ring.keys.into_iter().map(|key| CredentialView::new(key, now)).collect(),
    })
}

fn services_named(names: &[String]) -> Result<KeyServices, Refusal> {
    if names.is_empty() {
        return Ok(KeyServices::ALL);
    }
    let read = |name: &String| {
        KeyService::from_name(name).ok_or_else(|| Refusal::Other(format!("there is no protocol called `{name}`")))
    };
    let services: Vec<_> = names.iter().map(read).collect::<Result<_, _>>()?;
    Ok(KeyServices::of(&services))
}
