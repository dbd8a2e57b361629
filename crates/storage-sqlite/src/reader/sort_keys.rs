//! Questions about what was worked out for sorting.

use bytes::Bytes;
use posthouse_storage::BodyKey;
use rusqlite::{Connection, OptionalExtension, params};

use crate::fault::Fault;

pub(crate) fn sort_keys(connection: &Connection, bodies: &[BodyKey]) -> Result<Vec<Option<Bytes>>, Fault> {
    let mut statement = connection.prepare_cached("SELECT keys FROM sort_key WHERE body = ?1")?;
    let mut all = Vec::with_capacity(bodies.len());
    for body in bodies {
        let keys = statement.query_row(params![body.0 as i64], |row| row.get::<_, Vec<u8>>(0)).optional()?;
        all.push(keys.map(Bytes::from));
    }
    Ok(all)
}
