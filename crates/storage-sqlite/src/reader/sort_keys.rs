//! Questions about what was worked out for sorting.

use bytes::Bytes;
use posthouse_storage::BodyKey;
use rusqlite::{Connection, params};

use crate::encryption::{Keys, RowTexts, read_rows};
use crate::fault::Fault;

pub(crate) fn sort_keys(connection: &Connection, ring: &Keys, bodies: &[BodyKey]) -> Result<Vec<Option<Bytes>>, Fault> {
    let mut statement = connection.prepare_cached("SELECT keys, sealed_by FROM sort_key WHERE body = ?1")?;
    read_rows(connection, bodies, |body| {
        let mut rows = statement.query(params![body.0 as i64])?;
        let Some(row) = rows.next()? else { return Ok(Some(None)) };
        let ring = ring.load();
        let Some(mut texts) = RowTexts::of(&ring, "sort_key", body, row.get(1)?) else { return Ok(None) };
        Ok(Some(Some(texts.text("keys", row.get_ref(0)?)?)))
    })
}
