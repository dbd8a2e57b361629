//! Questions about headers. Where one ends is seen from its octets, so that the index is not asked at all about those
//! that lie where they were first written.

use bytes::Bytes;
use posthouse_storage::beginnings::MAX_HEADER_BYTES;
use posthouse_storage::{BodyKey, BodySlice, Header, HeaderEnd, Named, StorageError};

use super::Reader;
use super::mail::read_each;
use crate::fault::Fault;
use crate::segment::{Found, PlainBeginning};

/// Octets in which the end of a header is looked for, again and again: most are short.
const READ_BYTES: [u64; 3] = [2 * 1024, 8 * 1024, MAX_HEADER_BYTES];

/// The headers of messages.
pub(crate) fn headers(reader: &mut Reader, bodies: &[BodyKey], end: HeaderEnd) -> Result<Vec<Header>, Fault> {
    let mut buffer = Vec::new();
    let mut plain: Vec<_> = bodies.iter().map(|body| PlainBeginning::new(*body, 0)).collect();
    for wanted_bytes in READ_BYTES {
        let mut open: Vec<_> =
            plain.iter_mut().filter_map(|one| one.is_to_be_longer(wanted_bytes).then_some(one)).collect();
        if open.is_empty() {
            break;
        }
        reader.files.read_plain_beginnings(&mut open, &mut reader.scratch, &mut buffer, end);
    }
    let elsewhere = plain.iter().filter(|one| one.found == Found::Nowhere).map(|one| one.body);
    let slices: Vec<_> = elsewhere.map(|body| BodySlice { body, range: 0..READ_BYTES[1] }).collect();
    let mut elsewhere = read_each(reader, &slices)?.zip(&slices);
    let buffer = Bytes::from(buffer);
    let headers = plain.into_iter().map(|one| match one.found {
        Found::There(range) => Ok(Header::Whole(buffer.slice(range))),
        Found::InPart => Ok(Header::Long),
        Found::Nowhere => match elsewhere.next() {
            Some((octets, slice)) => header_elsewhere(reader, octets, slice, end),
            None => Ok(Header::Gone),
        },
    });
    headers.collect()
}

/// The header of a body that was moved or is sealed, of which some octets have been read.
fn header_elsewhere(
    reader: &Reader,
    octets: Result<Bytes, Fault>,
    slice: &BodySlice,
    end: HeaderEnd,
) -> Result<Header, Fault> {
    let is_gone = |fault: &Fault| matches!(fault, Fault(StorageError::NotFound(Named::Body)));
    let octets = match octets {
        Err(fault) if is_gone(&fault) => return Ok(Header::Gone),
        octets => octets?,
    };
    if let Some(end) = end(&octets, (octets.len() as u64) < slice.range.end) {
        return Ok(Header::Whole(octets.slice(..end)));
    }
    let more = [BodySlice { body: slice.body, range: 0..MAX_HEADER_BYTES }];
    let octets = match read_each(reader, &more)?.next() {
        Some(Err(fault)) if is_gone(&fault) => return Ok(Header::Gone),
        Some(octets) => octets?,
        None => return Ok(Header::Gone),
    };
    let end = end(&octets, (octets.len() as u64) < MAX_HEADER_BYTES);
    Ok(end.map_or(Header::Long, |end| Header::Whole(octets.slice(..end))))
}
