//! [`Directory`].

use async_trait::async_trait;
use posthouse_model::{AccountId, Address, Domain};
use posthouse_storage::{
    AccountRecord, AliasRecord, Credential, Directory, DomainRecord, NewAccount, NewDomain, Resolution, StorageError,
};

use crate::fault::Fault;
use crate::reader::directory;
use crate::store::SqliteStorage;
use crate::writer::Work;

impl SqliteStorage {
    pub(super) async fn change_directory<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Work<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StorageError> {
        self.write(Vec::new(), move |work| {
            work.changes_directory();
            change(work)
        })
        .await
    }
}

#[async_trait]
impl Directory for SqliteStorage {
    async fn create_domain(&self, domain: NewDomain) -> Result<DomainRecord, StorageError> {
        self.change_directory(move |work| work.create_domain(&domain)).await
    }

    async fn update_domain(&self, record: DomainRecord) -> Result<(), StorageError> {
        self.change_directory(move |work| work.update_domain(&record)).await
    }

    async fn delete_domain(&self, name: &Domain) -> Result<(), StorageError> {
        let name = name.clone();
        self.change_directory(move |work| work.delete_domain(&name)).await
    }

    async fn domain(&self, name: &Domain) -> Result<Option<DomainRecord>, StorageError> {
        let name = name.clone();
        self.ask(move |reader| directory::domain(&reader.connection, &name)).await
    }

    async fn domains(&self) -> Result<Vec<DomainRecord>, StorageError> {
        self.ask(|reader| directory::domains(&reader.connection)).await
    }

    async fn create_account(&self, account: NewAccount) -> Result<AccountRecord, StorageError> {
        self.change_directory(move |work| work.create_account(&account)).await
    }

    async fn update_account(&self, record: AccountRecord) -> Result<(), StorageError> {
        self.change_directory(move |work| work.update_account(&record)).await
    }

    async fn delete_account(&self, id: AccountId) -> Result<(), StorageError> {
        self.change_directory(move |work| work.delete_account(id)).await
    }

    async fn account(&self, id: AccountId) -> Result<Option<AccountRecord>, StorageError> {
        self.ask(move |reader| directory::account(&reader.connection, id)).await
    }

    async fn accounts(&self, domain: Option<&Domain>) -> Result<Vec<AccountRecord>, StorageError> {
        let domain = domain.cloned();
        self.ask(move |reader| directory::accounts(&reader.connection, domain.as_ref())).await
    }

    async fn accounts_by_local_part(&self, folded: &str, limit: usize) -> Result<Vec<AccountRecord>, StorageError> {
        let folded = folded.to_owned();
        self.ask(move |reader| directory::accounts_by_local_part(&reader.connection, &folded, limit)).await
    }

    async fn set_credential(&self, id: AccountId, credential: Option<Credential>) -> Result<(), StorageError> {
        self.change_directory(move |work| work.set_credential(id, credential.as_ref())).await
    }

    async fn credential(&self, id: AccountId) -> Result<Option<Credential>, StorageError> {
        self.ask(move |reader| directory::credential(&reader.connection, id)).await
    }

    async fn put_alias(&self, alias: AliasRecord) -> Result<(), StorageError> {
        self.change_directory(move |work| work.put_alias(&alias)).await
    }

    async fn delete_alias(&self, address: &Address) -> Result<(), StorageError> {
        let address = address.clone();
        self.change_directory(move |work| work.delete_alias(&address)).await
    }

    async fn aliases(&self, domain: Option<&Domain>) -> Result<Vec<AliasRecord>, StorageError> {
        let domain = domain.cloned();
        self.ask(move |reader| directory::aliases(&reader.connection, domain.as_ref())).await
    }

    async fn resolve(&self, address: &Address) -> Result<Option<Resolution>, StorageError> {
        let address = address.clone();
        self.ask(move |reader| directory::resolve(&reader.connection, &address)).await
    }
}
