//! Reading every body: its place, its checksum, its hash, and what is stored beside it.

use posthouse_model::BlobId;
use posthouse_storage::ParsedMessage;
use rusqlite::{Connection, Row, params};

use super::Examination;
use crate::fault::Fault;
use crate::reader::mail::{self, at_one_moment, location_of};
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
        let page = page(examination.connection, last, examination.options.parse.is_some())?;
        let Some(end) = page.last() else { return Ok(()) };
        last = end.key;
        for known in &page {
            check(examination, known)?;
            examination.found.bodies += 1;
            examination.found.body_bytes += known.location.size_bytes;
        }
        let done = examination.found.body_bytes;
        examination.options.watcher.at("bodies", done.min(total), total)?;
    }
}

/// The next bodies and what is stored beside them, as of one moment.
fn page(connection: &Connection, after: i64, with_parsed: bool) -> Result<Vec<Known>, Fault> {
    at_one_moment(connection, || {
        let sql = "SELECT segment, record_offset, record_bytes, size_bytes, key, id, parsed.key IS NOT NULL
                   FROM body LEFT JOIN parsed USING (key) WHERE key > ?1 ORDER BY key LIMIT ?2";
        let mut statement = connection.prepare_cached(sql)?;
        let row = |row: &Row<'_>| -> Result<_, Fault> {
            let known = Known { location: location_of(row)?, key: row.get(4)?, id: BlobId(row.get(5)?), parsed: None };
            Ok((known, row.get::<_, bool>(6)?))
        };
        let rows = statement.query_and_then(params![after, PAGE_BODIES], row)?.collect::<Result<Vec<_>, _>>()?;
        let mut page = Vec::with_capacity(rows.len());
        for (mut known, is_parsed) in rows {
            known.parsed = match (is_parsed, with_parsed) {
                (false, _) => None,
                (true, false) => Some(ParsedMessage::default()),
                (true, true) => mail::parsed(connection, &[posthouse_storage::BodyKey(known.key as u64)])?.pop(),
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
    if header.id != id || header.body_bytes != location.size_bytes || header.record_bytes() != location.record_bytes {
        return Err("has the header of another".to_owned());
    }
    let (mut hash, mut crc) = (blake3::Hasher::new(), crc32fast::Hasher::new());
    let mut body = Vec::new();
    let mut at = location.record_offset + HEADER_BYTES;
    let (begins, ends) = (location.body_offset(), location.record_offset + location.record_bytes - TRAILER_BYTES);
    let mut chunk = vec![0; usize::try_from((ends - at).min(READING_BYTES)).unwrap_or(0)];
    while at < ends {
        // The extension first, since only the body is hashed.
        let stop = if at < begins { begins } else { ends };
        let count = usize::try_from((stop - at).min(chunk.len() as u64)).unwrap_or(0);
        let part = &mut chunk[..count];
        files.read_raw(location.segment, at, part).map_err(unreadable)?;
        crc.update(part);
        if at >= begins {
            hash.update(part);
            if is_wanted {
                body.extend_from_slice(part);
            }
        }
        at += count as u64;
    }
    let mut trailer = [0; TRAILER_BYTES as usize];
    files.read_raw(location.segment, ends, &mut trailer).map_err(unreadable)?;
    if *hash.finalize().as_bytes() != id.0 {
        return Err("is not what was written".to_owned());
    }
    if crc.finalize() != u32::from_le_bytes(trailer) {
        return Err("has a wrong checksum".to_owned());
    }
    Ok(body)
}
