//! Mail on its way out.

use std::collections::BTreeMap;

use posthouse_model::{Address, DeliverBy, Domain, UnixMillis};
use posthouse_storage::queue_fairness::{MAX_RECIPIENTS_PER_TURN, lane};
use posthouse_storage::{BodyKey, Named, QueueSubmission, Settlement, SettlementOutcome, StorageError};
use rusqlite::{OptionalExtension, Row, params};

use super::work::Work;
use crate::convert;
use crate::fault::Fault;

/// The recipients of one message at one destination.
#[derive(Default)]
struct Share {
    entries: i64,
    /// Of them, those held.
    held: i64,
    /// Of them, those due at once.
    ready: usize,
    /// The turn of the last of those.
    turn: i64,
}

impl Work<'_> {
    /// Puts a message into the queue. The reference to its body is the caller's.
    pub(super) fn enqueue(&mut self, submission: &QueueSubmission, body: BodyKey) -> Result<(), Fault> {
        let message = &submission.message;
        let id = self.numbers.queue();
        let sender = message.sender.address();
        let submitter = message.submitter.map(|account| account.0 as i64);
        let sql = "INSERT INTO queue_message (id, journey, body, entries, sender, sender_folded, body_type, smtputf8,
                   require_tls, dsn_return, envelope_id, size_bytes, received_at, may_sign, submitter,
                   forwarded_by, release_request, release_at, awaits_release, deliver_by, deliver_by_mode)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,
                   ?21)";
        self.connection.prepare_cached(sql)?.execute(params![
            id,
            convert::journey_column(message.journey),
            body.0 as i64,
            submission.recipients.len() as i64,
            sender.map(Address::to_string),
            sender.map(Address::folded),
            convert::body_type_column(message.body_type),
            message.smtputf8,
            convert::tls_wish_column(message.tls),
            convert::dsn_return_column(message.dsn_return),
            message.envelope_id,
            message.size_bytes as i64,
            message.received_at.0,
            message.may_sign,
            submitter,
            message.forwarded_by.as_ref().map(Domain::as_str),
            message.future_release.map(|release| release.request.to_string()),
            message.future_release.map(|release| release.at.0),
            message.awaits_release,
            message.deliver_by.map(|by| by.at.0),
            message.deliver_by.as_ref().map(DeliverBy::mode_word)
        ])?;
        let lane = lane(&message.sender);
        let sql = "INSERT INTO queue_entry (id, message, address, notify, original, destination, due_at, expires_at,
                   attempts, last_outcome, delay_reported, held, lane, turn, submitter, deadline, cause)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, ?13, 0, ?14, ?9, ?10, ?11, ?12, ?15)";
        let mut shares: BTreeMap<&str, Share> = BTreeMap::new();
        for queued in &submission.recipients {
            let destination = queued.destination.as_str();
            let share = shares.entry(destination).or_default();
            share.entries += 1;
            let held = queued.held.as_ref();
            share.held += i64::from(held.is_some());
            let turn = match held.is_none() && queued.due_at <= message.received_at {
                true => Some(self.shared_turn(share, destination, &lane)?),
                false => None,
            };
            self.connection.prepare_cached(sql)?.execute(params![
                self.numbers.queue(),
                id,
                queued.recipient.address.to_string(),
                convert::notify_column(queued.recipient.notify),
                queued.recipient.original,
                destination,
                queued.due_at.0,
                queued.expires_at.0,
                lane,
                turn,
                submitter,
                queued.deadline.map(|at| at.0),
                held.map(|held| &held.outcome),
                held.is_some(),
                held.map(|held| &held.cause)
            ])?;
            self.tally_cause(held.map(|held| held.cause.as_str()), 1, 1)?;
            self.effects.queue.has_deadline(queued.deadline);
            match turn {
                Some(_) if share.ready == 1 => self.effects.queue.ready.push(queued.destination.clone()),
                Some(_) => {}
                None if held.is_some() => {}
                None => self.effects.queue.waits(queued.due_at),
            }
        }
        for (destination, share) in shares {
            self.tally_destination(destination, share.entries, share.held)?;
        }
        Ok(())
    }

    /// The turn of the next recipient at a destination.
    fn shared_turn(&self, share: &mut Share, destination: &str, lane: &str) -> Result<i64, Fault> {
        if share.ready.is_multiple_of(MAX_RECIPIENTS_PER_TURN) {
            share.turn = self.turn_of(destination, lane)?;
        }
        share.ready += 1;
        Ok(share.turn)
    }

    pub(crate) fn settle(&mut self, settlement: &Settlement) -> Result<(), Fault> {
        for (id, outcome) in &settlement.outcomes {
            let id = id.0 as i64;
            match outcome {
                SettlementOutcome::Done => self.remove_entry(id)?,
                SettlementOutcome::Retry { due_at, outcome, cause, delay_reported, was_tried } => {
                    let sql = "SELECT cause, held FROM queue_entry WHERE id = ?1";
                    let row = |row: &Row<'_>| Ok((row.get::<_, Option<String>>(0)?, row.get::<_, bool>(1)?));
                    let before = self.connection.prepare_cached(sql)?.query_row(params![id], row).optional()?;
                    let (before, held) = before.ok_or(StorageError::NotFound(Named::QueueEntry))?;
                    let sql = "UPDATE queue_entry SET due_at = ?2, last_outcome = ?3, delay_reported = ?4, cause = ?5,
                               turn = NULL, attempts = attempts + ?6 WHERE id = ?1";
                    let values = params![id, due_at.0, outcome, delay_reported, cause, was_tried];
                    self.connection.prepare_cached(sql)?.execute(values)?;
                    if before.as_ref() != Some(cause) {
                        self.tally_cause(before.as_deref(), -1, -i64::from(held))?;
                        self.tally_cause(Some(cause), 1, i64::from(held))?;
                    }
                    self.effects.queue.waits(*due_at);
                }
                SettlementOutcome::Hold { at, outcome, cause, deadline } => {
                    self.hold_entry(id, *at, outcome, cause, *deadline)?;
                }
                SettlementOutcome::Untouched => self.tell_ready(id)?,
                SettlementOutcome::Overdue => {
                    self.end_deadline(id)?;
                    self.tell_ready(id)?;
                }
            }
            if *outcome != SettlementOutcome::Done {
                self.tell_deadline(id)?;
            }
            self.leases.free(id);
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

    /// Holds what failed for good and nobody can be told of.
    fn hold_entry(
        &mut self,
        id: i64,
        at: UnixMillis,
        outcome: &str,
        cause: &str,
        deadline: UnixMillis,
    ) -> Result<(), Fault> {
        let sql = "SELECT destination, cause, held FROM queue_entry WHERE id = ?1";
        let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let before = self.connection.prepare_cached(sql)?.query_row(params![id], row).optional()?;
        let before: Option<(String, Option<String>, bool)> = before;
        let (destination, before, was_held) = before.ok_or(StorageError::NotFound(Named::QueueEntry))?;
        let sql = "UPDATE queue_entry SET due_at = ?2, last_outcome = ?3, cause = ?4, deadline = ?5, held = 1,
                   held_with_account = 0, turn = NULL, attempts = attempts + 1 WHERE id = ?1";
        self.connection.prepare_cached(sql)?.execute(params![id, at.0, outcome, cause, deadline.0])?;
        self.tally_destination(&destination, 0, i64::from(!was_held))?;
        self.tally_cause(before.as_deref(), -1, -i64::from(was_held))?;
        self.tally_cause(Some(cause), 1, 1)
    }

    /// Tells of an entry that is ready and free again.
    fn tell_ready(&mut self, id: i64) -> Result<(), Fault> {
        let sql = "SELECT destination FROM queue_entry WHERE id = ?1 AND turn IS NOT NULL";
        let row = |row: &Row<'_>| row.get::<_, String>(0);
        let ready = self.connection.prepare_cached(sql)?.query_row(params![id], row).optional()?;
        if let Some(destination) = ready {
            self.effects.queue.ready.push(convert::domain(&destination)?);
        }
        Ok(())
    }

    /// Takes an entry out, and with the last of its message the message.
    pub(super) fn remove_entry(&mut self, id: i64) -> Result<(), Fault> {
        let sql = "DELETE FROM queue_entry WHERE id = ?1 RETURNING message, destination, cause, held";
        let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
        let gone = self.connection.prepare_cached(sql)?.query_row(params![id], row).optional()?;
        let gone: Option<(i64, String, Option<String>, bool)> = gone;
        let (message, destination, cause, held) = gone.ok_or(StorageError::NotFound(Named::QueueEntry))?;
        self.tally_destination(&destination, -1, -i64::from(held))?;
        self.tally_cause(cause.as_deref(), -1, -i64::from(held))?;
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
