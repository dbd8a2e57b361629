//! Questions about what is usual for senders, and who may not send.

use posthouse_model::{AccountId, UnixMillis};
use posthouse_storage::{FreezeCause, SendingFreeze, Watched};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::fault::{Fault, damaged};

/// The column cause.
pub(crate) fn cause_column(cause: FreezeCause) -> i64 {
    FreezeCause::EACH.iter().position(|one| *one == cause).map_or(0, |at| at as i64)
}

fn cause(column: i64) -> Result<FreezeCause, Fault> {
    let found = usize::try_from(column).ok().and_then(|at| FreezeCause::EACH.get(at).copied());
    found.ok_or_else(|| damaged("the cause of a freeze", column).into())
}

/// Why an account may not send, if it may not.
pub(crate) fn frozen(connection: &Connection, account: AccountId) -> Result<Option<FreezeCause>, Fault> {
    let sql = "SELECT cause FROM sending_freeze WHERE account = ?1";
    let found: Option<i64> =
        connection.prepare_cached(sql)?.query_row(params![account.0 as i64], |row| row.get(0)).optional()?;
    found.map(cause).transpose()
}

pub(crate) fn freezes(connection: &Connection) -> Result<Vec<SendingFreeze>, Fault> {
    let sql = "SELECT account, cause, words, frozen_at FROM sending_freeze ORDER BY account";
    let mut statement = connection.prepare_cached(sql)?;
    let freezes = statement.query_and_then((), |row| -> Result<_, Fault> {
        Ok(SendingFreeze {
            account: AccountId(row.get::<_, i64>(0)? as u64),
            cause: cause(row.get(1)?)?,
            words: row.get(2)?,
            at: UnixMillis(row.get(3)?),
        })
    })?;
    freezes.collect()
}

/// What an account has sent, as it was counted last.
pub(crate) fn watched(connection: &Connection, account: AccountId) -> Result<Watched, Fault> {
    let sql = "SELECT counted_at, hour, day, hour_bounced, day_bounced, busiest_hour, former_busiest_hour, busiest_day,
               former_busiest_day FROM sending_watch WHERE account = ?1";
    let watched = |row: &Row<'_>| {
        let count = |at: usize| Ok::<_, rusqlite::Error>(row.get::<_, i64>(at)? as u64);
        Ok(Watched {
            counted_at: UnixMillis(row.get(0)?),
            hour: count(1)?,
            day: count(2)?,
            hour_bounced: count(3)?,
            day_bounced: count(4)?,
            busiest_hours: [count(5)?, count(6)?],
            busiest_days: [count(7)?, count(8)?],
        })
    };
    Ok(connection.prepare_cached(sql)?.query_row(params![account.0 as i64], watched).optional()?.unwrap_or_default())
}
