//! How many entries of the queue there are, kept as they come and go.

use rusqlite::{OptionalExtension, params};

use super::work::Work;
use crate::fault::Fault;
use crate::reader::queue::{TALLY_ALL, TALLY_CAUSE, TALLY_DESTINATION};

impl Work<'_> {
    /// So many entries came to a destination, or went if it is less than none; and of them so many that are held.
    pub(super) fn tally_destination(&self, destination: &str, entries: i64, held: i64) -> Result<(), Fault> {
        self.tally_queue(TALLY_ALL, "", entries, held)?;
        self.tally_queue(TALLY_DESTINATION, destination, entries, held)
    }

    /// So many entries came to a cause, or went.
    pub(super) fn tally_cause(&self, cause: Option<&str>, entries: i64, held: i64) -> Result<(), Fault> {
        match cause {
            Some(cause) => self.tally_queue(TALLY_CAUSE, cause, entries, held),
            None => Ok(()),
        }
    }

    fn tally_queue(&self, kind: i64, name: &str, entries: i64, held: i64) -> Result<(), Fault> {
        let sql = "INSERT INTO queue_tally (kind, name, entries, held) VALUES (?1, ?2, ?3, ?4)
                   ON CONFLICT (kind, name) DO UPDATE SET entries = entries + ?3, held = held + ?4
                   RETURNING entries";
        let values = params![kind, name, entries, held];
        let left = self.connection.prepare_cached(sql)?.query_row(values, |row| row.get::<_, i64>(0)).optional()?;
        if left == Some(0) && kind != TALLY_ALL {
            let sql = "DELETE FROM queue_tally WHERE kind = ?1 AND name = ?2";
            self.connection.prepare_cached(sql)?.execute(params![kind, name])?;
        }
        Ok(())
    }
}
