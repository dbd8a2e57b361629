//! What has been sent, kept by the writer between commits.
//!
//! Nobody else writes it, so a message is judged by what stands here, and what a batch comes to is written once for each
//! unit that sent something.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use posthouse_model::{AccountId, KeyId, UnixMillis};
use posthouse_storage::{
    Bounds, Figures, FreezeCause, Named, SendingStanding, SendingUnit, Sent, StorageError, Watched,
};
use rusqlite::{Connection, params};

use super::counted::Counted;
use crate::fault::Fault;
use crate::reader::sending_quotas::{bounds, sent, unit_columns, units};
use crate::reader::sending_watch::{frozen, watched};

/// Units, and accounts, of which it is kept; with more, all begin anew.
const MOST_UNITS: usize = 16 * 1024;

/// An account, and with which of its keys something is handed in.
type Sender = (AccountId, Option<KeyId>);

/// What holds for one sender.
#[derive(Debug)]
struct Known {
    units: Vec<SendingUnit>,
    bounds: Bounds,
    frozen: Option<FreezeCause>,
}

impl Known {
    fn read(connection: &Connection, (account, key): Sender, now: UnixMillis) -> Result<Self, Fault> {
        let units = units(connection, key.map_or(SendingUnit::Account(account), SendingUnit::Key))?;
        if !units.contains(&SendingUnit::Account(account)) {
            return Err(StorageError::NotFound(Named::Key).into());
        }
        let bounds = bounds(connection, &units, now)?;
        Ok(Self { units, bounds, frozen: frozen(connection, account)? })
    }
}

/// What each unit has sent, as the transaction under way leaves it.
#[derive(Debug, Default)]
pub(crate) struct SendingLedger {
    sent: Counted<SendingUnit, Sent>,
    watched: Counted<AccountId, Watched>,
    /// Forgotten when a limit changes, an account is frozen, or a key is removed.
    known: HashMap<Sender, Known>,
}

impl SendingLedger {
    /// Counts what an account sends; gives what is usual for it. Fails when it may not send so much.
    pub(super) fn count(
        &mut self,
        connection: &Connection,
        sender: Sender,
        more: Figures,
        at: UnixMillis,
    ) -> Result<Watched, Fault> {
        if self.known.get(&sender).is_some_and(|known| known.bounds.hold_until.is_some_and(|until| until <= at)) {
            self.known.remove(&sender);
        }
        let known = match self.known.entry(sender) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(Known::read(connection, sender, at)?),
        };
        if let Some(cause) = known.frozen {
            return Err(StorageError::SendingFrozen(cause).into());
        }
        let bounds = known.bounds.bounds.clone();
        let mut standing = SendingStanding { at, bounds, sent: Vec::new(), frozen: None };
        for &unit in &known.units {
            let counted = self.sent.of(unit, || sent(connection, unit))?;
            standing.sent.push((unit, counted.as_of(at)));
        }
        if let Some(over) = standing.passed_by(more) {
            return Err(StorageError::OverSendingQuota(over).into());
        }
        for (unit, counted) in standing.sent {
            self.sent.set(unit, counted.plus(more));
        }
        self.watch(connection, sender.0, |watched| watched.as_of(at).plus_sent(more.recipients))
    }

    /// Changes what is usual for an account that is there.
    pub(super) fn watch(
        &mut self,
        connection: &Connection,
        account: AccountId,
        change: impl FnOnce(Watched) -> Watched,
    ) -> Result<Watched, Fault> {
        let changed = change(self.watched.of(account, || watched(connection, account))?);
        self.watched.set(account, changed);
        Ok(changed)
    }

    /// Limits have changed, or an account is frozen or released.
    pub(super) fn bounds_changed(&mut self) {
        self.known.clear();
    }

    /// What it has sent is forgotten.
    pub(super) fn forget_unit(&mut self, unit: SendingUnit) {
        self.sent.forget(unit);
        if let SendingUnit::Account(account) = unit {
            self.watched.forget(account);
        }
        self.known.clear();
    }

    /// A request begins.
    pub(super) fn begin(&mut self) {
        self.sent.begin();
        self.watched.begin();
    }

    /// The request under way is taken back.
    pub(super) fn take_back(&mut self) {
        self.sent.take_back();
        self.watched.take_back();
        // A limit that it set is gone again.
        self.known.clear();
    }

    /// Writes what has been counted into the transaction under way.
    pub(super) fn write(&mut self, connection: &Connection) -> Result<(), Fault> {
        let sql = "INSERT INTO sent (unit, owner, counted_at, hour_messages, hour_recipients, day_messages,
                   day_recipients, month_messages, month_recipients) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
                   ON CONFLICT DO UPDATE SET counted_at = ?3, hour_messages = ?4, hour_recipients = ?5,
                   day_messages = ?6, day_recipients = ?7, month_messages = ?8, month_recipients = ?9";
        for (unit, sent) in self.sent.take_unwritten() {
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
        let sql = "INSERT INTO sending_watch (account, counted_at, hour, day, hour_bounced, day_bounced, busiest_hour,
                   former_busiest_hour, busiest_day, former_busiest_day)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO UPDATE SET counted_at = ?2,
                   hour = ?3, day = ?4, hour_bounced = ?5, day_bounced = ?6, busiest_hour = ?7,
                   former_busiest_hour = ?8, busiest_day = ?9, former_busiest_day = ?10";
        for (account, watched) in self.watched.take_unwritten() {
            connection.prepare_cached(sql)?.execute(params![
                account.0 as i64,
                watched.counted_at.0,
                watched.hour as i64,
                watched.day as i64,
                watched.hour_bounced as i64,
                watched.day_bounced as i64,
                watched.busiest_hours[0] as i64,
                watched.busiest_hours[1] as i64,
                watched.busiest_days[0] as i64,
                watched.busiest_days[1] as i64
            ])?;
        }
        Ok(())
    }

    /// The transaction has been committed.
    pub(super) fn committed(&mut self) {
        if self.sent.len() > MOST_UNITS || self.watched.len() > MOST_UNITS || self.known.len() > MOST_UNITS {
            *self = Self::default();
        }
    }
}
