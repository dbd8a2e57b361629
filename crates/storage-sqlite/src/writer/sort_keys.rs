//! What was worked out for sorting is stored beside a new body.

use posthouse_storage::BodyKey;
use rusqlite::params;

use super::work::Work;
use crate::fault::Fault;

impl Work<'_> {
    /// Stores the sort keys of a body that is new to the index. Without any there is no row.
    pub(super) fn insert_sort_keys(&mut self, body: BodyKey, keys: &[u8]) -> Result<(), Fault> {
        if !keys.is_empty() {
            let sql = "INSERT INTO sort_key (body, keys) VALUES (?1, ?2)";
            self.connection.prepare_cached(sql)?.execute(params![body.0 as i64, keys])?;
        }
        Ok(())
    }
}
