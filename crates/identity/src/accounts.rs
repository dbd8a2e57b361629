//! What administrators do to domains, accounts and aliases.

use std::sync::Arc;

use posthouse_model::{AccountId, Address, Domain, MailboxName, Secret, SpecialUse, UnixMillis};
use posthouse_storage::password_history::MAX_EARLIER_PASSWORDS;
use posthouse_storage::{
    AccountRecord, AliasRecord, Credential, DomainRecord, Named, NewAccount, NewDomain, Resolution, StorageError,
};

use crate::hashing::verify;
use crate::{AccountError, Identity, PasswordWeakness, credential};

/// Mailboxes that every new account begins with.
pub const STANDARD_MAILBOXES: [(&str, Option<SpecialUse>); 6] = [
    ("INBOX", None),
    ("Archive", Some(SpecialUse::Archive)),
    ("Drafts", Some(SpecialUse::Drafts)),
    ("Junk", Some(SpecialUse::Junk)),
    ("Sent", Some(SpecialUse::Sent)),
    ("Trash", Some(SpecialUse::Trash)),
];

/// What separates a sub-address in a domain about which nothing else was said (RFC 5233 §1).
const DEFAULT_SUBADDRESS_SEPARATOR: char = '+';

/// An account that somebody wants to make.
#[derive(Clone, Debug)]
pub struct AccountDraft {
    /// Address and login.
    pub address: Address,
    /// For people to read; may be empty.
    pub display_name: String,
    /// Whether it administers the server.
    pub administrator: bool,
    /// Its password.
    pub password: Secret,
}

impl Identity {
    /// Adds a domain, with sub-addresses by `+` and without a catch-all.
    ///
    /// # Errors
    /// When it is there already, or the store fails.
    pub async fn create_domain(&self, name: Domain, now: UnixMillis) -> Result<DomainRecord, AccountError> {
        let domain = NewDomain {
            name,
            catch_all: None,
            subaddress_separator: Some(DEFAULT_SUBADDRESS_SEPARATOR),
            created_at: now,
        };
        Ok(self.store.create_domain(domain).await?)
    }

    /// Makes an account with the standard mailboxes.
    ///
    /// # Errors
    /// When the password is weak, the domain is not ours, or the address is taken.
    pub async fn create_account(&self, draft: AccountDraft, now: UnixMillis) -> Result<AccountRecord, AccountError> {
        self.require_domain(&draft.address.domain).await?;
        self.options.password_policy.judge(&draft.password, &draft.address.folded())?;
        let credential = self.derive_credential(draft.password, now).await?;
        let mailboxes = STANDARD_MAILBOXES
            .iter()
            .map(|(name, special_use)| (MailboxName::parse(name).expect("the names are well-formed"), *special_use))
            .collect();
        let account = NewAccount {
            address: draft.address,
            display_name: draft.display_name,
            administrator: draft.administrator,
            credential: Some(credential),
            mailboxes,
            created_at: now,
        };
        Ok(self.store.create_account(account).await?)
    }

    /// Sets a new password.
    ///
    /// # Errors
    /// When there is no such account, or the password is weak, the one in use, or one of those that the policy
    /// remembers.
    pub async fn change_password(
        &self,
        address: &Address,
        password: Secret,
        now: UnixMillis,
    ) -> Result<(), AccountError> {
        let account = self.account_at(address).await?;
        self.options.password_policy.judge(&password, &address.folded())?;
        let mut changed_at = now;
        if let Some(old) = self.store.credential(account.id).await? {
            // The time of the change tells a remembered password from the one that replaced it, so no two changes
            // have the same, whatever the clock does.
            changed_at = now.max(UnixMillis(old.changed_at.0.saturating_add(1)));
            let candidate = posthouse_sasl::prepare_password(password.expose())
                .map_err(|_| PasswordWeakness::ForbiddenCharacter)?;
            let candidate = Arc::new(candidate);
            if self.is_password(old.argon2, &candidate).await? {
                return Err(PasswordWeakness::Reused.into());
            }
            self.refuse_earlier_password(account.id, &candidate).await?;
        }
        let credential = self.derive_credential(password, changed_at).await?;
        Ok(self.store.replace_credential(account.id, credential, self.options.password_policy.history).await?)
    }

    /// At most as many hashes as the policy looks back, and that is bounded; each is a job of its own on the hashing
    /// threads, so that those who sign in need not wait for all of them.
    async fn refuse_earlier_password(&self, id: AccountId, candidate: &Arc<Secret>) -> Result<(), AccountError> {
        let history = self.options.password_policy.history.min(MAX_EARLIER_PASSWORDS);
        if history == 0 {
            return Ok(());
        }
        for earlier in self.store.earlier_passwords(id, history).await? {
            if self.is_password(earlier.argon2, candidate).await? {
                return Err(PasswordWeakness::UsedBefore(history).into());
            }
        }
        Ok(())
    }

    async fn is_password(&self, argon2: Secret, candidate: &Arc<Secret>) -> Result<bool, AccountError> {
        let candidate = Arc::clone(candidate);
        let verified = self.hashing.run(move || verify(&argon2, &candidate)).await;
        verified.map_err(|_| AccountError::HashingUnavailable)
    }

    /// Changes an account's status, name or rights.
    ///
    /// # Errors
    /// When there is no such account.
    pub async fn change_account(
        &self,
        address: &Address,
        change: impl FnOnce(&mut AccountRecord) + Send,
    ) -> Result<AccountRecord, AccountError> {
        let mut account = self.account_at(address).await?;
        let (id, address) = (account.id, account.address.clone());
        change(&mut account);
        account.id = id;
        account.address = address;
        self.store.update_account(account.clone()).await?;
        Ok(account)
    }

    /// Removes an account and all its mail.
    ///
    /// # Errors
    /// When there is no such account.
    pub async fn delete_account(&self, address: &Address) -> Result<AccountId, AccountError> {
        let account = self.account_at(address).await?;
        self.store.delete_account(account.id).await?;
        Ok(account.id)
    }

    /// Makes an alias or replaces its targets.
    ///
    /// # Errors
    /// When the domain is not ours, an account has the address, or no target is left.
    pub async fn put_alias(
        &self,
        address: Address,
        targets: Vec<Address>,
        now: UnixMillis,
    ) -> Result<(), AccountError> {
        self.require_domain(&address.domain).await?;
        let own = address.folded();
        if targets.iter().all(|target| target.folded() == own) {
            return Err(AccountError::EmptyAlias);
        }
        Ok(self.store.put_alias(AliasRecord { address, targets, created_at: now }).await?)
    }

    /// The account whose own address this is.
    ///
    /// # Errors
    /// When there is none.
    pub async fn account_at(&self, address: &Address) -> Result<AccountRecord, AccountError> {
        match self.store.resolve(address).await? {
            Some(Resolution::Account(account)) => Ok(account),
            Some(Resolution::Alias(_)) | None => Err(StorageError::NotFound(Named::Account).into()),
        }
    }

    async fn require_domain(&self, name: &Domain) -> Result<(), AccountError> {
        match self.store.domain(name).await? {
            Some(_) => Ok(()),
            None => Err(AccountError::UnknownDomain(name.clone())),
        }
    }

    async fn derive_credential(&self, password: Secret, now: UnixMillis) -> Result<Credential, AccountError> {
        let options = self.options.clone();
        let derived = self.hashing.run(move || credential::derive(&options, &password, now)).await;
        Ok(derived.map_err(|_| AccountError::HashingUnavailable)??)
    }
}
