//! The accounts of a demonstration.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use posthouse_identity::{AccountDraft, AccountError, random_password};
use posthouse_model::{Address, Domain, LocalPart, Secret};
use posthouse_storage::StorageError;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::house::House;

/// The name of the first account, which is also the postmaster.
pub const FIRST_NAME: &str = "ann";
const SECOND_NAME: &str = "bob";
/// Passwords of the accounts, for the next time that the same data is used.
const PASSWORDS_FILE: &str = "demo-accounts.json";
/// Rights of that file.
const PASSWORDS_MODE: u32 = 0o600;
/// Accounts that are made at once: enough to keep the hashing threads busy.
const MADE_AT_ONCE: usize = 32;

/// An account of the demonstration, whose password is no secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DemoAccount {
    /// Address and login.
    pub address: String,
    /// Password.
    pub password: String,
    /// Whether it was made just now.
    #[serde(skip)]
    pub is_new: bool,
}

/// Makes the domain and as many accounts as there are to be, or finds those that are there.
///
/// # Errors
/// When something cannot be made.
pub async fn ensure(house: &Arc<House>, domain: &Domain, count: u32, data: &Path) -> anyhow::Result<Vec<DemoAccount>> {
    match house.identity.create_domain(domain.clone(), house.now()).await {
        Ok(_) | Err(AccountError::Storage(StorageError::AlreadyExists(_))) => {}
        Err(error) => return Err(error.into()),
    }
    let mut known = read_passwords(data)?;
    let room = Arc::new(Semaphore::new(MADE_AT_ONCE));
    let mut making: JoinSet<anyhow::Result<(u32, DemoAccount)>> = JoinSet::new();
    let mut accounts = BTreeMap::new();
    for number in 1..=count {
        let address = Address { local_part: LocalPart::parse(&name(number))?, domain: domain.clone() };
        if let Some(password) = known.remove(&address.to_string()) {
            accounts.insert(number, DemoAccount { address: address.to_string(), password, is_new: false });
            continue;
        }
        let (house, room) = (Arc::clone(house), Arc::clone(&room));
        making.spawn(async move {
            let _place = room.acquire_owned().await?;
            Ok((number, make(&house, address).await?))
        });
    }
    while let Some(made) = making.join_next().await {
        let (number, account) = made??;
        accounts.insert(number, account);
    }
    let accounts: Vec<DemoAccount> = accounts.into_values().collect();
    if accounts.iter().any(|account| account.is_new) {
        make_postmaster(house, domain, &accounts).await?;
        write_passwords(data, &accounts)?;
    }
    Ok(accounts)
}

fn name(number: u32) -> String {
    match number {
        1 => FIRST_NAME.to_owned(),
        2 => SECOND_NAME.to_owned(),
        other => format!("user{other}"),
    }
}

async fn make(house: &House, address: Address) -> anyhow::Result<DemoAccount> {
    let password = random_password();
    let name = address.local_part.as_str();
    let display_name = name[..1].to_uppercase() + &name[1..];
    let draft = AccountDraft {
        address: address.clone(),
        display_name,
        administrator: false,
        password: Secret::new(password.as_bytes()),
    };
    match house.identity.create_account(draft, house.now()).await {
        Ok(_) => {}
        // It was made by a start that ended before its password was written down.
        Err(AccountError::Storage(StorageError::AlreadyExists(_))) => {
            house.identity.change_password(&address, Secret::new(password.as_bytes()), house.now()).await?;
        }
        Err(error) => return Err(error).with_context(|| format!("the account {address} cannot be made")),
    }
    Ok(DemoAccount { address: address.to_string(), password, is_new: true })
}

/// Every domain has a postmaster (RFC 5321 §4.5.1).
async fn make_postmaster(house: &House, domain: &Domain, accounts: &[DemoAccount]) -> anyhow::Result<()> {
    let Some(first) = accounts.first() else { return Ok(()) };
    let postmaster = Address { local_part: LocalPart::parse("postmaster")?, domain: domain.clone() };
    Ok(house.identity.put_alias(postmaster, vec![Address::parse(&first.address)?], house.now()).await?)
}

fn read_passwords(data: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let path = data.join(PASSWORDS_FILE);
    if !path.exists() {
        return Ok(BTreeMap::new());
    }
    let text = fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let accounts: Vec<DemoAccount> =
        serde_json::from_str(&text).with_context(|| format!("{} is damaged", path.display()))?;
    Ok(accounts.into_iter().map(|account| (account.address, account.password)).collect())
}

fn write_passwords(data: &Path, accounts: &[DemoAccount]) -> anyhow::Result<()> {
    let path = data.join(PASSWORDS_FILE);
    let write = || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(PASSWORDS_MODE).open(&path)?;
        file.write_all(&serde_json::to_vec(accounts)?)
    };
    write().with_context(|| format!("{} cannot be written", path.display()))
}
