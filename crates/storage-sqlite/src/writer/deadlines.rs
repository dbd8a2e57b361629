//! Entries with which something is done at a given time.

use posthouse_model::UnixMillis;
use posthouse_storage::Overdue;
use rusqlite::params;

use super::work::Work;
use crate::fault::Fault;
use crate::reader::queue;

/// Deadlines, earliest first.
const DEADLINES: &str = "SELECT id, deadline FROM queue_entry INDEXED BY queue_entry_deadline
    WHERE deadline IS NOT NULL ORDER BY deadline, id";

impl Work<'_> {
    /// Leases what is overdue. No more rows are looked at than it has, what is leased and overdue, and one.
    pub(crate) fn overdue(&mut self, now: UnixMillis, limit: usize) -> Result<Overdue, Fault> {
        let mut statement = self.connection.prepare_cached(DEADLINES)?;
        let mut rows = statement.query(())?;
        let (mut chosen, mut next) = (Vec::new(), None);
        while let Some(row) = rows.next()? {
            let (id, at): (i64, i64) = (row.get(0)?, row.get(1)?);
            if self.leases.contains(id) {
                continue;
            }
            if at > now.0 || chosen.len() == limit {
                next = Some(UnixMillis(at));
                break;
            }
            chosen.push(id);
        }
        drop(rows);
        drop(statement);
        chosen.iter().for_each(|&id| self.leases.take(id));
        Ok(Overdue { entries: queue::entries(self.connection, &chosen)?, next_deadline: next })
    }

    /// Tells of the deadline of an entry that is free again.
    pub(super) fn tell_deadline(&mut self, id: i64) -> Result<(), Fault> {
        let sql = "SELECT deadline FROM queue_entry WHERE id = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let deadline: Option<i64> = statement.query_row(params![id], |row| row.get(0))?;
        self.effects.queue.has_deadline(deadline.map(UnixMillis));
        Ok(())
    }

    /// What was to be done at the deadline was done.
    pub(super) fn end_deadline(&mut self, id: i64) -> Result<(), Fault> {
        let sql = "UPDATE queue_entry SET deadline = NULL WHERE id = ?1";
        self.connection.prepare_cached(sql)?.execute(params![id])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// It reads an index in its order.
    #[test]
    fn nothing_is_gone_through_or_sorted() {
        let directory = tempfile::tempdir().unwrap();
        let connection = crate::schema::open_writer(&directory.path().join("index.db")).unwrap();
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {DEADLINES}")).unwrap();
        let rows = statement.query_map((), |row| row.get::<_, String>(3)).unwrap();
        let plan: Vec<_> = rows.map(Result::unwrap).collect();
        assert_eq!(plan, ["SEARCH queue_entry USING COVERING INDEX queue_entry_deadline (deadline>?)"]);
    }
}
