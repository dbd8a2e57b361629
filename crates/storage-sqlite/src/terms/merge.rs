//! Making one segment of several: small ones that came one after the other, or one in which much is gone.
//!
//! Segments are never changed, so all is read without holding anybody up. What is written becomes visible with the
//! last commit, in which the old segments go; a crash before that leaves them as they were.

use std::sync::Arc;

use posthouse_model::AccountId;
use posthouse_storage::{StorageError, Term};
use rusqlite::{Connection, params};
use tokio::sync::mpsc;

use super::IN_USE;
use super::block::{MAX_DOCUMENTS, walk};
use super::segment::{Bodies, SEGMENT_COLUMNS, Segment, SegmentWriter};
use crate::encryption::Keys;
use crate::fault::Fault;
use crate::writer::{Request, Work, request};

/// So many segments of about the same size are made one.
const MERGE_WIDTH: usize = 8;
/// Octets of blocks that one commit writes.
const WRITE_BYTES: usize = 512 * 1024;
/// A segment of which one in so many bodies is gone is written anew.
const GONE_SHARE: usize = 8;
/// The place of a body that is left out.
const LEFT_OUT: u32 = u32::MAX;

/// What is merged, and for whom.
pub(crate) struct Merge {
    pub(crate) connection: Connection,
    pub(crate) keys: Arc<Keys>,
    pub(crate) writer: mpsc::Sender<Request>,
    pub(crate) account: AccountId,
    pub(crate) version: u32,
}

impl Merge {
    /// Does one merge if one is due. With `purge` also looks for bodies that are gone.
    pub(crate) fn step(&self, purge: bool) -> Result<bool, Fault> {
        let due = self.due()?;
        let inputs = match due.is_empty() {
            false => self.load(&due)?,
            true if purge => self.wasteful()?,
            true => Vec::new(),
        };
        if inputs.is_empty() {
            return Ok(false);
        }
        self.merge(inputs)?;
        Ok(true)
    }

    /// The oldest segments of the smallest size of which there are too many.
    fn due(&self) -> Result<Vec<i64>, Fault> {
        let mut tiers: Vec<Vec<(i64, usize)>> = Vec::new();
        for (id, documents) in self.sizes()? {
            let tier = (documents.max(1).ilog2() / MERGE_WIDTH.ilog2()) as usize;
            if tiers.len() <= tier {
                tiers.resize(tier + 1, Vec::new());
            }
            tiers[tier].push((id, documents));
        }
        for tier in tiers {
            let mut sum = 0;
            let fitting = tier.iter().take(2 * MERGE_WIDTH).take_while(|(_, documents)| {
                sum += documents;
                sum <= MAX_DOCUMENTS
            });
            let fitting: Vec<_> = fitting.map(|(id, _)| *id).collect();
            if tier.len() >= MERGE_WIDTH && fitting.len() > 1 {
                return Ok(fitting);
            }
        }
        Ok(Vec::new())
    }

    fn sizes(&self) -> Result<Vec<(i64, usize)>, Fault> {
        let sql =
            "SELECT id, documents FROM search_segment WHERE account = ?1 AND state = ?2 AND version = ?3 ORDER BY id";
        let mut statement = self.connection.prepare_cached(sql)?;
        let key = params![self.account.0 as i64, IN_USE, self.version];
        let sizes = statement.query_map(key, |row| Ok((row.get(0)?, row.get::<_, i64>(1)? as usize)))?;
        Ok(sizes.collect::<Result<_, _>>()?)
    }

    fn load(&self, ids: &[i64]) -> Result<Vec<Segment>, Fault> {
        let sql = format!("SELECT {SEGMENT_COLUMNS} FROM search_segment WHERE id = ?1");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut segments = Vec::with_capacity(ids.len());
        for id in ids {
            let mut rows = statement.query(params![id])?;
            if let Some(row) = rows.next()? {
                segments.push(Segment::of_row(row, &self.keys.load())?);
            }
        }
        Ok(segments)
    }

    /// A segment in which much is gone.
    fn wasteful(&self) -> Result<Vec<Segment>, Fault> {
        for (id, documents) in self.sizes()? {
            let segments = self.load(&[id])?;
            let mut gone = 0;
            for key in segments.iter().flat_map(|segment| &segment.bodies.keys) {
                gone += usize::from(!self.is_there(*key)?);
            }
            if gone > 0 && gone * GONE_SHARE >= documents {
                return Ok(segments);
            }
        }
        Ok(Vec::new())
    }

    fn is_there(&self, body: u64) -> Result<bool, Fault> {
        let sql = "SELECT 1 FROM body WHERE key = ?1";
        Ok(self.connection.prepare_cached(sql)?.exists(params![body as i64])?)
    }

