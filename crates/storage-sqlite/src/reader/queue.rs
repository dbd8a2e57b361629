//! Questions about the queue.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use posthouse_model::{
    AccountId, DeliverBy, Domain, FutureRelease, HoldRequest, QueueId, Recipient, ReversePath, UnixMillis,
};
use posthouse_storage::{BodyKey, Detour, QueueCounts, QueueEntry, QueueTally, QueuedMessage, TallyBy};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::convert;
use crate::fault::Fault;

pub(crate) use super::queue_filter::matching;

/// Kinds of rows of `queue_tally`.
pub(crate) const TALLY_ALL: i64 = 0;
/// By destination.
pub(crate) const TALLY_DESTINATION: i64 = 1;
/// By what the last attempt came to.
pub(crate) const TALLY_CAUSE: i64 = 2;

/// Destinations with something ready, by name, after `after`. One look into an index for each.
pub(crate) fn ready_destinations(
    connection: &Connection,
    after: Option<&Domain>,
    limit: usize,
) -> Result<Vec<Domain>, Fault> {
    let sql = "SELECT destination FROM queue_entry INDEXED BY queue_entry_ready
               WHERE turn IS NOT NULL AND destination > ?1 ORDER BY destination LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    let mut last = after.map_or_else(String::new, |after| after.as_str().to_owned());
    let mut found = Vec::new();
    while found.len() < limit
        && let Some(next) = statement.query_row(params![last], |row| row.get::<_, String>(0)).optional()?
    {
        found.push(convert::domain(&next)?);
        last = next;
    }
    Ok(found)
}

/// The entries of these numbers, in this order; those that are not there are passed over.
pub(crate) fn entries(connection: &Connection, ids: &[i64]) -> Result<Vec<QueueEntry>, Fault> {
    let mut messages = HashMap::new();
    let sql = "SELECT message, address, notify, original, destination, due_at, expires_at, attempts, last_outcome,
               delay_reported, held, cause, detour, deadline, held_with_account FROM queue_entry WHERE id = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let mut entries = Vec::with_capacity(ids.len());
    for &id in ids {
        let mut rows = statement.query(params![id])?;
        let Some(row) = rows.next()? else { continue };
        let message_id: i64 = row.get(0)?;
        let (message, body) = match messages.entry(message_id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => unknown.insert(message(connection, message_id)?),
        };
        entries.push(QueueEntry {
            id: QueueId(id as u64),
            message: Arc::clone(message),
            body: *body,
            recipient: Recipient {
                address: convert::address(&row.get::<_, String>(1)?)?,
                notify: convert::notify(row.get(2)?),
                original: row.get(3)?,
            },
            destination: convert::domain(&row.get::<_, String>(4)?)?,
            due_at: UnixMillis(row.get(5)?),
            expires_at: UnixMillis(row.get(6)?),
            attempts: row.get(7)?,
            last_outcome: row.get(8)?,
            delay_reported: row.get(9)?,
            held: row.get(10)?,
            cause: row.get(11)?,
            detour: row.get::<_, Option<String>>(12)?.as_deref().and_then(Detour::parse),
            deadline: row.get::<_, Option<i64>>(13)?.map(UnixMillis),
            held_with_account: row.get(14)?,
        });
    }
    Ok(entries)
}

fn message(connection: &Connection, id: i64) -> Result<(Arc<QueuedMessage>, BodyKey), Fault> {
    let sql = "SELECT journey, body, sender, body_type, smtputf8, require_tls, dsn_return, envelope_id, size_bytes,
               received_at, may_sign, submitter, forwarded_by, release_request, release_at, awaits_release,
               deliver_by, deliver_by_mode
               FROM queue_message WHERE id = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query_and_then(params![id], |row| {
        let sender = match row.get::<_, Option<String>>(2)? {
            Some(text) => ReversePath::Address(convert::address(&text)?),
            None => ReversePath::Null,
        };
        let message = QueuedMessage {
            journey: convert::journey(row.get(0)?),
            sender,
            body_type: convert::body_type(row.get(3)?)?,
            smtputf8: row.get(4)?,
            tls: convert::tls_wish(row.get(5)?)?,
            dsn_return: convert::dsn_return(row.get(6)?)?,
            envelope_id: row.get(7)?,
            size_bytes: row.get::<_, i64>(8)? as u64,
            received_at: UnixMillis(row.get(9)?),
            may_sign: row.get(10)?,
            submitter: row.get::<_, Option<i64>>(11)?.map(|account| AccountId(account as u64)),
            forwarded_by: row.get::<_, Option<String>>(12)?.map(|text| convert::domain(&text)).transpose()?,
            future_release: future_release(row.get(13)?, row.get(14)?),
            awaits_release: row.get(15)?,
            deliver_by: deliver_by(row.get(16)?, row.get(17)?),
        };
        Ok::<_, Fault>((Arc::new(message), BodyKey(row.get::<_, i64>(1)? as u64)))
    })?;
    rows.next().ok_or(rusqlite::Error::QueryReturnedNoRows)?
}

fn future_release(request: Option<String>, at: Option<i64>) -> Option<FutureRelease> {
    Some(FutureRelease { request: HoldRequest::parse(&request?)?, at: UnixMillis(at?) })
}

fn deliver_by(at: Option<i64>, mode: Option<String>) -> Option<DeliverBy> {
    let (mode, trace) = DeliverBy::read_mode(&mode?)?;
    Some(DeliverBy { at: UnixMillis(at?), mode, trace })
}

/// How much there is; `leased` is the caller's to fill in.
pub(crate) fn counts(connection: &Connection) -> Result<QueueCounts, Fault> {
    let sql = "SELECT entries, held FROM queue_tally WHERE kind = ?1 AND name = ''";
    let mut statement = connection.prepare_cached(sql)?;
    let row = |row: &Row<'_>| Ok((row.get::<_, i64>(0)? as u64, row.get::<_, i64>(1)? as u64));
    let (entries, held) = statement.query_row(params![TALLY_ALL], row).optional()?.unwrap_or_default();
    // Numbers rise with time.
    let sql = "SELECT received_at FROM queue_message ORDER BY id LIMIT 1";
    let oldest = connection.prepare_cached(sql)?.query_row((), |row| row.get(0)).optional()?;
    Ok(QueueCounts { entries, held, leased: 0, oldest_received_at: oldest.map(UnixMillis) })
}

/// How much there is of what.
pub(crate) fn tallies(connection: &Connection, by: TallyBy, limit: usize) -> Result<Vec<QueueTally>, Fault> {
    let kind = match by {
        TallyBy::Destination => TALLY_DESTINATION,
        TallyBy::Cause => TALLY_CAUSE,
    };
    let sql = "SELECT name, entries, held FROM queue_tally WHERE kind = ?1 ORDER BY entries DESC, name LIMIT ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let row = |row: &Row<'_>| {
        let (entries, held): (i64, i64) = (row.get(1)?, row.get(2)?);
        Ok(QueueTally { name: row.get(0)?, entries: entries as u64, held: held as u64 })
    };
    let tallies = statement.query_map(params![kind, i64::try_from(limit).unwrap_or(i64::MAX)], row)?;
    Ok(tallies.collect::<Result<_, _>>()?)
}
