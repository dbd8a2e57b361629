//! Questions about the beginnings of messages.

use std::ops::Range;

use bytes::Bytes;
use posthouse_model::ThreadId;
use posthouse_storage::{Beginning, BodyKey, BodySlice, Extent, Named, StorageError};
use rusqlite::{Connection, OptionalExtension, params};

use super::Reader;
use super::mail::{at_one_moment, read_each};
use crate::encryption::{Keys, RowTexts, read_rows};
use crate::fault::Fault;
use crate::segment::{Found, PlainBeginning};

/// What the index says about a body, its structure in the buffer of all.
struct Row {
    structure: Range<usize>,
    sent_local_seconds: Option<i64>,
    thread: Option<ThreadId>,
    wanted_bytes: u64,
    is_sealed: bool,
}

/// The beginnings of bodies. All that is read of plain ones lies in one buffer, of which the answers are stretches.
pub(crate) fn beginnings(
    reader: &mut Reader,
    bodies: &[BodyKey],
    extent: Extent,
) -> Result<Vec<Option<Beginning>>, Fault> {
    let mut buffer = Vec::new();
    let rows = rows(&reader.connection, reader.files.keys(), bodies, extent, &mut buffer)?;
    let there = rows.iter().zip(bodies).filter_map(|(row, body)| Some((row.as_ref()?, *body)));
    let mut plain: Vec<_> = there
        .map(|(row, body)| match row.is_sealed && row.wanted_bytes > 0 {
            true => PlainBeginning::elsewhere(body),
            false => PlainBeginning::new(body, row.wanted_bytes),
        })
        .collect();
    let mut wanted: Vec<_> = plain.iter_mut().filter(|one| one.found == Found::Nowhere).collect();
    let all_of_it = |octets: &[u8], _: bool| Some(octets.len());
    reader.files.read_plain_beginnings(&mut wanted, &mut reader.scratch, &mut buffer, all_of_it);
    let not_found = rows.iter().flatten().zip(&plain).filter(|(_, plain)| plain.found == Found::Nowhere);
    let slices: Vec<_> =
        not_found.map(|(row, plain)| BodySlice { body: plain.body, range: 0..row.wanted_bytes }).collect();
    let mut elsewhere = read_each(reader, &slices)?;
    let (buffer, mut plain) = (Bytes::from(buffer), plain.into_iter());
    let mut beginning = |row: Row| {
        let octets = match plain.next().map(|plain| plain.found) {
            Some(Found::There(range)) => buffer.slice(range),
            // None were wanted.
            Some(Found::InPart) => Bytes::new(),
            Some(Found::Nowhere) | None => match elsewhere.next() {
                Some(Ok(octets)) => octets,
                Some(Err(Fault(StorageError::NotFound(Named::Body)))) | None => return Ok(None),
                Some(Err(fault)) => return Err(fault),
            },
        };
        let (structure, thread) = (buffer.slice(row.structure), row.thread);
        Ok(Some(Beginning { structure, sent_local_seconds: row.sent_local_seconds, thread, octets }))
    };
    rows.into_iter().map(|row| row.map_or(Ok(None), &mut beginning)).collect()
}

fn rows(
    connection: &Connection,
    keys: &Keys,
    bodies: &[BodyKey],
    extent: Extent,
    buffer: &mut Vec<u8>,
) -> Result<Vec<Option<Row>>, Fault> {
    let sql = "SELECT structure, sent_local_seconds, thread, sealed_by FROM parsed WHERE key = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    read_rows(connection, bodies, |body| {
        let mut rows = statement.query(params![body.0 as i64])?;
        let Some(row) = rows.next()? else { return Ok(Some(None)) };
        let ring = keys.load();
        let sealed_by: Option<u32> = row.get(3)?;
        let Some(mut texts) = RowTexts::of(&ring, "parsed", body, sealed_by) else { return Ok(None) };
        let structure = texts.append("structure", row.get_ref(0)?, buffer)?;
        Ok(Some(Some(Row {
            wanted_bytes: extent(&buffer[structure.clone()]),
            structure,
            is_sealed: sealed_by.is_some(),
            sent_local_seconds: row.get(1)?,
            thread: texts.array("thread", row.get_ref(2)?)?.map(ThreadId),
        })))
    })
}

/// When messages were sent.
pub(crate) fn sent(connection: &Connection, bodies: &[BodyKey]) -> Result<Vec<Option<i64>>, Fault> {
    let mut statement = connection.prepare_cached("SELECT sent_local_seconds FROM parsed WHERE key = ?1")?;
    at_one_moment(connection, || {
        let sent = |body: &BodyKey| {
            let seconds = statement.query_row(params![body.0 as i64], |row| row.get(0)).optional()?;
            Ok(seconds.flatten())
        };
        bodies.iter().map(sent).collect()
    })
}
