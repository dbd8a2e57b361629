//! What has been sent, kept by the writer between commits.
//!
//! Nobody else writes it, so a message is judged by what stands here, and what a batch comes to is written once for each
//! unit that sent something.

use std::collections::{BTreeSet, HashMap};

use posthouse_model::{AccountId, UnixMillis};
use posthouse_storage::{Bounds, Figures, OverSendingQuota, SendingStanding, SendingUnit, Sent};
use rusqlite::{Connection, params};

use crate::fault::Fault;
use crate::reader::sending_quotas::{bounds, sent, unit_columns, units};

/// Units of which it is kept; with more, all begin anew.
const MOST_UNITS: usize = 16 * 1024;

/// What holds for one account.
#[derive(Debug)]
struct Known {
    units: Vec<SendingUnit>,
    bounds: Bounds,
}

impl Known {
    fn read(connection: &Connection, account: AccountId, now: UnixMillis) -> Result<Self, Fault> {
        let units = units(connection, SendingUnit::Account(account))?;
        let bounds = bounds(connection, &units, now)?;
        Ok(Self { units, bounds })
    }
}

/// What each unit has sent, as the transaction under way leaves it.
#[derive(Debug, Default)]
pub(crate) struct SendingLedger {
    sent: HashMap<SendingUnit, Sent>,
    /// Forgotten when a limit changes.
    known: HashMap<AccountId, Known>,
    unwritten: BTreeSet<SendingUnit>,
    /// What the request under way has changed, and how it was before.
    before: Vec<(SendingUnit, Sent)>,
}

impl SendingLedger {
    /// Counts what an account sends, or says what stands against it. The request fails if the account is not there.
    pub(super) fn count(
        &mut self,
        connection: &Connection,
        account: AccountId,
        more: Figures,
        at: UnixMillis,
    ) -> Result<Result<(), OverSendingQuota>, Fault> {
        if self.known.get(&account).is_some_and(|known| known.bounds.hold_until.is_some_and(|until| until <= at)) {
            self.known.remove(&account);
        }
        let known = match self.known.entry(account) {
            std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::hash_map::Entry::Vacant(place) => place.insert(Known::read(connection, account, at)?),
        };
        let mut standing = SendingStanding { at, bounds: known.bounds.bounds.clone(), sent: Vec::new() };
        for &unit in &known.units {
            let counted = match self.sent.get(&unit) {
                Some(counted) => *counted,
                None => *self.sent.entry(unit).or_insert(sent(connection, unit)?),
            };
            standing.sent.push((unit, counted.as_of(at)));
        }
        if let Some(over) = standing.passed_by(more) {
            return Ok(Err(over));
        }
        for (unit, counted) in standing.sent {
            if let Some(before) = self.sent.insert(unit, counted.plus(more)) {
                self.before.push((unit, before));
            }
            self.unwritten.insert(unit);
        }
        Ok(Ok(()))
    }

    /// Limits have changed, or accounts or domains are gone.
    pub(super) fn limits_changed(&mut self) {
        self.known.clear();
    }

    /// What it has sent is forgotten.
    pub(super) fn forget_unit(&mut self, unit: SendingUnit) {
        if let Some(before) = self.sent.remove(&unit) {
            self.before.push((unit, before));
        }
        self.known.clear();
    }

    /// A request begins.
    pub(super) fn begin(&mut self) {
        self.before.clear();
    }

    /// The request under way is taken back.
    pub(super) fn take_back(&mut self) {
        for (unit, before) in self.before.drain(..).rev() {
            self.sent.insert(unit, before);
        }
        // A limit that it set is gone again.
        self.known.clear();
    }

    /// Writes what has been counted into the transaction under way.
    pub(super) fn write(&mut self, connection: &Connection) -> Result<(), Fault> {
        let sql = "INSERT INTO sent (unit, owner, counted_at, hour_messages, hour_recipients, day_messages,
                   day_recipients, month_messages, month_recipients) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
                   ON CONFLICT DO UPDATE SET counted_at = ?3, hour_messages = ?4, hour_recipients = ?5,
                   day_messages = ?6, day_recipients = ?7, month_messages = ?8, month_recipients = ?9";
        for unit in std::mem::take(&mut self.unwritten) {
            let Some(sent) = self.sent.get(&unit) else { continue };
            let (column, owner) = unit_columns(unit);
            connection.prepare_cached(sql)?.execute(params![
                column,
                owner,
                sent.counted_at.0,
                sent.hour.messages as i64,
                sent.hour.recipients as i64,
                sent.day.messages as i64,
                sent.day.recipients as i64,
                sent.month.messages as i64,
                sent.month.recipients as i64
            ])?;
        }
        Ok(())
    }

    /// The transaction has been committed.
    pub(super) fn committed(&mut self) {
        if self.sent.len() > MOST_UNITS || self.known.len() > MOST_UNITS {
            *self = Self::default();
        }
    }
}
