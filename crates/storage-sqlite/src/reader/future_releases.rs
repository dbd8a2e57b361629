//! Questions about mail that waits for its release.

use posthouse_model::AccountId;
use rusqlite::{Connection, params};

use crate::fault::Fault;

/// Messages of an account that wait, as many as are asked for.
const AWAITING: &str = "SELECT count(*) FROM (SELECT 1 FROM queue_message INDEXED BY queue_message_awaiting
    WHERE awaits_release = 1 AND submitter = ?1 LIMIT ?2)";

pub(crate) fn awaiting(connection: &Connection, submitter: AccountId, limit: usize) -> Result<usize, Fault> {
    let values = params![submitter.0 as i64, i64::try_from(limit).unwrap_or(i64::MAX)];
    let count: i64 = connection.prepare_cached(AWAITING)?.query_row(values, |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}
