//! Secrets that lie in rows with a name: settings, what routes sign in with, and keys of accounts.
//!
//! A row is sealed whole, as [`RowSealer`](super::RowSealer) seals texts; what stands for its number there is a hash of
//! its name, so that no row can be put in the place of another.

use posthouse_model::Secret;
use posthouse_storage::{BodyKey, StorageError};
use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::key_ring::KeyRing;
use super::sealing::{RowOpener, RowSealer};
use super::state::State;
use crate::backup::STORE_SETTING;
use crate::fault::Fault;

/// How often a row is read again because it followed another key at that moment.
const READINGS: usize = 3;

/// A table with secrets, a row for each name; in `sealed_by` is the data key.
pub(crate) struct SecretTable {
    pub(crate) name: &'static str,
    pub(crate) columns: &'static [&'static str],
    /// The row that is no secret, and stays as it is.
    pub(crate) public: &'static str,
}

/// What the server keeps for itself: signing keys of domains, keys of its own.
pub(crate) const SETTING: SecretTable = SecretTable { name: "setting", columns: &["value"], public: STORE_SETTING };
/// What routes sign in with.
pub(crate) const ROUTE: SecretTable = SecretTable {
    name: "route",
    columns: &["password", "client_secret", "refresh_token", "certificate_key"],
    // No route has such a name.
    public: "",
};
/// What is kept of the secrets that accounts have besides their passwords.
pub(crate) const ACCOUNT_KEY: SecretTable = SecretTable {
    name: "account_key",
    columns: &["digest", "scram_sha_256", "scram_sha_1", "cram_md5"],
    // No key has such a name.
    public: "",
};
/// All of them.
pub(crate) const SECRET_TABLES: [&SecretTable; 3] = [&SETTING, &ROUTE, &ACCOUNT_KEY];

/// What stands for the number of a row.
fn number_of(name: &str) -> BodyKey {
    let hash = blake3::hash(name.as_bytes());
    let octets = hash.as_bytes().first_chunk().expect("a hash has more octets");
    BodyKey(u64::from_le_bytes(*octets))
}

/// Reads until the key of what was read is there; `read` gives `None` when it is not.
pub(crate) fn read_until_opened<T>(mut read: impl FnMut() -> Result<Option<T>, Fault>) -> Result<T, Fault> {
    for _ in 0..READINGS {
        if let Some(found) = read()? {
            return Ok(found);
        }
    }
    Err(StorageError::Corrupt("the key of a secret is not there".to_owned()).into())
}

/// Opens the secrets of one row.
pub(crate) struct SecretRow<'a> {
    table: &'static SecretTable,
    name: String,
    opener: Option<RowOpener<'a>>,
}

impl<'a> SecretRow<'a> {
    /// For a row with this in `sealed_by`. `None` when the key is not there: then the row has changed since it was
    /// read, and is to be read again.
    pub(crate) fn of(
        ring: &'a KeyRing,
        table: &'static SecretTable,
        name: &str,
        sealed_by: Option<u32>,
    ) -> Option<Self> {
        let opener = match sealed_by {
            Some(id) => Some(RowOpener::new(ring.reading(id)?, table.name, number_of(name))),
            None => None,
        };
        Some(Self { table, name: name.to_owned(), opener })
    }

    /// The secret of a column that may have none.
    pub(crate) fn secret(&mut self, column: &str, value: ValueRef<'_>) -> Result<Option<Secret>, Fault> {
        let Some(octets) = value.as_bytes_or_null().map_err(rusqlite::Error::from)? else { return Ok(None) };
        let Some(opener) = &mut self.opener else { return Ok(Some(Secret::new(octets))) };
        let opened = opener.open(column, octets).map(Secret::new);
        let damaged = || {
            let (table, name) = (self.table.name, &self.name);
            StorageError::Corrupt(format!("{column} of the {table} {name} is not what was encrypted"))
        };
        Ok(Some(opened.ok_or_else(damaged)?))
    }
}

/// Seals the secrets of one row, or leaves them as they are.
pub(crate) struct SecretSealer {
    /// The data key; `None` when they stay as they are.
    pub(crate) sealed_by: Option<u32>,
    sealer: Option<RowSealer>,
}

impl SecretSealer {
    /// As new records are.
    pub(crate) fn new(ring: &KeyRing, table: &'static SecretTable, name: &str) -> Self {
        match ring.writing() {
            Some((id, root)) => {
                Self { sealed_by: Some(id), sealer: Some(RowSealer::new(root, table.name, number_of(name))) }
            }
            None => Self { sealed_by: None, sealer: None },
        }
    }

    /// What is to be written.
    pub(crate) fn seal(&mut self, column: &str, secret: &Secret) -> Vec<u8> {
        match &mut self.sealer {
            Some(sealer) => sealer.seal(column, secret.expose()),
            None => secret.expose().to_vec(),
        }
    }
}

/// Secrets that are not what was encrypted, or that are as they are though everything is to be encrypted.
pub(crate) fn check(connection: &Connection, ring: &KeyRing) -> Result<Vec<String>, Fault> {
    let mut problems = Vec::new();
    let state = State::load(connection)?;
    for table in SECRET_TABLES {
        let columns = table.columns.join(", ");
        let sql = format!("SELECT name, sealed_by, {columns} FROM {} WHERE name <> ?1 ORDER BY name", table.name);
        let mut statement = connection.prepare(&sql)?;
        let mut rows = statement.query([table.public])?;
        while let Some(row) = rows.next()? {
            let (name, sealed_by): (String, Option<u32>) = (row.get(0)?, row.get(1)?);
            if state.settled && sealed_by != state.target {
                problems.push(format!("the {} {name} is not under the data key", table.name));
            }
            let Some(mut secrets) = SecretRow::of(ring, table, &name, sealed_by) else {
                problems.push(format!("the {} {name} is under a key that is not there", table.name));
                continue;
            };
            for (column, at) in table.columns.iter().zip(2..) {
                match secrets.secret(column, row.get_ref(at)?) {
                    Err(Fault(StorageError::Corrupt(text))) => problems.push(text),
                    other => drop(other?),
                }
            }
        }
    }
    Ok(problems)
}
