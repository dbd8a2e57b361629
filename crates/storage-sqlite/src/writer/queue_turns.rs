//! What is ready, and whose turn it is.

use std::collections::HashSet;

use posthouse_model::{QueueId, UnixMillis};
use posthouse_storage::queue_fairness::{MAX_RECIPIENTS_PER_TURN, next_turn};
use posthouse_storage::{Claim, Claimed, QueueEntry, Ripened};
use rusqlite::{OptionalExtension, params};

use super::work::Work;
use crate::convert;
use crate::fault::Fault;
use crate::reader::queue;

/// The last turn of a lane.
const LAST_TURN: &str = "SELECT turn FROM queue_entry INDEXED BY queue_entry_turn
    WHERE destination = ?1 AND lane = ?2 AND turn IS NOT NULL ORDER BY turn DESC LIMIT 1";
/// The first turn of a destination.
const FIRST_TURN: &str = "SELECT turn FROM queue_entry INDEXED BY queue_entry_ready
    WHERE destination = ?1 AND turn IS NOT NULL ORDER BY turn LIMIT 1";
/// What waits and is due.
const RIPE: &str = "SELECT id, message, destination, lane FROM queue_entry INDEXED BY queue_entry_waiting
    WHERE turn IS NULL AND held = 0 AND due_at <= ?1 ORDER BY due_at LIMIT ?2";
/// When the next is due of what waits.
const NEXT_DUE: &str = "SELECT due_at FROM queue_entry INDEXED BY queue_entry_waiting
    WHERE turn IS NULL AND held = 0 ORDER BY due_at LIMIT 1";
/// What is ready for a destination.
const READY: &str = "SELECT id, message FROM queue_entry INDEXED BY queue_entry_ready
    WHERE destination = ?1 AND turn IS NOT NULL ORDER BY turn, id";

/// An entry that is to have a turn.
pub(super) struct Ripe {
    pub id: i64,
    pub message: i64,
    pub destination: String,
    pub lane: String,
}

impl Work<'_> {
    /// Gives entries their turns, those of one message and destination the same.
    pub(super) fn make_ready(&mut self, mut ripe: Vec<Ripe>) -> Result<(), Fault> {
        // Stable, so that what was first among those of one destination gets its turn first.
        ripe.sort_by(|one, other| one.destination.cmp(&other.destination));
        let mut rest = &ripe[..];
        while let Some(first) = rest.first() {
            let same = |one: &&Ripe| one.message == first.message && one.destination == first.destination;
            let group = rest.iter().take_while(same).take(MAX_RECIPIENTS_PER_TURN).count();
            let turn = self.turn_of(&first.destination, &first.lane)?;
            for entry in &rest[..group] {
                let sql = "UPDATE queue_entry SET turn = ?2 WHERE id = ?1";
                self.connection.prepare_cached(sql)?.execute(params![entry.id, turn])?;
            }
            self.effects.queue.ready.push(convert::domain(&first.destination)?);
            rest = &rest[group..];
        }
        Ok(())
    }

    /// The turn of something that becomes ready.
    pub(super) fn turn_of(&self, destination: &str, lane: &str) -> Result<i64, Fault> {
        let mut statement = self.connection.prepare_cached(LAST_TURN)?;
        let values = params![destination, lane];
        let last = statement.query_row(values, |row| row.get(0)).optional()?;
        let mut statement = self.connection.prepare_cached(FIRST_TURN)?;
        let first = match last {
            Some(_) => None,
            None => statement.query_row(params![destination], |row| row.get(0)).optional()?,
        };
        Ok(next_turn(last, first))
    }

    pub(crate) fn ripen(&mut self, now: UnixMillis, limit: usize) -> Result<Ripened, Fault> {
        let mut statement = self.connection.prepare_cached(RIPE)?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![now.0, limit], |row| {
            Ok(Ripe { id: row.get(0)?, message: row.get(1)?, destination: row.get(2)?, lane: row.get(3)? })
        })?;
        let ripe = rows.collect::<Result<Vec<_>, _>>()?;
        drop(statement);
        let entries = ripe.len();
        self.make_ready(ripe)?;
        let next = self.connection.prepare_cached(NEXT_DUE)?.query_row((), |row| row.get(0)).optional()?;
        Ok(Ripened { entries, next_due: next.map(UnixMillis) })
    }

    pub(crate) fn claim(&mut self, claim: &Claim) -> Result<Claimed, Fault> {
        let mut statement = self.connection.prepare_cached(READY)?;
        let mut rows = statement.query(params![claim.destination.as_str()])?;
        let (mut chosen, mut messages, mut has_more) = (Vec::new(), HashSet::new(), false);
        while let Some(row) = rows.next()? {
            let (id, message): (i64, i64) = (row.get(0)?, row.get(1)?);
            if self.leases.contains(id) {
                continue;
            }
            let is_known = messages.contains(&message);
            if chosen.len() >= claim.entries || (!is_known && messages.len() >= claim.messages) {
                has_more = true;
                break;
            }
            messages.insert(message);
            chosen.push(id);
        }
        drop(rows);
        drop(statement);
        chosen.iter().for_each(|&id| self.leases.take(id));
        Ok(Claimed { entries: queue::entries(self.connection, &chosen)?, has_more })
    }

    pub(crate) fn lease(&mut self, wanted: &[QueueId]) -> Result<Vec<QueueEntry>, Fault> {
        let free: Vec<i64> = wanted.iter().map(|id| id.0 as i64).filter(|&id| !self.leases.contains(id)).collect();
        let entries = queue::entries(self.connection, &free)?;
        entries.iter().for_each(|entry| self.leases.take(entry.id.0 as i64));
        Ok(entries)
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::types::Value;

    use super::*;

    /// Each statement looks into its index where what it wants begins, and takes it in the order in which it stands
    /// there: what waits costs it nothing.
    #[test]
    fn nothing_is_gone_through_or_sorted() {
        let directory = tempfile::tempdir().unwrap();
        let connection = crate::schema::open_writer(&directory.path().join("index.db")).unwrap();
        let statements = [
            (
                LAST_TURN,
                "SEARCH queue_entry USING COVERING INDEX queue_entry_turn (destination=? AND lane=? AND turn>?)",
            ),
            (FIRST_TURN, "SEARCH queue_entry USING COVERING INDEX queue_entry_ready (destination=? AND turn>?)"),
            (RIPE, "SEARCH queue_entry USING INDEX queue_entry_waiting (due_at<?)"),
            // From its beginning, for one row.
            (NEXT_DUE, "SCAN queue_entry USING INDEX queue_entry_waiting"),
            (READY, "SEARCH queue_entry USING INDEX queue_entry_ready (destination=? AND turn>?)"),
        ];
        for (sql, expected) in statements {
            let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let values = vec![Value::Null; statement.parameter_count()];
            let rows = statement.query_map(rusqlite::params_from_iter(values), |row| row.get::<_, String>(3)).unwrap();
            let plan: Vec<_> = rows.map(Result::unwrap).collect();
            assert_eq!(plan, [expected], "{sql}");
        }
    }
}
