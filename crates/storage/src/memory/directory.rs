//! The directory in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use parking_lot::MutexGuard;
use posthouse_model::{AccountId, Address, Domain, DomainId};

use super::{MemoryStorage, State};
use crate::access::Subject;
use crate::directory::{
    AccountRecord, AccountStatus, AliasRecord, Credential, Directory, DomainRecord, MAX_ALIAS_TARGETS, NewAccount,
    NewDomain, Resolution,
};
use crate::error::{Named, StorageError};
use crate::observe::Concerned;
use crate::scope::Scope;

/// Addresses are keys in their folded form.
#[derive(Default)]
pub(super) struct DirectoryTables {
    domains: BTreeMap<Domain, DomainRecord>,
    accounts: BTreeMap<String, AccountRecord>,
    folded_by_id: BTreeMap<AccountId, String>,
    pub(super) credentials: BTreeMap<AccountId, Credential>,
    aliases: BTreeMap<String, AliasRecord>,
    last_domain: u64,
    last_account: u64,
}

impl DirectoryTables {
    pub fn account(&self, id: AccountId) -> Result<&AccountRecord, StorageError> {
        let found = self.folded_by_id.get(&id).and_then(|folded| self.accounts.get(folded));
        found.ok_or(StorageError::NotFound(Named::Account))
    }

    pub fn domain_of(&self, id: AccountId) -> Result<Domain, StorageError> {
        Ok(self.account(id)?.address.domain.clone())
    }

    pub fn accounts_of(&self, domain: &Domain) -> Result<Vec<AccountId>, StorageError> {
        self.require_domain(domain)?;
        Ok(self.accounts.values().filter(|one| one.address.domain == *domain).map(|one| one.id).collect())
    }

    pub fn has_account(&self, id: AccountId) -> bool {
        self.folded_by_id.contains_key(&id)
    }

    pub fn domains(&self) -> impl Iterator<Item = &DomainRecord> {
        self.domains.values()
    }

    /// The domain of an account.
    pub fn domain_id_of(&self, id: AccountId) -> Result<DomainId, StorageError> {
        let domain = self.domains.get(&self.account(id)?.address.domain);
        domain.map(|domain| domain.id).ok_or(StorageError::NotFound(Named::Domain))
    }

    pub(super) fn require_domain(&self, name: &Domain) -> Result<(), StorageError> {
        if self.domains.contains_key(name) { Ok(()) } else { Err(StorageError::NotFound(Named::Domain)) }
    }

    fn dependants(&self, name: &Domain) -> Option<String> {
        let accounts = self.accounts.values().filter(|account| account.address.domain == *name).count();
        let aliases = self.aliases.values().filter(|alias| alias.address.domain == *name).count();
        (accounts + aliases > 0).then(|| format!("accounts: {accounts}, aliases: {aliases}"))
    }
}

impl State {
    fn create_account(&mut self, account: NewAccount) -> Result<AccountRecord, StorageError> {
        let tables = &mut self.directory;
        tables.require_domain(&account.address.domain)?;
        let folded = account.address.folded();
        if tables.accounts.contains_key(&folded) || tables.aliases.contains_key(&folded) {
            return Err(StorageError::AlreadyExists(Named::Address));
        }
        let id = AccountId(tables.last_account + 1);
        let changes = self.mail.open_account(id, &account.mailboxes)?;
        tables.last_account = id.0;
        let record = AccountRecord {
            id,
            address: account.address,
            display_name: account.display_name,
            status: AccountStatus::Active,
            administrator: account.administrator,
            mail_access_for_administrator: false,
            created_at: account.created_at,
        };
        tables.accounts.insert(folded.clone(), record.clone());
        tables.folded_by_id.insert(id, folded);
        if let Some(credential) = account.credential {
            tables.credentials.insert(id, credential);
        }
        self.announce(&changes);
        Ok(record)
    }

    fn delete_account(&mut self, id: AccountId) -> Result<(), StorageError> {
        let address = self.directory.account(id)?.address.clone();
        self.remember_account(id, address);
        self.retention.retain(|(scope, _), _| *scope != Scope::Account(id));
        self.duplicates.forget_scope(Scope::Account(id));
        self.forget_keys(id);
        self.sending.forget_account(id);
        self.watch.forget_account(id);
        self.routes.forget_account(id);
        self.inventory.forget_account(id);
        self.languages.forget_account(id);
        self.imports.retain(|(owner, _)| *owner != id);
        let (changes, bodies) = self.mail.close_account(id);
        self.search.forget(id);
        bodies.into_iter().for_each(|key| self.bodies.release(key));
        if let Some(folded) = self.directory.folded_by_id.remove(&id) {
            self.directory.accounts.remove(&folded);
        }
        self.directory.credentials.remove(&id);
        self.access.forget_subject(Subject::Account(id));
        self.groups.forget_account(id);
        self.seen.forget_account(id);
        for change in &changes {
            self.access.forget_mailbox(change.mailbox);
            self.annotations.forget_mailbox(change.mailbox);
            self.seen.forget_mailbox(change.mailbox);
        }
        self.annotations.forget_account(id);
        self.earlier_passwords.remove(&id);
        self.announce(&changes);
        self.announce_rights(&[Concerned::Account(id)]);
        Ok(())
    }
}

impl MemoryStorage {
    /// The state, for a change of the directory. Whoever remembers something of it is told at once: nobody sees the
    /// directory before the change is made.
    pub(super) fn directory_to_change(&self) -> Result<MutexGuard<'_, State>, StorageError> {
        let state = self.state()?;
        state.announce_directory();
        Ok(state)
    }
}

