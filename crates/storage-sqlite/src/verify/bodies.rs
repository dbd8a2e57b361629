//! Reading every body: its place, its checksum, its hash, and what is stored beside it.

use std::io;

use posthouse_model::BlobId;
use posthouse_storage::ParsedMessage;
use rusqlite::{Connection, Row, params};

use super::Examination;
use crate::fault::Fault;
use crate::reader::mail::{self, LOCATION_COLUMNS, at_one_moment, location_of};
use crate::segment::{HEADER_BYTES, Header, Location, SegmentFiles, TRAILER_BYTES};

/// Octets of a body that are read and hashed at once.
const READING_BYTES: u64 = 1024 * 1024;
/// Bodies that are looked up at once.
const PAGE_BODIES: i64 = 200;
/// Largest body of which it is worked out what ought to be stored beside it, in octets: it has to be in memory for that.
const MAX_PARSED_BYTES: u64 = 256 * 1024 * 1024;
/// Most bodies that are remembered as damaged, or as having something else stored beside them.
const MAX_WRONG_BODIES: usize = 1_000_000;

/// A body of the index.
struct Known {
    location: Location,
    key: i64,
    id: BlobId,
    /// What is stored beside it.
    parsed: Option<ParsedMessage>,
}

/// Reads all bodies there are, in the order in which they were written.
pub(super) fn walk(examination: &mut Examination<'_>) -> Result<(), Fault> {
    let total = examination.count("SELECT coalesce(sum(size_bytes), 0) FROM body")?;
    let mut last = i64::MIN;
    loop {
        let files_stay = examination.files_stay.read();
        let page = page(examination.connection, examination.files, last, examination.options.parse.is_some())?;
        let Some(end) = page.last() else { return Ok(()) };
        last = end.key;
        for known in &page {
            check(examination, known)?;
            examination.found.bodies += 1;
            examination.found.body_bytes += known.location.size_bytes;
        }
        drop(files_stay);
        let done = examination.found.body_bytes;
        examination.options.watcher.at("bodies", done.min(total), total)?;
    }
}

/// The next bodies and what is stored beside them, as of one moment.
fn page(connection: &Connection, files: &SegmentFiles, after: i64, with_parsed: bool) -> Result<Vec<Known>, Fault> {
    at_one_moment(connection, || {
        let sql = format!(
            "SELECT {LOCATION_COLUMNS}, id, parsed.key IS NOT NULL FROM body LEFT JOIN parsed USING (key)
             WHERE key > ?1 ORDER BY key LIMIT ?2"
        );
        let mut statement = connection.prepare_cached(&sql)?;
        let row = |row: &Row<'_>| -> Result<_, Fault> {
            let id = BlobId(row.get("id")?);
            let known = Known { location: location_of(row)?, key: row.get("key")?, id, parsed: None };
            Ok((known, row.get::<_, bool>(7)?))
        };
        let rows = statement.query_and_then(params![after, PAGE_BODIES], row)?.collect::<Result<Vec<_>, _>>()?;
        let mut page = Vec::with_capacity(rows.len());
        for (mut known, is_parsed) in rows {
            known.parsed = match (is_parsed, with_parsed) {
                (false, _) => None,
                (true, false) => Some(ParsedMessage::default()),
                (true, true) => {
                    mail::parsed(connection, files.keys(), &[posthouse_storage::BodyKey(known.key as u64)])?.pop()
                }
            };
            page.push(known);
        }
        Ok(page)
    })
}

fn check(examination: &mut Examination<'_>, known: &Known) -> Result<(), Fault> {
    let parse = examination.options.parse.filter(|_| known.location.size_bytes <= MAX_PARSED_BYTES);
    let body = match read(examination.files, &known.location, known.id, parse.is_some()) {
        Ok(body) => body,
        Err(what) => {
            // It may have been expunged since it was looked up, and its segment with it.
            let sql = "SELECT 1 FROM body WHERE key = ?1";
            if examination.connection.prepare_cached(sql)?.exists(params![known.key])? {
                examination.problem(format!("body {} {what}", known.key));
                note(&mut examination.lost_bodies, known.key);
            }
            return Ok(());
        }
    };
    let is_right = match (&known.parsed, parse) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(stored), Some(parse)) => agree(stored, parse(&body)),
    };
    if !is_right {
        let what = if known.parsed.is_none() { "has no structure" } else { "has the structure of something else" };
        examination.problem(format!("body {} {what}", known.key));
        note(&mut examination.misparsed, known.key);
    }
    Ok(())
}

/// Whether what is stored is what was worked out now. What earlier releases did not work out is not missed, and sort
/// keys are worked out when they are asked for.
fn agree(stored: &ParsedMessage, now: ParsedMessage) -> bool {
    let expected = ParsedMessage {
        preview: stored.preview.as_ref().and(now.preview),
        thread: stored.thread.and(now.thread),
        sort_keys: stored.sort_keys.clone(),
        ..now
    };
    *stored == expected
}

fn note(keys: &mut Vec<i64>, key: i64) {
    if keys.len() < MAX_WRONG_BODIES {
        keys.push(key);
    }
}

/// Reads a body and checks it; gives its octets if they are wanted, else none.
pub(super) fn read(files: &SegmentFiles, location: &Location, id: BlobId, is_wanted: bool) -> Result<Vec<u8>, String> {
    let unreadable = |error| format!("cannot be read: {error}");
    let mut bytes = [0; HEADER_BYTES as usize];
    files.read_raw(location.segment, location.record_offset, &mut bytes).map_err(unreadable)?;
    let header = Header::decode(&bytes).ok_or("has a broken header")?;
    let is_sealed = location.seal.is_some();
    let is_of_it = header.id == id && header.body_bytes == location.size_bytes && header.is_sealed == is_sealed;
    if !is_of_it || header.record_bytes() != location.record_bytes {
        return Err("has the header of another".to_owned());
    }
    let mut hash = blake3::Hasher::new();
    let mut body = Vec::new();
    let mut at = 0;
    while at < location.size_bytes {
        let part = files.read(location, at..at + READING_BYTES).map_err(unreadable)?;
        hash.update(&part);
        if is_wanted {
            body.extend_from_slice(&part);
        }
        at += READING_BYTES;
    }
    if files.keys().load().content_id(BlobId(*hash.finalize().as_bytes()), is_sealed) != id.0 {
        return Err("is not what was written".to_owned());
    }
    if !has_its_checksum(files, location).map_err(unreadable)? {
        return Err("has a wrong checksum".to_owned());
    }
    Ok(body)
}

/// Whether the octets of a record, as they lie there, are those of which its checksum was made.
fn has_its_checksum(files: &SegmentFiles, location: &Location) -> io::Result<bool> {
    let mut crc = crc32fast::Hasher::new();
    let mut at = location.record_offset + HEADER_BYTES;
    let end = location.record_offset + location.record_bytes - TRAILER_BYTES;
    let mut chunk = vec![0; usize::try_from((end - at).min(READING_BYTES)).unwrap_or(0)];
    while at < end {
        let count = usize::try_from((end - at).min(chunk.len() as u64)).unwrap_or(0);
        files.read_raw(location.segment, at, &mut chunk[..count])?;
        crc.update(&chunk[..count]);
        at += count as u64;
    }
    let mut trailer = [0; TRAILER_BYTES as usize];
    files.read_raw(location.segment, end, &mut trailer)?;
    Ok(crc.finalize() == u32::from_le_bytes(trailer))
}
