//! Questions about how far the index of words is.

use posthouse_model::{AccountId, MailboxId, Uid};
use posthouse_storage::{BodyKey, IndexState, Unindexed, UnindexedMessage};
use rusqlite::{Connection, OptionalExtension, params};

use crate::convert;
use crate::encryption::Keys;
use crate::fault::Fault;
use crate::reader::mail::at_one_moment;
use crate::terms::segment::{SEGMENT_COLUMNS, Segment};
use crate::terms::{IN_USE, matching};

pub(crate) fn accounts_to_index(
    connection: &Connection,
    version: u32,
    after: Option<AccountId>,
    limit: usize,
) -> Result<Vec<AccountId>, Fault> {
    let sql = "SELECT DISTINCT mailbox.account FROM mailbox
               LEFT JOIN search_mark AS mark ON mark.mailbox = mailbox.id AND mark.version = ?1
               WHERE mailbox.account > ?2 AND uid_next - 1 > coalesce(through_uid, 0)
               ORDER BY mailbox.account LIMIT ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let after = after.map_or(-1, |account| account.0 as i64);
    let accounts = statement.query_map(params![version, after, limit as i64], |row| row.get::<_, i64>(0))?;
    accounts.map(|account| Ok(AccountId(account? as u64))).collect()
}

pub(crate) fn next_unindexed(
    connection: &Connection,
    keys: &Keys,
    account: AccountId,
    version: u32,
    limit: usize,
) -> Result<Option<Unindexed>, Fault> {
    at_one_moment(connection, || {
        let sql = "SELECT mailbox.id, uid_next, coalesce(through_uid, 0) FROM mailbox
                   LEFT JOIN search_mark AS mark ON mark.mailbox = mailbox.id AND mark.version = ?2
                   WHERE mailbox.account = ?1 AND uid_next - 1 > coalesce(through_uid, 0) LIMIT 1";
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let behind = connection.prepare_cached(sql)?.query_row(params![account.0 as i64, version], row).optional()?;
        let Some((mailbox, uid_next, through)) = behind else { return Ok(None) };
        let (mailbox, uid_next, through): (i64, i64, i64) = (mailbox, uid_next, through);
        let mut messages = beyond(connection, mailbox, through, limit)?;
        let bodies: Vec<_> = messages.iter().map(|message| message.body).collect();
        let indexed = matching::indexed(connection, keys, account, version, &bodies)?;
        for (message, is_indexed) in messages.iter_mut().zip(indexed) {
            message.is_indexed = is_indexed;
        }
        let last: Option<Uid> = messages.last().filter(|_| messages.len() == limit).map(|message| message.uid);
        let through = match last {
            Some(uid) => uid,
            None => convert::uid(uid_next - 1)?,
        };
        Ok(Some(Unindexed { mailbox: MailboxId(mailbox as u64), messages, through }))
    })
}

fn beyond(connection: &Connection, mailbox: i64, through: i64, limit: usize) -> Result<Vec<UnindexedMessage>, Fault> {
    let sql = "SELECT uid, body, size_bytes FROM message WHERE mailbox = ?1 AND uid > ?2 ORDER BY uid LIMIT ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let messages = statement.query_and_then(params![mailbox, through, limit as i64], |row| {
        Ok(UnindexedMessage {
            uid: convert::uid(row.get(0)?)?,
            body: BodyKey(row.get::<_, i64>(1)? as u64),
            size_bytes: row.get::<_, i64>(2)? as u64,
            is_indexed: false,
        })
    })?;
    messages.collect()
}

/// Of `bodies` those that are there and not in an account's index.
pub(crate) fn wanting(
    connection: &Connection,
    keys: &Keys,
    account: AccountId,
    version: u32,
    bodies: &[BodyKey],
) -> Result<Vec<bool>, Fault> {
    let mut wanting = matching::indexed(connection, keys, account, version, bodies)?;
    let mut statement = connection.prepare_cached("SELECT 1 FROM body WHERE key = ?1")?;
    for (body, wanting) in bodies.iter().zip(&mut wanting) {
        *wanting = !*wanting && statement.exists(params![body.0 as i64])?;
    }
    Ok(wanting)
}

pub(crate) fn state(connection: &Connection, account: Option<AccountId>, version: u32) -> Result<IndexState, Fault> {
    at_one_moment(connection, || {
        let account = account.map(|account| account.0 as i64);
        let sql = "SELECT count(*), coalesce(sum(documents), 0), coalesce(sum(size_bytes), 0) FROM search_segment
                   WHERE state = ?1 AND version = ?2 AND (?3 IS NULL OR account = ?3)";
        let sums = connection.prepare_cached(sql)?.query_row(params![IN_USE, version, account], |row| {
            Ok([row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?].map(|sum| sum as u64))
        })?;
        // Only what lies beyond a mark is counted; a mailbox without one knows how many it has.
        let sql = "SELECT coalesce(sum(messages), 0), coalesce(sum(CASE
                       WHEN mark.mailbox IS NULL THEN messages
                       WHEN uid_next - 1 > through_uid THEN
                           (SELECT count(*) FROM message WHERE mailbox = mailbox.id AND uid > through_uid)
                       ELSE 0 END), 0)
                   FROM mailbox LEFT JOIN search_mark AS mark ON mark.mailbox = mailbox.id AND mark.version = ?1
                   WHERE ?2 IS NULL OR mailbox.account = ?2";
        let counts = connection.prepare_cached(sql)?.query_row(params![version, account], |row| {
            Ok([row.get::<_, i64>(0)?, row.get(1)?].map(|count| count as u64))
        })?;
        let [segments, documents, size_bytes] = sums;
        Ok(IndexState { messages: counts[0], waiting: counts[1], documents, segments, size_bytes })
    })
}

/// What is wrong with the index: one line for each segment that cannot be read.
pub(crate) fn check(connection: &Connection, keys: &Keys) -> Result<Vec<String>, Fault> {
    let sql = format!("SELECT {SEGMENT_COLUMNS}, account, documents FROM search_segment WHERE state = {IN_USE}");
    let mut problems = Vec::new();
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let (id, account, documents): (i64, i64, i64) = (row.get(0)?, row.get(4)?, row.get(5)?);
        let checked = Segment::of_row(row, &keys.load()).and_then(|segment| {
            matching::check(connection, &segment)?;
            Ok(segment.documents() as i64 == documents)
        });
        if !checked.unwrap_or(false) {
            problems.push(format!("segment {id} of the search index of account {account} is damaged"));
        }
    }
    Ok(problems)
}
