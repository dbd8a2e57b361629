//! Questions about mailboxes, messages and bodies.

use std::io;

use bytes::Bytes;
use posthouse_model::{AccountId, Flags, MailboxId, MailboxName, ModSeq, ThreadId, Uid, UidSet};
use posthouse_storage::{
    BodyKey, BodySlice, Changes, MailboxRecord, MessageRecord, Named, ParsedMessage, StorageError,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::Reader;
use crate::convert::{self, MAILBOX_COLUMNS, MESSAGE_COLUMNS};
use crate::encryption::{Keys, RowTexts, Seal, read_rows};
use crate::fault::{self, Fault};
use crate::segment::Location;

/// How often a body is looked up again because compaction moved it at that moment.
const LOOK_UPS: usize = 3;

pub(crate) fn mailboxes(connection: &Connection, account: AccountId) -> Result<Vec<MailboxRecord>, Fault> {
    let sql = format!("SELECT {MAILBOX_COLUMNS} FROM mailbox WHERE account = ?1 ORDER BY name");
    let mut statement = connection.prepare_cached(&sql)?;
    statement.query_and_then(params![account.0 as i64], convert::mailbox_record)?.collect()
}

pub(crate) fn mailbox(
    connection: &Connection,
    account: AccountId,
    name: &MailboxName,
) -> Result<Option<MailboxRecord>, Fault> {
    let sql = format!("SELECT {MAILBOX_COLUMNS} FROM mailbox WHERE account = ?1 AND name = ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query_and_then(params![account.0 as i64, name.as_str()], convert::mailbox_record)?;
    rows.next().transpose()
}

pub(crate) fn mailbox_by_id(
    connection: &Connection,
    account: AccountId,
    id: MailboxId,
) -> Result<Option<MailboxRecord>, Fault> {
    let sql = format!("SELECT {MAILBOX_COLUMNS} FROM mailbox WHERE id = ?1 AND account = ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query_and_then(params![id.0 as i64, account.0 as i64], convert::mailbox_record)?;
    rows.next().transpose()
}

pub(crate) fn subscriptions(connection: &Connection, account: AccountId) -> Result<Vec<MailboxName>, Fault> {
    let mut statement = connection.prepare_cached("SELECT name FROM subscription WHERE account = ?1 ORDER BY name")?;
    let names = statement.query_and_then(params![account.0 as i64], |row| {
        convert::mailbox_name(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)
    })?;
    names.collect()
}

/// What is in a mailbox of `uids`, with the mailbox as of the same moment.
pub(crate) fn messages(
    connection: &Connection,
    account: AccountId,
    id: MailboxId,
    uids: &UidSet,
) -> Result<(MailboxRecord, Vec<MessageRecord>), Fault> {
    at_one_moment(connection, || {
        let record = mailbox_by_id(connection, account, id)?.ok_or(StorageError::NotFound(Named::Mailbox))?;
        let mut records = Vec::with_capacity(record.messages as usize);
        each_message(connection, id, uids, |message| records.push(message))?;
        Ok((record, records))
    })
}

/// Calls `see` for each message of `uids` that is there, by UID.
pub(crate) fn each_message(
    connection: &Connection,
    mailbox: MailboxId,
    uids: &UidSet,
    mut see: impl FnMut(MessageRecord),
) -> Result<(), Fault> {
    let sql =
        format!("SELECT {MESSAGE_COLUMNS} FROM message WHERE mailbox = ?1 AND uid BETWEEN ?2 AND ?3 ORDER BY uid");
    let mut statement = connection.prepare_cached(&sql)?;
    for range in uids.ranges() {
        let mut rows = statement.query(params![mailbox.0 as i64, range.start(), range.end()])?;
        while let Some(row) = rows.next()? {
            see(convert::message_record(row)?);
        }
    }
    Ok(())
}

/// Calls `see` for each message of `uids` that is there, by UID, with its modification sequence and flags.
pub(crate) fn each_flags(
    connection: &Connection,
    mailbox: MailboxId,
    uids: &UidSet,
    mut see: impl FnMut(Uid, ModSeq, Flags),
) -> Result<(), Fault> {
    let sql =
        "SELECT uid, modseq, flags, keywords FROM message WHERE mailbox = ?1 AND uid BETWEEN ?2 AND ?3 ORDER BY uid";
    let mut statement = connection.prepare_cached(sql)?;
    for range in uids.ranges() {
        let mut rows = statement.query(params![mailbox.0 as i64, range.start(), range.end()])?;
        while let Some(row) = rows.next()? {
            let keywords = row.get_ref(3)?.as_str_or_null().map_err(rusqlite::Error::from)?;
            let (modseq, flags) = (ModSeq(row.get::<_, i64>(1)? as u64), convert::flags(row.get(2)?, keywords)?);
            see(convert::uid(row.get(0)?)?, modseq, flags);
        }
    }
    Ok(())
}

pub(crate) fn changes(
    connection: &Connection,
    account: AccountId,
    id: MailboxId,
    since: ModSeq,
) -> Result<Changes, Fault> {
    let since = i64::try_from(since.0).unwrap_or(i64::MAX);
    at_one_moment(connection, || {
        let record = mailbox_by_id(connection, account, id)?.ok_or(StorageError::NotFound(Named::Mailbox))?;
        let mut records = changed_later(connection, id, since)?;
        arrived(connection, id, since, &mut records)?;
        records.sort_unstable_by_key(|record| record.uid);
        let mut vanished = UidSet::new();
        let sql = "SELECT first_uid, last_uid FROM vanished WHERE mailbox = ?1 AND modseq > ?2";
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![id.0 as i64, since])?;
        while let Some(row) = rows.next()? {
            vanished.insert_range(convert::uid(row.get(0)?)?, convert::uid(row.get(1)?)?);
        }
        Ok(Changes { records, vanished, highest_modseq: record.highest_modseq })
    })
}

/// Messages that have changed after `since`, and not only arrived.
fn changed_later(connection: &Connection, mailbox: MailboxId, since: i64) -> Result<Vec<MessageRecord>, Fault> {
    let sql =
        format!("SELECT {MESSAGE_COLUMNS} FROM message WHERE mailbox = ?1 AND modseq > ?2 AND modseq > arrived_modseq");
    let mut statement = connection.prepare_cached(&sql)?;
    statement.query_and_then(params![mailbox.0 as i64, since], convert::message_record)?.collect()
}

/// Adds messages that have arrived after `since`, and not changed. They are the last, since the modification sequence
/// at arrival rises with the UID.
fn arrived(
    connection: &Connection,
    mailbox: MailboxId,
    since: i64,
    records: &mut Vec<MessageRecord>,
) -> Result<(), Fault> {
    let sql = format!("SELECT {MESSAGE_COLUMNS}, arrived_modseq FROM message WHERE mailbox = ?1 ORDER BY uid DESC");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![mailbox.0 as i64])?;
    while let Some(row) = rows.next()? {
        let arrived_modseq: i64 = row.get("arrived_modseq")?;
        if arrived_modseq <= since {
            break;
        }
        let record = convert::message_record(row)?;
        if record.modseq.0 == arrived_modseq as u64 {
            records.push(record);
        }
    }
    Ok(())
}

pub(crate) fn parsed(connection: &Connection, keys: &Keys, bodies: &[BodyKey]) -> Result<Vec<ParsedMessage>, Fault> {
    let sql =
        "SELECT structure, envelope, body, bodystructure, sent_local_seconds, sealed_by, preview, thread FROM parsed
               WHERE key = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    read_rows(connection, bodies, |body| {
        let mut rows = statement.query(params![body.0 as i64])?;
        let row = rows.next()?.ok_or(StorageError::NotFound(Named::Body))?;
        parsed_of(row, keys, body)
    })
}

/// `None` when the row's key is not there, because it follows another by now.
fn parsed_of(row: &Row<'_>, keys: &Keys, body: BodyKey) -> Result<Option<ParsedMessage>, Fault> {
    let ring = keys.load();
    let Some(mut texts) = RowTexts::of(&ring, "parsed", body, row.get(5)?) else { return Ok(None) };
    Ok(Some(ParsedMessage {
        structure: texts.text("structure", row.get_ref(0)?)?,
        envelope: texts.text("envelope", row.get_ref(1)?)?,
        body: texts.text("body", row.get_ref(2)?)?,
        bodystructure: texts.text("bodystructure", row.get_ref(3)?)?,
        sent_local_seconds: row.get(4)?,
        preview: texts.string("preview", row.get_ref(6)?)?,
        thread: texts.array("thread", row.get_ref(7)?)?.map(ThreadId),
        sort_keys: Bytes::new(),
    }))
}

/// Reads stretches of bodies.
pub(crate) fn read(reader: &Reader, slices: &[BodySlice]) -> Result<Vec<Bytes>, Fault> {
    read_each(reader, slices)?.collect()
}

/// Reads stretches of bodies, each with its own outcome.
pub(crate) fn read_each<'a>(
    reader: &'a Reader,
    slices: &'a [BodySlice],
) -> Result<impl Iterator<Item = Result<Bytes, Fault>> + use<'a>, Fault> {
    // All are looked up in one transaction, which costs as much as a look-up.
    let locations: Vec<_> = at_one_moment(&reader.connection, || {
        slices.iter().map(|slice| location(&reader.connection, slice.body)).collect::<Result<_, _>>()
    })?;
    Ok(slices.iter().zip(locations).map(|(slice, location)| read_slice(reader, slice, location)))
}

