//! Domains, accounts, aliases and credentials at rest. What they mean is the business of `identity`.

use async_trait::async_trait;
use posthouse_model::{AccountId, Address, Domain, DomainId, MailboxName, Secret, SpecialUse, UnixMillis};

use crate::error::StorageError;

/// Most targets of one alias.
pub const MAX_ALIAS_TARGETS: usize = 1000;

/// A domain that this house receives mail for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainRecord {
    /// Its number.
    pub id: DomainId,
    /// Its name.
    pub name: Domain,
    /// Where mail goes that no account and no alias of the domain claims.
    pub catch_all: Option<Address>,
    /// What separates a local part from its detail, as `+` does in `ann+lists`; `None` switches sub-addresses off.
    pub subaddress_separator: Option<char>,
    /// Whether it only sends: its accounts have no mailboxes, and it takes no mail.
    pub sends_only: bool,
    /// When it was added.
    pub created_at: UnixMillis,
}

/// A domain to add.
#[derive(Clone, Debug)]
pub struct NewDomain {
    /// Its name.
    pub name: Domain,
    /// See [`DomainRecord::catch_all`].
    pub catch_all: Option<Address>,
    /// See [`DomainRecord::subaddress_separator`].
    pub subaddress_separator: Option<char>,
    /// When it is added.
    pub created_at: UnixMillis,
}

/// What an account may do at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountStatus {
    /// Signs in, sends and receives.
    Active,
    /// Receives, but nobody can sign in.
    LoginDisabled,
    /// Neither receives nor signs in; what it has is kept.
    Suspended,
    /// Signs in to send, and has no mailbox: it neither receives nor reads.
    SendOnly,
}

/// Somebody who has mail here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRecord {
    /// Its number.
    pub id: AccountId,
    /// The address that is also the login.
    pub address: Address,
    /// For people to read; may be empty.
    pub display_name: String,
    /// What it may do.
    pub status: AccountStatus,
    /// Whether it administers the server. Such an account cannot use IMAP or POP3 unless
    /// [`Self::mail_access_for_administrator`] says so.
    pub administrator: bool,
    /// Lets an administrator's account use IMAP and POP3 all the same.
    pub mail_access_for_administrator: bool,
    /// When it was made.
    pub created_at: UnixMillis,
}

/// An account to make, with its mailboxes; all of it or nothing.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// Address and login. Its domain has to be there.
    pub address: Address,
    /// For people to read; may be empty.
    pub display_name: String,
    /// Whether it administers the server.
    pub administrator: bool,
    /// How it signs in; `None` for an account that cannot.
    pub credential: Option<Credential>,
    /// Mailboxes to begin with, all subscribed; INBOX has to be among them.
    pub mailboxes: Vec<(MailboxName, Option<SpecialUse>)>,
    /// When it is made.
    pub created_at: UnixMillis,
}

/// What is kept of a password: nothing from which it could be read, and for each mechanism only what it needs.
#[derive(Clone, Debug)]
pub struct Credential {
    /// Argon2id, in PHC string format.
    pub argon2: Secret,
    /// SCRAM-SHA-256 verifier, as `sasl` encodes it.
    pub scram_sha_256: Secret,
    /// SCRAM-SHA-1 verifier, as `sasl` encodes it.
    pub scram_sha_1: Secret,
    /// CRAM-MD5 state, where the administrator allows that mechanism.
    pub cram_md5: Option<Secret>,
    /// When the password was set.
    pub changed_at: UnixMillis,
}

/// An address that stands for others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AliasRecord {
    /// The address. Its domain is one of ours.
    pub address: Address,
    /// Where its mail goes: ours or anybody's. At most [`MAX_ALIAS_TARGETS`].
    pub targets: Vec<Address>,
    /// When it was made.
    pub created_at: UnixMillis,
}

/// What one exact address of one of our domains stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// An account's own address.
    Account(AccountRecord),
    /// An alias.
    Alias(AliasRecord),
}

/// The directory at rest. Addresses are looked up by [`Address::folded`], so without regard to case.
#[async_trait]
pub trait Directory: Send + Sync + 'static {
    /// Adds a domain.
    async fn create_domain(&self, domain: NewDomain) -> Result<DomainRecord, StorageError>;
    /// Changes catch-all and sub-addresses of the domain with `record.id`.
    async fn update_domain(&self, record: DomainRecord) -> Result<(), StorageError>;
    /// Removes a domain; [`StorageError::InUse`] while it has accounts or aliases.
    async fn delete_domain(&self, name: &Domain) -> Result<(), StorageError>;
    /// The domain of this name.
    async fn domain(&self, name: &Domain) -> Result<Option<DomainRecord>, StorageError>;
    /// All domains, by name.
    async fn domains(&self) -> Result<Vec<DomainRecord>, StorageError>;

    /// Makes an account with its mailboxes and credential.
    async fn create_account(&self, account: NewAccount) -> Result<AccountRecord, StorageError>;
    /// Changes everything but the address of the account with `record.id`.
    async fn update_account(&self, record: AccountRecord) -> Result<(), StorageError>;
    /// Removes an account and all its mail.
    async fn delete_account(&self, id: AccountId) -> Result<(), StorageError>;
    /// The account of this number.
    async fn account(&self, id: AccountId) -> Result<Option<AccountRecord>, StorageError>;
    /// All accounts of a domain, or of all, by address.
    async fn accounts(&self, domain: Option<&Domain>) -> Result<Vec<AccountRecord>, StorageError>;
    /// Accounts with this local part, in whatever domain; at most `limit`.
    async fn accounts_by_local_part(&self, folded: &str, limit: usize) -> Result<Vec<AccountRecord>, StorageError>;

    /// Sets how an account signs in; `None` takes it away.
    async fn set_credential(&self, id: AccountId, credential: Option<Credential>) -> Result<(), StorageError>;
    /// How an account signs in.
    async fn credential(&self, id: AccountId) -> Result<Option<Credential>, StorageError>;

    /// Makes an alias, or replaces the targets of the one that is there.
    async fn put_alias(&self, alias: AliasRecord) -> Result<(), StorageError>;
    /// Removes an alias.
    async fn delete_alias(&self, address: &Address) -> Result<(), StorageError>;
    /// All aliases of a domain, or of all, by address.
    async fn aliases(&self, domain: Option<&Domain>) -> Result<Vec<AliasRecord>, StorageError>;

    /// What exactly this address stands for; no sub-addresses, no catch-all.
    async fn resolve(&self, address: &Address) -> Result<Option<Resolution>, StorageError>;
}
