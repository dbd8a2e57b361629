//! Domains and aliases.

use posthouse_model::{Address, Domain, DomainId};
use posthouse_storage::directory::MAX_ALIAS_TARGETS;
use posthouse_storage::{AliasRecord, DomainRecord, Named, NewDomain, Scope, StorageError};
use rusqlite::{OptionalExtension, params};

use super::work::Work;
use crate::convert;
use crate::fault::Fault;

impl Work<'_> {
    pub(crate) fn create_domain(&mut self, domain: &NewDomain) -> Result<DomainRecord, Fault> {
        if self.domain_id(&domain.name)?.is_some() {
            return Err(StorageError::AlreadyExists(Named::Domain).into());
        }
        let id = self.numbers.domain();
        let sql = "INSERT INTO domain (id, name, catch_all, separator, created_at) VALUES (?1, ?2, ?3, ?4, ?5)";
        self.connection.prepare_cached(sql)?.execute(params![
            id,
            domain.name.as_str(),
            domain.catch_all.as_ref().map(Address::to_string),
            domain.subaddress_separator.map(String::from),
            domain.created_at.0
        ])?;
        let sql = "INSERT INTO domain_quota (domain, size_bytes, messages) VALUES (?1, 0, 0)";
        self.connection.prepare_cached(sql)?.execute(params![id])?;
        Ok(DomainRecord {
            id: DomainId(id as u64),
            name: domain.name.clone(),
            catch_all: domain.catch_all.clone(),
            subaddress_separator: domain.subaddress_separator,
            sends_only: false,
            created_at: domain.created_at,
        })
    }

    pub(crate) fn update_domain(&mut self, record: &DomainRecord) -> Result<(), Fault> {
        let sql = "UPDATE domain SET catch_all = ?2, separator = ?3, sends_only = ?4 WHERE id = ?1";
        let found = self.connection.prepare_cached(sql)?.execute(params![
            record.id.0 as i64,
            record.catch_all.as_ref().map(Address::to_string),
            record.subaddress_separator.map(String::from),
            record.sends_only
        ])?;
        if found == 0 { Err(StorageError::NotFound(Named::Domain).into()) } else { Ok(()) }
    }

    pub(crate) fn delete_domain(&mut self, name: &Domain) -> Result<(), Fault> {
        let id = self.domain_id(name)?.ok_or(StorageError::NotFound(Named::Domain))?;
        for (table, what) in [("account", "accounts"), ("alias", "aliases")] {
            let sql = format!("SELECT count(*) FROM {table} WHERE domain = ?1");
            let count: i64 = self.connection.prepare_cached(&sql)?.query_row(params![id], |row| row.get(0))?;
            if count > 0 {
                return Err(StorageError::InUse(Named::Domain, format!("it has {count} {what}")).into());
            }
        }
        self.forget_rules(Scope::Domain(DomainId(id as u64)))?;
        self.forget_sending_domain(DomainId(id as u64))?;
        self.connection.prepare_cached("DELETE FROM domain WHERE id = ?1")?.execute(params![id])?;
        Ok(())
    }

    pub(crate) fn put_alias(&mut self, alias: &AliasRecord) -> Result<(), Fault> {
        if alias.targets.len() > MAX_ALIAS_TARGETS {
            let limit = MAX_ALIAS_TARGETS as u64;
            return Err(StorageError::Limit { what: "targets of one alias", limit }.into());
        }
        let domain = self.domain_id(&alias.address.domain)?.ok_or(StorageError::NotFound(Named::Domain))?;
        let folded = alias.address.folded();
        if self.connection.prepare_cached("SELECT 1 FROM account WHERE folded = ?1")?.exists(params![folded])? {
            return Err(StorageError::AlreadyExists(Named::Address).into());
        }
        let sql = "INSERT INTO alias (folded, domain, address, targets, created_at) VALUES (?1, ?2, ?3, ?4, ?5)
                   ON CONFLICT (folded) DO UPDATE SET targets = ?4";
        self.connection.prepare_cached(sql)?.execute(params![
            folded,
            domain,
            alias.address.to_string(),
            convert::targets_column(&alias.targets),
            alias.created_at.0
        ])?;
        Ok(())
    }

    pub(crate) fn delete_alias(&mut self, address: &Address) -> Result<(), Fault> {
        let sql = "DELETE FROM alias WHERE folded = ?1";
        match self.connection.prepare_cached(sql)?.execute(params![address.folded()])? {
            0 => Err(StorageError::NotFound(Named::Alias).into()),
            _ => Ok(()),
        }
    }

    pub(super) fn domain_id(&self, name: &Domain) -> Result<Option<i64>, Fault> {
        let sql = "SELECT id FROM domain WHERE name = ?1";
        Ok(self.connection.prepare_cached(sql)?.query_row(params![name.as_str()], |row| row.get(0)).optional()?)
    }
}
