//! Questions about the queue.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use posthouse_model::{AccountId, QueueId, Recipient, ReversePath, UnixMillis};
use posthouse_storage::{BodyKey, QueueCounts, QueueEntry, QueueFilter, QueuedMessage};
use rusqlite::{Connection, OptionalExtension, ToSql, params};

use crate::convert;
use crate::fault::Fault;

/// Numbers of entries that match, rising, after `after`, at most `limit`.
pub(crate) fn matching(
    connection: &Connection,
    filter: &QueueFilter,
    after: Option<QueueId>,
    limit: usize,
) -> Result<Vec<i64>, Fault> {
    let mut conditions = vec!["entry.id > ?1"];
    let mut values: Vec<Box<dyn ToSql>> = vec![Box::new(after.map_or(-1, |id| id.0 as i64))];
    let mut add = |condition, value: Box<dyn ToSql>| {
        conditions.push(condition);
        values.push(value);
    };
    if let Some(id) = filter.id {
        add("entry.id = ?", Box::new(id.0 as i64));
    }
    if let Some(journey) = filter.journey {
        add("message.journey = ?", Box::new(convert::journey_column(journey)));
    }
    if let Some(destination) = &filter.destination {
        add("entry.destination = ?", Box::new(destination.as_str().to_owned()));
    }
    if let Some(sender) = &filter.sender {
        add("message.sender_folded = ?", Box::new(sender.clone()));
    }
    if let Some(submitter) = filter.submitter {
        add("message.submitter = ?", Box::new(submitter.0 as i64));
    }
    if let Some(held) = filter.held {
        add("entry.held = ?", Box::new(held));
    }
    values.push(Box::new(i64::try_from(limit).unwrap_or(i64::MAX)));
    let sql = format!(
        "SELECT entry.id FROM queue_entry AS entry JOIN queue_message AS message ON message.id = entry.message
         WHERE {} ORDER BY entry.id LIMIT ?",
        conditions.join(" AND ")
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let ids = statement.query_map(rusqlite::params_from_iter(values), |row| row.get(0))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

/// The entries of these numbers, in this order; those that are not there are passed over.
pub(crate) fn entries(connection: &Connection, ids: &[i64]) -> Result<Vec<QueueEntry>, Fault> {
    let mut messages = HashMap::new();
    let sql = "SELECT message, address, notify, original, destination, due_at, expires_at, attempts, last_outcome,
               delay_reported, held FROM queue_entry WHERE id = ?1";
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
        });
    }
    Ok(entries)
}

fn message(connection: &Connection, id: i64) -> Result<(Arc<QueuedMessage>, BodyKey), Fault> {
    let sql = "SELECT journey, body, sender, body_type, smtputf8, require_tls, dsn_return, envelope_id, size_bytes,
               received_at, may_sign, submitter FROM queue_message WHERE id = ?1";
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
            require_tls: row.get(5)?,
            dsn_return: convert::dsn_return(row.get(6)?)?,
            envelope_id: row.get(7)?,
            size_bytes: row.get::<_, i64>(8)? as u64,
            received_at: UnixMillis(row.get(9)?),
            may_sign: row.get(10)?,
            submitter: row.get::<_, Option<i64>>(11)?.map(|account| AccountId(account as u64)),
        };
        Ok::<_, Fault>((Arc::new(message), BodyKey(row.get::<_, i64>(1)? as u64)))
    })?;
    rows.next().ok_or(rusqlite::Error::QueryReturnedNoRows)?
}

/// How much there is; `leased` is the caller's to fill in.
pub(crate) fn counts(connection: &Connection) -> Result<QueueCounts, Fault> {
    let count = |held: bool| {
        let sql = "SELECT count(*) FROM queue_entry WHERE held = ?1";
        let mut statement = connection.prepare_cached(sql)?;
        statement.query_row(params![held], |row| row.get::<_, i64>(0)).optional()
    };
    let (held, free) = (count(true)?.unwrap_or(0) as u64, count(false)?.unwrap_or(0) as u64);
    Ok(QueueCounts { entries: held + free, held, leased: 0 })
}
