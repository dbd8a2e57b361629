//! Those who have mail here.

use std::collections::HashMap;

use posthouse_identity::AccountDraft;
use posthouse_model::{AccountId, Address, Domain, Secret, UnixMillis};
use posthouse_storage::{
    AccountRecord, AccountStatus, Directory, FutureReleases, PasswordHistory, Queue, QueueFilter, Quotas, SendingWatch,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::freeze::FreezeView;
use super::quota::Figures;
use super::wire_types::password;
use super::{Refusal, Text, shape};
use crate::house::House;

/// What is asked about accounts.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccountRequest {
    /// Make an account: an [`AccountView`].
    Add {
        /// Address and login.
        address: Text<Address>,
        /// For people to read.
        display_name: String,
        /// Whether it administers the server.
        administrator: bool,
        /// Its password.
        #[serde(with = "password")]
        password: Secret,
    },
    /// All accounts, or those of one domain: a list of [`AccountView`].
    List {
        /// Which domain.
        domain: Option<Text<Domain>>,
    },
    /// One account: an [`AccountView`].
    Show {
        /// Its address.
        address: Text<Address>,
    },
    /// Remove an account and all its mail.
    Remove {
        /// Its address.
        address: Text<Address>,
    },
    /// Set a new password.
    Password {
        /// Whose.
        address: Text<Address>,
        /// The password.
        #[serde(with = "password")]
        password: Secret,
    },
    /// Change an account: the [`AccountView`] as it is then.
    Set {
        /// Its address.
        address: Text<Address>,
        /// What it may do.
        status: Option<Status>,
        /// For people to read.
        display_name: Option<String>,
        /// Whether it administers the server.
        administrator: Option<bool>,
        /// Whether it may use IMAP and POP3 although it administers the server.
        mail_access: Option<bool>,
    },
}

/// What an account may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Signs in, sends and receives.
    Active,
    /// Receives, but nobody can sign in.
    LoginDisabled,
    /// Neither receives nor signs in.
    Suspended,
    /// Signs in to send, and has no mailbox.
    SendOnly,
}

impl Status {
    /// As it is printed.
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::LoginDisabled => "login-disabled",
            Self::Suspended => "suspended",
            Self::SendOnly => "send-only",
        }
    }
}

impl From<AccountStatus> for Status {
    fn from(status: AccountStatus) -> Self {
        match status {
            AccountStatus::Active => Self::Active,
            AccountStatus::LoginDisabled => Self::LoginDisabled,
            AccountStatus::Suspended => Self::Suspended,
            AccountStatus::SendOnly => Self::SendOnly,
        }
    }
}

impl From<Status> for AccountStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Active => Self::Active,
            Status::LoginDisabled => Self::LoginDisabled,
            Status::Suspended => Self::Suspended,
            Status::SendOnly => Self::SendOnly,
        }
    }
}

/// An account, for people and scripts.
#[derive(Debug, Serialize, Deserialize)]
pub struct AccountView {
    /// Address and login.
    pub address: String,
    /// For people to read.
    pub display_name: String,
    /// What it may do.
    pub status: Status,
    /// Whether it administers the server.
    pub administrator: bool,
    /// Whether it may use IMAP and POP3 although it administers the server.
    pub mail_access_for_administrator: bool,
    /// When it was made, in milliseconds since 1970.
    pub created_at: i64,
    /// When its password was set, in milliseconds since 1970; `None` if it has none.
    #[serde(default)]
    pub password_set_at: Option<i64>,
    /// When its password can no longer be used, in milliseconds since 1970; `None` if it always can.
    #[serde(default)]
    pub password_expires_at: Option<i64>,
    /// Whether that time has come.
    #[serde(default)]
    pub password_expired: bool,
    /// How much mail there is and may be.
    pub quota: Figures,
    /// What keeps its mail from leaving; only where one account is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sending: Option<SendingView>,
}

/// Up to how many there are entries and messages are counted.
pub const MOST_COUNTED: u64 = 1000;

