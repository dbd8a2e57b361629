//! Questions about passwords that were.

use posthouse_model::{AccountId, Secret, UnixMillis};
use posthouse_storage::EarlierPassword;
use rusqlite::{Connection, params};

use crate::fault::Fault;

pub(crate) fn earlier(connection: &Connection, id: AccountId, limit: usize) -> Result<Vec<EarlierPassword>, Fault> {
    let sql = "SELECT argon2, changed_at FROM earlier_password WHERE account = ?1 ORDER BY changed_at DESC LIMIT ?2";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params![id.0 as i64, limit], |row| {
        let argon2: Vec<u8> = row.get(0)?;
        Ok(EarlierPassword { argon2: Secret::new(argon2), changed_at: UnixMillis(row.get(1)?) })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(crate) fn ages(connection: &Connection) -> Result<Vec<(AccountId, UnixMillis)>, Fault> {
    let sql = "SELECT account, changed_at FROM credential ORDER BY account";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map((), |row| {
        let account: i64 = row.get(0)?;
        Ok((AccountId(account as u64), UnixMillis(row.get(1)?)))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
