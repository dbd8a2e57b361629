//! Questions about what others than the owner have seen.

use posthouse_model::{AccountId, MailboxId, ModSeq, Uid, UidSet};
use posthouse_storage::{SeenFigures, SeenRecord, SeenRow};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::mail::at_one_moment;
use crate::convert;
use crate::fault::Fault;

fn seen_row(row: &Row<'_>) -> Result<SeenRow, Fault> {
    let modseq = ModSeq(row.get::<_, i64>(2)? as u64);
    Ok(SeenRow { uid: convert::uid(row.get(0)?)?, seen: row.get(1)?, modseq })
}

pub(crate) fn record(connection: &Connection, mailbox: MailboxId, by: AccountId) -> Result<SeenRecord, Fault> {
    at_one_moment(connection, || {
        let highest_modseq = figures(connection, mailbox, by)?.highest_modseq;
        Ok(SeenRecord { rows: rows(connection, mailbox, by, &UidSet::all())?, highest_modseq })
    })
}

/// What a reader thinks of these messages, by UID.
pub(crate) fn rows(
    connection: &Connection,
    mailbox: MailboxId,
    by: AccountId,
    uids: &UidSet,
) -> Result<Vec<SeenRow>, Fault> {
    let sql = "SELECT uid, seen, modseq FROM seen_by WHERE mailbox = ?1 AND account = ?2 AND uid BETWEEN ?3 AND ?4";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = Vec::new();
    for range in uids.ranges() {
        let bounds = params![mailbox.0 as i64, by.0 as i64, range.start(), range.end()];
        for row in statement.query_and_then(bounds, seen_row)? {
            rows.push(row?);
        }
    }
    Ok(rows)
}

/// What a reader thinks of one message, if anything.
pub(crate) fn row_of(rows: &[SeenRow], uid: Uid) -> Option<SeenRow> {
    rows.binary_search_by_key(&uid, |row| row.uid).ok().map(|at| rows[at])
}

pub(crate) fn figures(connection: &Connection, mailbox: MailboxId, by: AccountId) -> Result<SeenFigures, Fault> {
    let sql = "SELECT seen, highest_modseq FROM reader WHERE mailbox = ?1 AND account = ?2";
    let figures =
        |row: &Row<'_>| Ok(SeenFigures { seen: row.get(0)?, highest_modseq: ModSeq(row.get::<_, i64>(1)? as u64) });
    let found = connection.prepare_cached(sql)?.query_row(params![mailbox.0 as i64, by.0 as i64], figures);
    Ok(found.optional()?.unwrap_or_default())
}
