//! Mail on its way out.

use posthouse_model::{Address, Domain, UnixMillis};
use posthouse_storage::{
    BodyKey, Named, QueueEntry, QueueFilter, QueueSteering, QueueSubmission, Settlement, SettlementOutcome,
    StorageError,
};
use rusqlite::{OptionalExtension, params};

use super::work::Work;
use crate::convert;
use crate::fault::Fault;
use crate::reader::queue;

impl Work<'_> {
    /// Puts a message into the queue. The reference to its body is the caller's.
    pub(super) fn enqueue(&mut self, submission: &QueueSubmission, body: BodyKey) -> Result<(), Fault> {
        let message = &submission.message;
        let id = self.numbers.queue();
        let sender = message.sender.address();
        let sql = "INSERT INTO queue_message (id, journey, body, entries, sender, sender_folded, body_type, smtputf8,
                   require_tls, dsn_return, envelope_id, size_bytes, received_at, may_sign,
                   submitter)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)";
        self.connection.prepare_cached(sql)?.execute(params![
            id,
            convert::journey_column(message.journey),
            body.0 as i64,
            submission.recipients.len() as i64,
            sender.map(Address::to_string),
            sender.map(Address::folded),
            convert::body_type_column(message.body_type),
            message.smtputf8,
            message.require_tls,
            convert::dsn_return_column(message.dsn_return),
            message.envelope_id,
            message.size_bytes as i64,
            message.received_at.0,
            message.may_sign,
            message.submitter.map(|account| account.0 as i64)
        ])?;
        let sql = "INSERT INTO queue_entry (id, message, address, notify, original, destination, due_at, expires_at,
                   attempts, last_outcome, delay_reported, held)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, NULL, 0, 0)";
        for queued in &submission.recipients {
            self.connection.prepare_cached(sql)?.execute(params![
                self.numbers.queue(),
                id,
                queued.recipient.address.to_string(),
                convert::notify_column(queued.recipient.notify),
                queued.recipient.original,
                queued.destination.as_str(),
                queued.due_at.0,
                queued.expires_at.0
            ])?;
        }
        self.effects.queue_changed = true;
        Ok(())
    }

    pub(crate) fn claim_due(
        &mut self,
        now: UnixMillis,
        limit: usize,
        except: &[Domain],
    ) -> Result<Vec<QueueEntry>, Fault> {
        // Everything that decides is in the index, so passing over entries costs little.
        let sql = "SELECT id, destination FROM queue_entry WHERE held = 0 AND due_at <= ?1 ORDER BY due_at";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![now.0])?;
        let mut chosen = Vec::new();
        while chosen.len() < limit
            && let Some(row) = rows.next()?
        {
            let destination = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
            let id = row.get(0)?;
            if !except.iter().any(|one| one.as_str() == destination) && !self.leases.contains(id) {
                chosen.push(id);
            }
        }
        drop(rows);
        drop(statement);
        let mut claimed = self.lease(&chosen)?;
        claimed.sort_by_key(|entry| (entry.due_at, entry.id));
        Ok(claimed)
    }

    pub(crate) fn claim_due_for(
        &mut self,
        destination: &Domain,
        now: UnixMillis,
        limit: usize,
    ) -> Result<Vec<QueueEntry>, Fault> {
        let sql = "SELECT id FROM queue_entry WHERE destination = ?1 AND due_at <= ?2 AND held = 0
                   ORDER BY due_at, id";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![destination.as_str(), now.0])?;
        let mut chosen = Vec::new();
        while chosen.len() < limit
            && let Some(row) = rows.next()?
        {
            let id = row.get(0)?;
            if !self.leases.contains(id) {
                chosen.push(id);
            }
        }
        drop(rows);
        drop(statement);
        self.lease(&chosen)
    }

    /// When the next entry becomes due that is neither held nor leased nor to one of `except`.
    pub(crate) fn next_due(&mut self, except: &[Domain]) -> Result<Option<UnixMillis>, Fault> {
        let sql = "SELECT id, due_at, destination FROM queue_entry WHERE held = 0 ORDER BY due_at";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(())?;
        while let Some(row) = rows.next()? {
            let destination = row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?;
            if !self.leases.contains(row.get(0)?) && !except.iter().any(|one| one.as_str() == destination) {
                return Ok(Some(UnixMillis(row.get(1)?)));
            }
        }
        Ok(None)
    }

    pub(crate) fn settle(&mut self, settlement: &Settlement) -> Result<(), Fault> {
        for (id, outcome) in &settlement.outcomes {
            let id = id.0 as i64;
            match outcome {
                SettlementOutcome::Done => self.remove_entry(id)?,
                SettlementOutcome::Retry { due_at, outcome, delay_reported } => {
                    let sql = "UPDATE queue_entry SET due_at = ?2, last_outcome = ?3, delay_reported = ?4,
                               attempts = attempts + 1 WHERE id = ?1";
                    let values = params![id, due_at.0, outcome, delay_reported];
                    if self.connection.prepare_cached(sql)?.execute(values)? == 0 {
                        return Err(StorageError::NotFound(Named::QueueEntry).into());
                    }
                }
                SettlementOutcome::Untouched => {}
            }
            self.leases.free(id);
            self.effects.queue_changed = true;
        }
        // What became of mail has to be settled, whether or not there is room for the report about it.
        self.lift_quotas();
        // First what happened, then what follows from it.
        self.write_trail(&settlement.trail)?;
        for report in &settlement.reports {
            self.deliver(report)?;
        }
        Ok(())
    }

    pub(crate) fn steer(&mut self, filter: &QueueFilter, steering: QueueSteering) -> Result<u64, Fault> {
        let mut matching = queue::matching(self.connection, filter, None, usize::MAX)?;
        matching.retain(|&id| !self.leases.contains(id));
        for &id in &matching {
            let (sql, value) = match steering {
                QueueSteering::RetryNow(now) => ("UPDATE queue_entry SET due_at = ?2 WHERE id = ?1", now.0),
                QueueSteering::Hold => ("UPDATE queue_entry SET held = ?2 WHERE id = ?1", 1),
                QueueSteering::Release => ("UPDATE queue_entry SET held = ?2 WHERE id = ?1", 0),
                QueueSteering::Drop => {
                    self.remove_entry(id)?;
                    continue;
                }
            };
            self.connection.prepare_cached(sql)?.execute(params![id, value])?;
        }
        self.effects.queue_changed |= !matching.is_empty();
        Ok(matching.len() as u64)
    }

    fn lease(&mut self, ids: &[i64]) -> Result<Vec<QueueEntry>, Fault> {
        for &id in ids {
            self.leases.take(id);
        }
        queue::entries(self.connection, ids)
    }

    /// Takes an entry out, and with the last of its message the message.
    fn remove_entry(&mut self, id: i64) -> Result<(), Fault> {
        let sql = "DELETE FROM queue_entry WHERE id = ?1 RETURNING message";
        let message: Option<i64> =
            self.connection.prepare_cached(sql)?.query_row(params![id], |row| row.get(0)).optional()?;
        let message = message.ok_or(StorageError::NotFound(Named::QueueEntry))?;
        let sql = "UPDATE queue_message SET entries = entries - 1 WHERE id = ?1 RETURNING entries, body";
        let (left, body): (i64, i64) =
            self.connection.prepare_cached(sql)?.query_row(params![message], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if left == 0 {
            self.connection.prepare_cached("DELETE FROM queue_message WHERE id = ?1")?.execute(params![message])?;
            self.release(BodyKey(body as u64))?;
        }
        Ok(())
    }
}
