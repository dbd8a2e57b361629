//! A segment: some bodies, and of each term which of them have it.

use std::borrow::Cow;

use posthouse_storage::{BodyKey, IndexDocument, Term};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::block::{BLOCK_BYTES, MAX_DOCUMENTS, put_term};
use super::{Damaged, varint};
use crate::encryption::{KeyRing, RootKey, RowOpener, RowSealer};
use crate::fault::Fault;

/// Bits of a block's id that number it within its segment.
const BLOCK_BITS: u32 = 24;
/// Most blocks of a segment.
const MAX_BLOCKS: usize = 1 << BLOCK_BITS;

/// The id of a block.
pub(crate) fn block_id(segment: i64, number: usize) -> i64 {
    segment << BLOCK_BITS | number as i64
}

/// The bodies of a segment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bodies {
    /// Their keys, rising.
    pub(crate) keys: Vec<u64>,
    /// The places of those of which not all is known, rising.
    pub(crate) incomplete: Vec<u64>,
}

impl Bodies {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        varint::put_rising(&mut out, self.keys.iter().copied());
        varint::put_rising(&mut out, self.incomplete.iter().copied());
        out
    }

    pub(crate) fn decode(mut from: &[u8]) -> Result<Self, Damaged> {
        let keys = varint::take_rising(&mut from, MAX_DOCUMENTS)?;
        let incomplete = varint::take_rising(&mut from, MAX_DOCUMENTS)?;
        match from.is_empty() && incomplete.last().is_none_or(|place| *place < keys.len() as u64) {
            true => Ok(Self { keys, incomplete }),
            false => Err(Damaged),
        }
    }
}

/// Packs terms into blocks.
pub(crate) struct SegmentWriter {
    documents: usize,
    block: Vec<u8>,
    last: Term,
    first_terms: Vec<Term>,
    finished: Vec<Vec<u8>>,
    /// Octets of all blocks so far.
    pub(crate) size_bytes: u64,
}

impl SegmentWriter {
    pub(crate) fn new(documents: usize) -> Self {
        Self { documents, block: Vec::new(), last: 0, first_terms: Vec::new(), finished: Vec::new(), size_bytes: 0 }
    }

    /// Adds a term, which is larger than the one before, with the places of its documents, which rise.
    pub(crate) fn push(&mut self, term: Term, places: &[u32]) {
        if self.block.is_empty() {
            self.first_terms.push(term);
            self.last = 0;
        }
        put_term(&mut self.block, term - self.last, places, self.documents);
        self.last = term;
        if self.block.len() >= BLOCK_BYTES {
            self.end_block();
        }
    }

    fn end_block(&mut self) {
        if !self.block.is_empty() {
            self.size_bytes += self.block.len() as u64;
            self.finished.push(std::mem::take(&mut self.block));
        }
    }

    /// Octets of the blocks that are finished and have not been taken.
    pub(crate) fn waiting_bytes(&self) -> usize {
        self.finished.iter().map(Vec::len).sum()
    }

    /// Takes the blocks that are finished: the number of the first, and all.
    pub(crate) fn take_blocks(&mut self) -> (usize, Vec<Vec<u8>>) {
        let blocks = std::mem::take(&mut self.finished);
        let open = usize::from(!self.block.is_empty());
        (self.first_terms.len() - open - blocks.len(), blocks)
    }

    /// Ends the last block, and says what the directory is.
    pub(crate) fn finish(&mut self) -> Vec<u8> {
        self.end_block();
        let mut directory = Vec::new();
        varint::put_rising(&mut directory, self.first_terms.iter().copied());
        directory
    }
}

/// A segment that fits into memory, ready to be written.
pub(crate) struct Built {
    pub(crate) bodies: Bodies,
    pub(crate) directory: Vec<u8>,
    pub(crate) blocks: Vec<Vec<u8>>,
}

