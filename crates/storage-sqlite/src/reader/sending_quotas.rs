//! Questions about how much may be sent, and has been.

use posthouse_model::{AccountId, DomainId, KeyId, UnixMillis};
use posthouse_storage::sending_quotas::{units_of, units_of_key};
use posthouse_storage::{
    Bounds, Figures, LimitHolder, LimitKind, Named, SendingLimit, SendingStanding, SendingUnit, Sent, StorageError,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::fault::{Fault, damaged};
use crate::reader::account_keys;

/// The columns of [`limit`].
const LIMIT_COLUMNS: &str = "holder, owner, kind, most, ends_at";

/// The columns holder and owner.
pub(crate) fn holder_columns(holder: LimitHolder) -> (i64, i64) {
    match holder {
        LimitHolder::Server => (0, 0),
        LimitHolder::EachDomain => (1, 0),
        LimitHolder::Domain(id) => (2, id.0 as i64),
        LimitHolder::EachAccount => (3, 0),
        LimitHolder::EachAccountOf(id) => (4, id.0 as i64),
        LimitHolder::Account(id) => (5, id.0 as i64),
        LimitHolder::EachKey => (6, 0),
        LimitHolder::EachKeyOf(id) => (7, id.0 as i64),
        LimitHolder::Key(id) => (8, id.0 as i64),
    }
}

fn holder(column: i64, owner: i64) -> Result<LimitHolder, Fault> {
    Ok(match column {
        0 => LimitHolder::Server,
        1 => LimitHolder::EachDomain,
        2 => LimitHolder::Domain(DomainId(owner as u64)),
        3 => LimitHolder::EachAccount,
        4 => LimitHolder::EachAccountOf(DomainId(owner as u64)),
        5 => LimitHolder::Account(AccountId(owner as u64)),
        6 => LimitHolder::EachKey,
        7 => LimitHolder::EachKeyOf(AccountId(owner as u64)),
        8 => LimitHolder::Key(KeyId(owner as u64)),
        other => return Err(damaged("the holder of a limit", other).into()),
    })
}

/// The columns unit and owner.
pub(crate) fn unit_columns(unit: SendingUnit) -> (i64, i64) {
    match unit {
        SendingUnit::Server => (0, 0),
        SendingUnit::Domain(id) => (1, id.0 as i64),
        SendingUnit::Account(id) => (2, id.0 as i64),
        SendingUnit::Key(id) => (3, id.0 as i64),
    }
}

fn limit(row: &Row<'_>) -> Result<SendingLimit, Fault> {
    let kind: i64 = row.get(2)?;
    Ok(SendingLimit {
        holder: holder(row.get(0)?, row.get(1)?)?,
        kind: LimitKind::from_code(kind).ok_or_else(|| damaged("the kind of a limit", kind))?,
        most: row.get::<_, Option<i64>>(3)?.map(|most| most as u64),
        until: row.get::<_, Option<i64>>(4)?.map(UnixMillis),
    })
}

/// Limits of a holder, or of all.
pub(crate) fn limits(connection: &Connection, holder: Option<LimitHolder>) -> Result<Vec<SendingLimit>, Fault> {
    let (column, owner) = holder.map(holder_columns).unzip();
    let sql = format!(
        "SELECT {LIMIT_COLUMNS} FROM sending_limit WHERE (?1 IS NULL OR (holder = ?1 AND owner = ?2))
         ORDER BY holder, owner, kind, exception"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    statement.query_and_then(params![column, owner], limit)?.collect()
}

/// What holds for units of one key, one account, or of one domain, or for the server.
pub(crate) fn bounds(connection: &Connection, units: &[SendingUnit], now: UnixMillis) -> Result<Bounds, Fault> {
    let (mut key, mut account, mut domain) = (None, None, None);
    for unit in units {
        match unit {
            SendingUnit::Key(id) => key = Some(id.0 as i64),
            SendingUnit::Account(id) => account = Some(id.0 as i64),
            SendingUnit::Domain(id) => domain = Some(id.0 as i64),
            SendingUnit::Server => {}
        }
    }
    let sql = format!(
        "SELECT {LIMIT_COLUMNS} FROM sending_limit
         WHERE (holder, owner) IN (VALUES (0, 0), (1, 0), (2, ?2), (3, 0), (4, ?2), (5, ?1), (6, 0), (7, ?1), (8, ?3))"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let limits: Vec<_> =
        statement.query_and_then(params![account, domain, key], limit)?.collect::<Result<_, Fault>>()?;
    Ok(Bounds::new(units, &limits, now))
}

/// What a unit has sent, as it was counted last.
pub(crate) fn sent(connection: &Connection, unit: SendingUnit) -> Result<Sent, Fault> {
    let sql = "SELECT counted_at, hour_messages, hour_recipients, day_messages, day_recipients, month_messages,
               month_recipients FROM sent WHERE unit = ?1 AND owner = ?2";
    let figures = |row: &Row<'_>, at: usize| {
        let (messages, recipients): (i64, i64) = (row.get(at)?, row.get(at + 1)?);
        Ok::<_, rusqlite::Error>(Figures { messages: messages as u64, recipients: recipients as u64 })
    };
    let sent = |row: &Row<'_>| {
        Ok(Sent {
            counted_at: UnixMillis(row.get(0)?),
            hour: figures(row, 1)?,
            day: figures(row, 3)?,
            month: figures(row, 5)?,
        })
    };
    let (column, owner) = unit_columns(unit);
    Ok(connection.prepare_cached(sql)?.query_row(params![column, owner], sent).optional()?.unwrap_or_default())
}

/// The units in which the mail of a unit counts, the closest first.
pub(crate) fn units(connection: &Connection, unit: SendingUnit) -> Result<Vec<SendingUnit>, Fault> {
    match unit {
        SendingUnit::Server => Ok(vec![unit]),
        SendingUnit::Domain(id) => {
            let sql = "SELECT 1 FROM domain WHERE id = ?1";
            match connection.prepare_cached(sql)?.exists(params![id.0 as i64])? {
                true => Ok(vec![unit, SendingUnit::Server]),
                false => Err(StorageError::NotFound(Named::Domain).into()),
            }
        }
        SendingUnit::Key(id) => {
            let (account, _) = account_keys::owner(connection, id)?.ok_or(StorageError::NotFound(Named::Key))?;
            Ok(units_of_key(id, account, domain_of(connection, account)?).to_vec())
        }
        SendingUnit::Account(id) => Ok(units_of(id, domain_of(connection, id)?).to_vec()),
    }
}

fn domain_of(connection: &Connection, account: AccountId) -> Result<DomainId, Fault> {
    let sql = "SELECT domain FROM account WHERE id = ?1";
    let domain: Option<i64> =
        connection.prepare_cached(sql)?.query_row(params![account.0 as i64], |row| row.get(0)).optional()?;
    Ok(DomainId(domain.ok_or(StorageError::NotFound(Named::Account))? as u64))
}

pub(crate) fn standing(connection: &Connection, unit: SendingUnit, at: UnixMillis) -> Result<SendingStanding, Fault> {
    let units = units(connection, unit)?;
    let bounds = bounds(connection, &units, at)?.bounds;
    let account = units.iter().find_map(|unit| match unit {
        SendingUnit::Account(id) => Some(*id),
        _ => None,
    });
    let frozen = match account {
        Some(id) => super::sending_watch::frozen(connection, id)?,
        None => None,
    };
    let sent = units.iter().map(|&unit| Ok((unit, sent(connection, unit)?.as_of(at))));
    Ok(SendingStanding { at, bounds, sent: sent.collect::<Result<_, Fault>>()?, frozen })
}