/// What keeps the mail of an account from leaving.
#[derive(Debug, Serialize, Deserialize)]
pub struct SendingView {
    /// Whether it may not send at all, and why.
    pub frozen: Option<FreezeView>,
    /// Entries of the queue that are held, counted up to [`MOST_COUNTED`].
    pub held: u64,
    /// Messages that wait for the time that their sender chose, likewise.
    pub waiting: u64,
}

impl SendingView {
    async fn of(account: &AccountRecord, house: &House) -> Result<Self, Refusal> {
        let freezes = house.store.sending_freezes().await?;
        let frozen = freezes.into_iter().find(|freeze| freeze.account == account.id);
        let most = usize::try_from(MOST_COUNTED).unwrap_or(usize::MAX);
        let filter = QueueFilter { submitter: Some(account.id), held: Some(true), ..QueueFilter::default() };
        Ok(Self {
            frozen: frozen.map(|freeze| FreezeView::new(account.address.to_string(), freeze)),
            held: house.store.queue_entries(&filter, None, most).await?.len() as u64,
            waiting: house.store.awaiting_release(account.id, most).await? as u64,
        })
    }
}

impl AccountView {
    fn new(record: AccountRecord, password_set_at: Option<UnixMillis>, quota: Figures, house: &House) -> Self {
        let policy = house.identity.password_policy();
        let expires_at = password_set_at.and_then(|at| policy.expires_at(at));
        Self {
            password_set_at: password_set_at.map(|at| at.0),
            password_expires_at: expires_at.map(|at| at.0),
            password_expired: password_set_at.is_some_and(|at| policy.is_expired(at, house.now())),
            address: record.address.to_string(),
            display_name: record.display_name,
            status: record.status.into(),
            administrator: record.administrator,
            mail_access_for_administrator: record.mail_access_for_administrator,
            created_at: record.created_at.0,
            quota,
            sending: None,
        }
    }
}

async fn view(record: AccountRecord, house: &House) -> Result<Value, Refusal> {
    let credential = house.store.credential(record.id).await?;
    let quota = Figures::of_account(&house.store.account_quota(record.id).await?);
    let sending = Some(SendingView::of(&record, house).await?);
    let view = AccountView::new(record, credential.map(|credential| credential.changed_at), quota, house);
    shape(AccountView { sending, ..view })
}

pub async fn answer(request: AccountRequest, house: &House) -> Result<Value, Refusal> {
    let identity = &house.identity;
    match request {
        AccountRequest::Add { address, display_name, administrator, password } => {
            let draft = AccountDraft { address: address.0, display_name, administrator, password };
            view(identity.create_account(draft, house.now()).await?, house).await
        }
        AccountRequest::List { domain } => {
            let domain = domain.map(|domain| domain.0);
            let accounts = house.store.accounts(domain.as_ref()).await?;
            let ages: HashMap<AccountId, UnixMillis> = house.store.password_ages().await?.into_iter().collect();
            let mut views = Vec::with_capacity(accounts.len());
            for account in accounts {
                let set_at = ages.get(&account.id).copied();
                let quota = Figures::of_account(&house.store.account_quota(account.id).await?);
                views.push(AccountView::new(account, set_at, quota, house));
            }
            shape(views)
        }
        AccountRequest::Show { address } => view(identity.account_at(&address.0).await?, house).await,
        AccountRequest::Remove { address } => {
            identity.delete_account(&address.0).await?;
            shape(())
        }
        AccountRequest::Password { address, password } => {
            identity.change_password(&address.0, password, house.now()).await?;
            shape(())
        }
        AccountRequest::Set { address, status, display_name, administrator, mail_access } => {
            let change = |account: &mut AccountRecord| {
                account.status = status.map_or(account.status, AccountStatus::from);
                account.display_name = display_name.unwrap_or_else(|| std::mem::take(&mut account.display_name));
                account.administrator = administrator.unwrap_or(account.administrator);
                account.mail_access_for_administrator = mail_access.unwrap_or(account.mail_access_for_administrator);
            };
            view(identity.change_account(&address.0, change).await?, house).await
        }
    }
}