/// Makes a segment of documents. Of those with the same body the first counts.
pub(crate) fn build(mut documents: Vec<IndexDocument>) -> Built {
    documents.sort_by_key(|document| document.body);
    documents.dedup_by_key(|document| document.body);
    documents.truncate(MAX_DOCUMENTS);
    let mut bodies = Bodies::default();
    let mut pairs: Vec<(Term, u32)> = Vec::with_capacity(documents.iter().map(|one| one.terms.len()).sum());
    for (place, document) in (0_u32..).zip(&documents) {
        bodies.keys.push(document.body.0);
        if !document.is_complete {
            bodies.incomplete.push(u64::from(place));
        }
        pairs.extend(document.terms.iter().map(|term| (*term, place)));
    }
    drop(documents);
    pairs.sort_unstable();
    pairs.dedup();
    let mut writer = SegmentWriter::new(bodies.keys.len());
    let mut places = Vec::new();
    for of_term in pairs.chunk_by(|one, next| one.0 == next.0) {
        places.clear();
        places.extend(of_term.iter().map(|(_, place)| *place));
        writer.push(of_term[0].0, &places);
    }
    let directory = writer.finish();
    Built { bodies, directory, blocks: writer.take_blocks().1 }
}

/// Seals the directory of a segment: terms are pieces of text.
pub(crate) fn seal_directory(root: &RootKey, segment: i64, directory: &[u8]) -> Vec<u8> {
    RowSealer::new(root, "search_segment", row_of(segment)).seal("directory", directory)
}

/// Seals a block.
pub(crate) fn seal_block(root: &RootKey, id: i64, content: &[u8]) -> Vec<u8> {
    RowSealer::new(root, "search_block", row_of(id)).seal("content", content)
}

/// Rows are named by number, whatever is in them.
fn row_of(id: i64) -> BodyKey {
    BodyKey(id as u64)
}

/// A segment of the database, ready to be read.
pub(crate) struct Segment {
    pub(crate) id: i64,
    pub(crate) bodies: Bodies,
    first_terms: Vec<Term>,
    /// What its blocks are sealed under.
    root: Option<RootKey>,
}

/// The columns of [`Segment::of_row`].
pub(crate) const SEGMENT_COLUMNS: &str = "id, bodies, directory, sealed_by";

impl Segment {
    pub(crate) fn of_row(row: &Row<'_>, ring: &KeyRing) -> Result<Self, Fault> {
        let blob = |column| Ok::<_, Fault>(row.get_ref(column)?.as_blob().map_err(rusqlite::Error::from)?);
        let id = row.get(0)?;
        let bodies = Bodies::decode(blob(1)?)?;
        let root = match row.get::<_, Option<u32>>(3)? {
            Some(key) => Some(ring.reading(key).ok_or(Damaged)?.clone()),
            None => None,
        };
        let directory = match &root {
            Some(root) => {
                let mut opener = RowOpener::new(root, "search_segment", row_of(id));
                Cow::Owned(opener.open("directory", blob(2)?).ok_or(Damaged)?)
            }
            None => Cow::Borrowed(blob(2)?),
        };
        let first_terms = varint::take_rising(&mut &directory[..], MAX_BLOCKS)?;
        Ok(Self { id, bodies, first_terms, root })
    }

    pub(crate) fn documents(&self) -> usize {
        self.bodies.keys.len()
    }

    pub(crate) fn block_count(&self) -> usize {
        self.first_terms.len()
    }

    /// The numbers of the blocks in which terms from the first to the last can be.
    pub(crate) fn blocks_with(&self, first: Term, last: Term) -> std::ops::Range<usize> {
        let start = self.first_terms.partition_point(|begins| *begins <= first).saturating_sub(1);
        start..self.first_terms.partition_point(|begins| *begins <= last)
    }

    pub(crate) fn block(&self, connection: &Connection, number: usize) -> Result<Vec<u8>, Fault> {
        let sql = "SELECT content FROM search_block WHERE id = ?1";
        let mut statement = connection.prepare_cached(sql)?;
        let id = block_id(self.id, number);
        let content: Option<Vec<u8>> = statement.query_row(params![id], |row| row.get(0)).optional()?;
        let content = content.ok_or(Damaged)?;
        match &self.root {
            Some(root) => {
                let mut opener = RowOpener::new(root, "search_block", row_of(id));
                Ok(opener.open("content", &content).ok_or(Damaged)?)
            }
            None => Ok(content),
        }
    }

    /// The place of a body.
    pub(crate) fn place_of(&self, body: BodyKey) -> Option<usize> {
        self.bodies.keys.binary_search(&body.0).ok()
    }
}