fn read_slice(reader: &Reader, slice: &BodySlice, looked_up: Option<Location>) -> Result<Bytes, Fault> {
    let mut place = looked_up.ok_or(StorageError::NotFound(Named::Body))?;
    for _ in 1..LOOK_UPS {
        match reader.files.read(&place, slice.range.clone()) {
            Ok(bytes) => return Ok(bytes),
            // Compaction commits the new place before it removes the old one, so the next look finds it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(unreadable(reader, &place, &error)),
        }
        place = location(&reader.connection, slice.body)?.ok_or(StorageError::NotFound(Named::Body))?;
    }
    reader.files.read(&place, slice.range.clone()).map_err(|error| unreadable(reader, &place, &error))
}

fn unreadable(reader: &Reader, location: &Location, error: &io::Error) -> Fault {
    let path = crate::segment::path(reader.files.directory(), location.segment);
    match error.kind() {
        io::ErrorKind::InvalidData => {
            let at = location.record_offset;
            StorageError::Corrupt(format!("the record at {at} of {} cannot be opened: {error}", path.display())).into()
        }
        io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof => {
            StorageError::Corrupt(format!("{} lacks octets that are referred to", path.display())).into()
        }
        _ => fault::io("read", &path, error).into(),
    }
}

fn location(connection: &Connection, body: BodyKey) -> Result<Option<Location>, Fault> {
    let sql = format!("SELECT {LOCATION_COLUMNS} FROM body WHERE key = ?1");
    Ok(connection.prepare_cached(&sql)?.query_row(params![body.0 as i64], location_of).optional()?)
}

