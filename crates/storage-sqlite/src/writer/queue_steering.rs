//! What an administrator does with entries of the queue.

use posthouse_model::{QueueId, TrailEvent, UnixMillis};
use posthouse_storage::QueueSteering;
use rusqlite::{OptionalExtension, Row, params};

use super::queue_turns::Ripe;
use super::work::Work;
use crate::fault::Fault;

/// What steering has to know of an entry.
struct Steered {
    ripe: Ripe,
    cause: Option<String>,
    detour: Option<String>,
    due_at: i64,
    is_ready: bool,
    held: bool,
    held_with_account: bool,
}

impl Steered {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            ripe: Ripe { id: row.get(0)?, message: row.get(1)?, destination: row.get(2)?, lane: row.get(3)? },
            cause: row.get(4)?,
            detour: row.get(5)?,
            due_at: row.get(6)?,
            is_ready: row.get(7)?,
            held: row.get(8)?,
            held_with_account: row.get(9)?,
        })
    }
}

impl Work<'_> {
    pub(crate) fn steer(
        &mut self,
        entries: &[(QueueId, TrailEvent)],
        steering: &QueueSteering,
    ) -> Result<Vec<QueueId>, Fault> {
        let mut steered = Vec::new();
        let mut events = Vec::new();
        for (id, event) in entries {
            let number = id.0 as i64;
            let sql = "SELECT id, message, destination, lane, cause, detour, due_at, turn IS NOT NULL, held,
                       held_with_account FROM queue_entry WHERE id = ?1";
            let mut statement = self.connection.prepare_cached(sql)?;
            let found = statement.query_row(params![number], Steered::read).optional()?;
            let Some(found) = found.filter(|_| !self.leases.contains(number)) else { continue };
            drop(statement);
            match steering {
                QueueSteering::Drop => self.remove_entry(number)?,
                _ => self.steer_one(found, steering)?,
            }
            steered.push(*id);
            events.push(event.clone());
        }
        self.write_trail(&events)?;
        Ok(steered)
    }

    fn steer_one(&mut self, mut entry: Steered, steering: &QueueSteering) -> Result<(), Fault> {
        let (before, was_held) = (entry.ripe.destination.clone(), entry.held);
        match steering {
            QueueSteering::RetryNow(now) => {
                entry.due_at = now.0;
                entry.is_ready = true;
            }
            QueueSteering::Hold => (entry.held, entry.held_with_account) = (true, false),
            QueueSteering::HoldWithAccount => {
                entry.held_with_account |= !entry.held;
                entry.held = true;
            }
            QueueSteering::Release => (entry.held, entry.held_with_account) = (false, false),
            QueueSteering::Divert(detour) => {
                entry.detour = Some(detour.to_string());
                entry.ripe.destination = detour.host.as_str().to_owned();
            }
            QueueSteering::EndDetour { destination } => {
                entry.detour = None;
                entry.ripe.destination = destination.as_str().to_owned();
            }
            QueueSteering::Drop => {}
        }
        let sql = "UPDATE queue_entry SET due_at = ?2, destination = ?3, detour = ?4, held = ?5,
                   held_with_account = ?6, turn = NULL WHERE id = ?1";
        let ripe = &entry.ripe;
        let values =
            params![ripe.id, entry.due_at, ripe.destination, entry.detour, entry.held, entry.held_with_account];
        self.connection.prepare_cached(sql)?.execute(values)?;
        self.tally_destination(&before, -1, -i64::from(was_held))?;
        self.tally_destination(&ripe.destination, 1, i64::from(entry.held))?;
        self.tally_cause(entry.cause.as_deref(), 0, i64::from(entry.held) - i64::from(was_held))?;
        match (entry.held, entry.is_ready) {
            (true, _) => Ok(()),
            (false, true) => self.make_ready(vec![entry.ripe]),
            (false, false) => {
                self.effects.queue.waits(UnixMillis(entry.due_at));
                Ok(())
            }
        }
    }
}
