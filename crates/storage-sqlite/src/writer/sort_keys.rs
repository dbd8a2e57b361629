//! What was worked out for sorting is stored beside a new body.

use posthouse_storage::BodyKey;
use rusqlite::params;

use super::work::Work;
use crate::encryption::RowSealer;
use crate::fault::Fault;

impl Work<'_> {
    /// Stores the sort keys of a body that is new to the index. Without any there is no row.
    pub(super) fn insert_sort_keys(&mut self, body: BodyKey, keys: &[u8]) -> Result<(), Fault> {
        if !keys.is_empty() {
            let sql = "INSERT INTO sort_key (body, keys, sealed_by) VALUES (?1, ?2, ?3)";
            let mut statement = self.connection.prepare_cached(sql)?;
            match self.keys.load().writing() {
                Some((data_key, root)) => {
                    let sealed = RowSealer::new(root, "sort_key", body).seal("keys", keys);
                    statement.execute(params![body.0 as i64, sealed, data_key])?
                }
                None => statement.execute(params![body.0 as i64, keys, None::<u32>])?,
            };
        }
        Ok(())
    }
}
