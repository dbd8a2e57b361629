//! Who gets mail that is sent to an address.

use posthouse_model::{Address, LocalPart};
use posthouse_storage::{AccountRecord, AccountStatus, DomainRecord, Resolution, StorageError};

use crate::{DeliveryPermit, Identity};

/// What an address stands for, one step at a time: an alias is not followed further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecipientLookup {
    /// A mailbox here.
    Account {
        /// Lets the mail in.
        permit: DeliveryPermit,
        /// What stood behind the separator of a sub-address.
        detail: Option<String>,
    },
    /// Other addresses, ours or not.
    Alias(Vec<Address>),
    /// The domain is ours, but nobody there has this address.
    NoSuchAddress,
    /// The account is there, but receives nothing: now, or because it has no mailbox.
    Suspended,
    /// The domain is ours, and only sends.
    DomainSendsOnly,
    /// The domain is not ours.
    NotOurs,
}

impl Identity {
    /// Finds out who gets mail for `address`: exactly that address, else without its sub-address detail, else the
    /// domain's catch-all. `postmaster` of one of our domains always finds somebody (RFC 5321 §4.5.1).
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn recipient(&self, address: &Address) -> Result<RecipientLookup, StorageError> {
        let Some(domain) = self.directory.domain(&address.domain).await? else { return Ok(RecipientLookup::NotOurs) };
        if domain.sends_only {
            return self.recipient_in_charge(address).await;
        }
        let mut found = self.directory.resolve(address).await?.map(|found| (found, None));
        if found.is_none()
            && let Some((base, detail)) = split_detail(address, &domain)
        {
            found = self.directory.resolve(&base).await?.map(|found| (found, Some(detail)));
        }
        if let Some((found, detail)) = found {
            return Ok(lookup(found, detail, &domain));
        }
        if let Some(target) = &domain.catch_all {
            return Ok(RecipientLookup::Alias(vec![target.clone()]));
        }
        if address.local_part.folded() == POSTMASTER
            && let Some(account) = self.somebody_in_charge(&domain).await?
        {
            return Ok(RecipientLookup::Alias(vec![account.address]));
        }
        Ok(RecipientLookup::NoSuchAddress)
    }

    /// In a domain that only sends: nobody, but for the aliases of those who answer for it (RFC 5321 §4.5.1, RFC 2142 §4).
    async fn recipient_in_charge(&self, address: &Address) -> Result<RecipientLookup, StorageError> {
        if IN_CHARGE.contains(&address.local_part.folded().as_str())
            && let Some(Resolution::Alias(alias)) = self.directory.resolve(address).await?
        {
            return Ok(RecipientLookup::Alias(alias.targets));
        }
        Ok(RecipientLookup::DomainSendsOnly)
    }

    /// Whether mail for this domain is kept or passed on by this house.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn is_ours(&self, domain: &posthouse_model::Domain) -> Result<bool, StorageError> {
        Ok(self.directory.domain(domain).await?.is_some())
    }

    /// The first administrator of the server, else the oldest account of the domain.
    async fn somebody_in_charge(&self, domain: &DomainRecord) -> Result<Option<AccountRecord>, StorageError> {
        let all = self.store.accounts(None).await?;
        let sends_only: Vec<_> = self.store.domains().await?.into_iter().filter(|domain| domain.sends_only).collect();
        let receives = |account: &&AccountRecord| {
            has_mailbox(account.status) && sends_only.iter().all(|domain| domain.name != account.address.domain)
        };
        let administrator = all.iter().filter(receives).find(|account| account.administrator);
        let oldest =
            || all.iter().filter(receives).filter(|one| one.address.domain == domain.name).min_by_key(|one| one.id);
        Ok(administrator.or_else(oldest).cloned())
    }
}

/// The address every domain has (RFC 5321 §4.5.1).
const POSTMASTER: &str = "postmaster";
/// Those who answer for a domain.
const IN_CHARGE: [&str; 2] = [POSTMASTER, "abuse"];

/// `ann+lists@example.org` → (`ann@example.org`, `lists`).
pub(crate) fn split_detail(address: &Address, domain: &DomainRecord) -> Option<(Address, String)> {
    let separator = domain.subaddress_separator?;
    let (base, detail) = address.local_part.as_str().split_once(separator)?;
    let local_part = LocalPart::parse(base).ok()?;
    Some((Address { local_part, domain: address.domain.clone() }, detail.to_owned()))
}

/// Whether mail to an account of this status is put into its mailbox.
fn has_mailbox(status: AccountStatus) -> bool {
    match status {
        AccountStatus::Active | AccountStatus::LoginDisabled => true,
        AccountStatus::Suspended | AccountStatus::SendOnly => false,
    }
}

fn lookup(found: Resolution, detail: Option<String>, domain: &DomainRecord) -> RecipientLookup {
    match (found, &domain.catch_all) {
        (Resolution::Alias(alias), _) => RecipientLookup::Alias(alias.targets),
        // Who sends only has no mailbox, so nobody claims the address (SUBM-6).
        (Resolution::Account(account), Some(target))
            if account.status == AccountStatus::SendOnly && target.folded() != account.address.folded() =>
        {
            RecipientLookup::Alias(vec![target.clone()])
        }
        (Resolution::Account(account), _) if !has_mailbox(account.status) => RecipientLookup::Suspended,
        (Resolution::Account(account), _) => {
            RecipientLookup::Account { permit: DeliveryPermit::new(account.id, account.address), detail }
        }
    }
}