    fn merge(&self, segments: Vec<Segment>) -> Result<(), Fault> {
        let old: Vec<_> = segments.iter().map(|segment| segment.id).collect();
        let bodies = self.surviving(&segments)?;
        let mut inputs: Vec<_> = segments.into_iter().map(|segment| Input::new(segment, &bodies)).collect();
        if bodies.keys.is_empty() {
            return self.ask(move |work| work.replace_segments(&old, None));
        }
        let (account, version) = (self.account, self.version);
        let id = self.ask(move |work| work.begin_segment(account, version))?;
        let mut writer = SegmentWriter::new(bodies.keys.len());
        let mut places = Vec::new();
        while let Some(term) = self.next_term(&mut inputs)? {
            places.clear();
            for input in &mut inputs {
                input.take(term, &mut places);
            }
            if !places.is_empty() {
                places.sort_unstable();
                places.dedup();
                writer.push(term, &places);
            }
            if writer.waiting_bytes() >= WRITE_BYTES {
                self.write(id, &mut writer)?;
            }
        }
        let directory = writer.finish();
        self.write(id, &mut writer)?;
        let size_bytes = writer.size_bytes;
        self.ask(move |work| work.replace_segments(&old, Some((id, &bodies, &directory, size_bytes))))
    }

    /// The bodies that are still there, of all segments together.
    fn surviving(&self, segments: &[Segment]) -> Result<Bodies, Fault> {
        let mut all: Vec<_> = segments.iter().flat_map(|segment| &segment.bodies.keys).copied().collect();
        all.sort_unstable();
        all.dedup();
        let mut keys = Vec::with_capacity(all.len());
        for key in all {
            if self.is_there(key)? {
                keys.push(key);
            }
        }
        let mut bodies = Bodies { keys, incomplete: Vec::new() };
        for segment in segments {
            let incomplete = segment.bodies.incomplete.iter().map(|place| segment.bodies.keys[*place as usize]);
            bodies.incomplete.extend(incomplete.filter_map(|key| Some(bodies.keys.binary_search(&key).ok()? as u64)));
        }
        bodies.incomplete.sort_unstable();
        bodies.incomplete.dedup();
        Ok(bodies)
    }

    /// The smallest term that any input has next.
    fn next_term(&self, inputs: &mut [Input]) -> Result<Option<Term>, Fault> {
        let mut smallest = None;
        for input in inputs {
            if let Some(term) = input.peek(&self.connection)? {
                smallest = Some(smallest.map_or(term, |smallest: Term| smallest.min(term)));
            }
        }
        Ok(smallest)
    }

    fn write(&self, segment: i64, writer: &mut SegmentWriter) -> Result<(), Fault> {
        let (first, blocks) = writer.take_blocks();
        self.ask(move |work| work.write_blocks(segment, first, &blocks))
    }

    fn ask<T: Send + 'static>(
        &self,
        run: impl FnOnce(&mut Work<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let (request, reply) = request(Vec::new(), run);
        self.writer.blocking_send(request).map_err(|_| StorageError::Closed)?;
        Ok(reply.blocking_recv().map_err(|_| StorageError::Closed)??)
    }
}

/// A segment that is read from its first term to its last.
struct Input {
    segment: Segment,
    /// The new place of each document.
    places: Vec<u32>,
    next_block: usize,
    /// What the last block read holds, first one last.
    terms: Vec<(Term, Vec<u32>)>,
}

impl Input {
    fn new(segment: Segment, bodies: &Bodies) -> Self {
        let place = |key: &u64| bodies.keys.binary_search(key).map_or(LEFT_OUT, |place| place as u32);
        let places = segment.bodies.keys.iter().map(place).collect();
        Self { segment, places, next_block: 0, terms: Vec::new() }
    }

    fn peek(&mut self, connection: &Connection) -> Result<Option<Term>, Fault> {
        while self.terms.is_empty() && self.next_block < self.segment.block_count() {
            let block = self.segment.block(connection, self.next_block)?;
            self.next_block += 1;
            let terms = &mut self.terms;
            walk(&block, self.segment.documents(), |term, postings| {
                terms.push((term, postings.places()));
                true
            })?;
            terms.reverse();
        }
        Ok(self.terms.last().map(|(term, _)| *term))
    }

    /// Adds the new places of the documents that have `term`, if it is the next one.
    fn take(&mut self, term: Term, places: &mut Vec<u32>) {
        if self.terms.last().is_some_and(|(next, _)| *next == term)
            && let Some((_, old)) = self.terms.pop()
        {
            let new = old.into_iter().filter_map(|place| self.places.get(place as usize)).copied();
            places.extend(new.filter(|place| *place != LEFT_OUT));
        }
    }
}