#[async_trait]
impl Directory for MemoryStorage {
    async fn create_domain(&self, domain: NewDomain) -> Result<DomainRecord, StorageError> {
        let mut state = self.directory_to_change()?;
        let tables = &mut state.directory;
        if tables.domains.contains_key(&domain.name) {
            return Err(StorageError::AlreadyExists(Named::Domain));
        }
        tables.last_domain += 1;
        let record = DomainRecord {
            id: DomainId(tables.last_domain),
            name: domain.name,
            catch_all: domain.catch_all,
            subaddress_separator: domain.subaddress_separator,
            sends_only: false,
            created_at: domain.created_at,
        };
        tables.domains.insert(record.name.clone(), record.clone());
        Ok(record)
    }

    async fn update_domain(&self, record: DomainRecord) -> Result<(), StorageError> {
        let mut state = self.directory_to_change()?;
        let found = state.directory.domains.values_mut().find(|domain| domain.id == record.id);
        let domain = found.ok_or(StorageError::NotFound(Named::Domain))?;
        domain.catch_all = record.catch_all;
        domain.subaddress_separator = record.subaddress_separator;
        domain.sends_only = record.sends_only;
        Ok(())
    }

    async fn delete_domain(&self, name: &Domain) -> Result<(), StorageError> {
        let mut state = self.directory_to_change()?;
        state.directory.require_domain(name)?;
        if let Some(dependants) = state.directory.dependants(name) {
            return Err(StorageError::InUse(Named::Domain, dependants));
        }
        if let Some(domain) = state.directory.domains.remove(name) {
            let scope = Scope::Domain(domain.id);
            state.retention.retain(|(one, _), _| *one != scope);
            state.duplicates.forget_scope(scope);
            state.sending.forget_domain(domain.id);
            state.languages.forget_domain(name);
        }
        Ok(())
    }

    async fn domain(&self, name: &Domain) -> Result<Option<DomainRecord>, StorageError> {
        Ok(self.state()?.directory.domains.get(name).cloned())
    }

    async fn domains(&self) -> Result<Vec<DomainRecord>, StorageError> {
        Ok(self.state()?.directory.domains.values().cloned().collect())
    }

    async fn create_account(&self, account: NewAccount) -> Result<AccountRecord, StorageError> {
        self.directory_to_change()?.create_account(account)
    }

    async fn update_account(&self, record: AccountRecord) -> Result<(), StorageError> {
        let mut state = self.directory_to_change()?;
        let address = state.directory.account(record.id)?.address.clone();
        state.directory.accounts.insert(address.folded(), AccountRecord { address, ..record });
        Ok(())
    }

    async fn delete_account(&self, id: AccountId) -> Result<(), StorageError> {
        self.directory_to_change()?.delete_account(id)
    }

    async fn account(&self, id: AccountId) -> Result<Option<AccountRecord>, StorageError> {
        Ok(self.state()?.directory.account(id).ok().cloned())
    }

    async fn accounts(&self, domain: Option<&Domain>) -> Result<Vec<AccountRecord>, StorageError> {
        let state = self.state()?;
        let wanted = |account: &&AccountRecord| domain.is_none_or(|name| account.address.domain == *name);
        Ok(state.directory.accounts.values().filter(wanted).cloned().collect())
    }

    async fn accounts_by_local_part(&self, folded: &str, limit: usize) -> Result<Vec<AccountRecord>, StorageError> {
        let state = self.state()?;
        let wanted = |account: &&AccountRecord| account.address.local_part.folded() == folded;
        Ok(state.directory.accounts.values().filter(wanted).take(limit).cloned().collect())
    }

    async fn set_credential(&self, id: AccountId, credential: Option<Credential>) -> Result<(), StorageError> {
        let mut state = self.directory_to_change()?;
        state.directory.account(id)?;
        match credential {
            Some(credential) => state.directory.credentials.insert(id, credential),
            None => state.directory.credentials.remove(&id),
        };
        Ok(())
    }

    async fn credential(&self, id: AccountId) -> Result<Option<Credential>, StorageError> {
        Ok(self.state()?.directory.credentials.get(&id).cloned())
    }

    async fn put_alias(&self, alias: AliasRecord) -> Result<(), StorageError> {
        if alias.targets.len() > MAX_ALIAS_TARGETS {
            return Err(StorageError::Limit { what: "targets of an alias", limit: MAX_ALIAS_TARGETS as u64 });
        }
        let mut state = self.directory_to_change()?;
        state.directory.require_domain(&alias.address.domain)?;
        let folded = alias.address.folded();
        if state.directory.accounts.contains_key(&folded) {
            return Err(StorageError::AlreadyExists(Named::Address));
        }
        if let Some(known) = state.directory.aliases.get_mut(&folded) {
            known.targets = alias.targets;
        } else {
            state.directory.aliases.insert(folded, alias);
        }
        Ok(())
    }

    async fn delete_alias(&self, address: &Address) -> Result<(), StorageError> {
        let removed = self.directory_to_change()?.directory.aliases.remove(&address.folded());
        removed.map(|_| ()).ok_or(StorageError::NotFound(Named::Alias))
    }

    async fn aliases(&self, domain: Option<&Domain>) -> Result<Vec<AliasRecord>, StorageError> {
        let state = self.state()?;
        let wanted = |alias: &&AliasRecord| domain.is_none_or(|name| alias.address.domain == *name);
        Ok(state.directory.aliases.values().filter(wanted).cloned().collect())
    }

    async fn resolve(&self, address: &Address) -> Result<Option<Resolution>, StorageError> {
        let state = self.state()?;
        let folded = address.folded();
        if let Some(account) = state.directory.accounts.get(&folded) {
            return Ok(Some(Resolution::Account(account.clone())));
        }
        Ok(state.directory.aliases.get(&folded).cloned().map(Resolution::Alias))
    }
}
