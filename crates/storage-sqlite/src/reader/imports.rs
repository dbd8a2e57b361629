//! Questions about what was brought in from elsewhere.

use posthouse_model::AccountId;
use posthouse_storage::ImportKey;
use rusqlite::{Connection, params};

use crate::fault::Fault;

pub(crate) fn imported(connection: &Connection, account: AccountId, keys: &[ImportKey]) -> Result<Vec<bool>, Fault> {
    let mut statement = connection.prepare_cached("SELECT 1 FROM imported WHERE account = ?1 AND key = ?2")?;
    keys.iter().map(|key| Ok(statement.exists(params![account.0 as i64, key.0])?)).collect()
}