/// The columns of [`location_of`], which are the first of its rows.
pub(crate) const LOCATION_COLUMNS: &str = "segment, record_offset, record_bytes, size_bytes, seal, key";

/// A location from its columns.
pub(crate) fn location_of(row: &Row<'_>) -> rusqlite::Result<Location> {
    let seal = match row.get_ref(4)?.as_blob_or_null()? {
        Some(seal) => {
            let not_a_seal = || rusqlite::Error::InvalidColumnType(4, "seal".to_owned(), rusqlite::types::Type::Blob);
            Some(Seal::decode(seal, BodyKey(row.get::<_, i64>(5)? as u64)).ok_or_else(not_a_seal)?)
        }
        None => None,
    };
    Ok(Location {
        seal,
        segment: row.get(0)?,
        record_offset: row.get::<_, i64>(1)? as u64,
        record_bytes: row.get::<_, i64>(2)? as u64,
        size_bytes: row.get::<_, i64>(3)? as u64,
    })
}

/// Runs `read` in a transaction, so that all it sees is of one moment. In one that is open already that is so anyway.
pub(crate) fn at_one_moment<T>(connection: &Connection, read: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    if !connection.is_autocommit() {
        return read();
    }
    connection.prepare_cached("BEGIN")?.execute(())?;
    let made = read();
    connection.prepare_cached("COMMIT")?.execute(())?;
    made
}
