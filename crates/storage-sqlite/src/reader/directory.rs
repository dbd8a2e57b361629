//! Questions about domains, accounts, aliases, credentials and settings.

use posthouse_model::{AccountId, Address, Domain, Secret};
use posthouse_storage::{AccountRecord, AliasRecord, Credential, DomainRecord, Resolution};
use rusqlite::{Connection, OptionalExtension, params};

use crate::convert::{self, ACCOUNT_COLUMNS, ALIAS_COLUMNS, DOMAIN_COLUMNS};
use crate::encryption::{Keys, SETTING, SecretRow, read_until_opened};
use crate::fault::Fault;

pub(crate) fn domain(connection: &Connection, name: &Domain) -> Result<Option<DomainRecord>, Fault> {
    let sql = format!("SELECT {DOMAIN_COLUMNS} FROM domain WHERE name = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query_and_then(params![name.as_str()], convert::domain_record)?;
    rows.next().transpose()
}

pub(crate) fn domains(connection: &Connection) -> Result<Vec<DomainRecord>, Fault> {
    let sql = format!("SELECT {DOMAIN_COLUMNS} FROM domain ORDER BY name");
    connection.prepare_cached(&sql)?.query_and_then((), convert::domain_record)?.collect()
}

pub(crate) fn account(connection: &Connection, id: AccountId) -> Result<Option<AccountRecord>, Fault> {
    let sql = format!("SELECT {ACCOUNT_COLUMNS} FROM account WHERE id = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query_and_then(params![id.0 as i64], convert::account_record)?;
    rows.next().transpose()
}

pub(crate) fn accounts(connection: &Connection, domain: Option<&Domain>) -> Result<Vec<AccountRecord>, Fault> {
    let of_domain = "WHERE domain = (SELECT id FROM domain WHERE name = ?1)";
    let (filter, name) = match domain {
        Some(domain) => (of_domain, domain.as_str()),
        None => ("WHERE ?1 = ''", ""),
    };
    let sql = format!("SELECT {ACCOUNT_COLUMNS} FROM account {filter} ORDER BY folded");
    connection.prepare_cached(&sql)?.query_and_then(params![name], convert::account_record)?.collect()
}

pub(crate) fn accounts_by_local_part(
    connection: &Connection,
    folded: &str,
    limit: usize,
) -> Result<Vec<AccountRecord>, Fault> {
    let sql = format!("SELECT {ACCOUNT_COLUMNS} FROM account WHERE folded_local = ?1 ORDER BY folded LIMIT ?2");
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    connection.prepare_cached(&sql)?.query_and_then(params![folded, limit], convert::account_record)?.collect()
}

pub(crate) fn credential(connection: &Connection, id: AccountId) -> Result<Option<Credential>, Fault> {
    let sql = "SELECT argon2, scram_sha_256, scram_sha_1, cram_md5, changed_at FROM credential WHERE account = ?1";
    Ok(connection.prepare_cached(sql)?.query_row(params![id.0 as i64], convert::credential).optional()?)
}

pub(crate) fn aliases(connection: &Connection, domain: Option<&Domain>) -> Result<Vec<AliasRecord>, Fault> {
    let of_domain = "WHERE domain = (SELECT id FROM domain WHERE name = ?1)";
    let (filter, name) = match domain {
        Some(domain) => (of_domain, domain.as_str()),
        None => ("WHERE ?1 = ''", ""),
    };
    let sql = format!("SELECT {ALIAS_COLUMNS} FROM alias {filter} ORDER BY folded");
    connection.prepare_cached(&sql)?.query_and_then(params![name], convert::alias_record)?.collect()
}

pub(crate) fn resolve(connection: &Connection, address: &Address) -> Result<Option<Resolution>, Fault> {
    let folded = address.folded();
    let sql = format!("SELECT {ACCOUNT_COLUMNS} FROM account WHERE folded = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    if let Some(account) = statement.query_and_then(params![folded], convert::account_record)?.next() {
        return Ok(Some(Resolution::Account(account?)));
    }
    let sql = format!("SELECT {ALIAS_COLUMNS} FROM alias WHERE folded = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query_and_then(params![folded], convert::alias_record)?;
    Ok(rows.next().transpose()?.map(Resolution::Alias))
}

pub(crate) fn setting(connection: &Connection, keys: &Keys, name: &str) -> Result<Option<Secret>, Fault> {
    let mut statement = connection.prepare_cached("SELECT value, sealed_by FROM setting WHERE name = ?1")?;
    read_until_opened(|| {
        let mut rows = statement.query(params![name])?;
        let Some(row) = rows.next()? else { return Ok(Some(None)) };
        let ring = keys.load();
        let Some(mut secrets) = SecretRow::of(&ring, &SETTING, name, row.get(1)?) else { return Ok(None) };
        Ok(Some(secrets.secret("value", row.get_ref(0)?)?))
    })
}
