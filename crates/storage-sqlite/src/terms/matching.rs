//! Answering from segments which bodies have which terms.

use posthouse_model::AccountId;
use posthouse_storage::search_index::MAX_TERM_QUERIES;
use posthouse_storage::{BodyKey, StorageError, TermMatch, TermQuery, TermRange};
use rusqlite::{Connection, params};

use super::block::{DocumentSet, walk};
use super::segment::{SEGMENT_COLUMNS, Segment};
use super::{Damaged, IN_USE};
use crate::encryption::Keys;
use crate::fault::Fault;
use crate::reader::mail::at_one_moment;

/// Blocks of a segment that are kept while its questions are answered: neighbouring terms share one.
const KEPT_BLOCKS: usize = 64;

/// What an account's index says about each of `bodies`.
pub(crate) fn match_terms(
    connection: &Connection,
    keys: &Keys,
    account: AccountId,
    version: u32,
    bodies: &[BodyKey],
    queries: &[TermQuery],
) -> Result<Vec<TermMatch>, Fault> {
    let mut matched = vec![TermMatch::Unindexed; bodies.len()];
    at_one_moment(connection, || {
        each_segment(connection, keys, account, version, bodies, |segment| {
            let places: Vec<_> =
                (0..).zip(bodies).filter_map(|(at, body)| Some((at, segment.place_of(*body)?))).collect();
            if places.is_empty() {
                return Ok(());
            }
            let sets = Answering::new(connection, segment).answer(queries)?;
            for (at, place) in places {
                matched[at] = match segment.bodies.incomplete.binary_search(&(place as u64)) {
                    Ok(_) => TermMatch::Incomplete,
                    Err(_) => TermMatch::Meets(bits(&sets, place)),
                };
            }
            Ok(())
        })
    })?;
    Ok(matched)
}

/// Which of `bodies` are in an account's index.
pub(crate) fn indexed(
    connection: &Connection,
    keys: &Keys,
    account: AccountId,
    version: u32,
    bodies: &[BodyKey],
) -> Result<Vec<bool>, Fault> {
    let mut indexed = vec![false; bodies.len()];
    each_segment(connection, keys, account, version, bodies, |segment| {
        for (body, indexed) in bodies.iter().zip(&mut indexed) {
            *indexed |= segment.place_of(*body).is_some();
        }
        Ok(())
    })?;
    Ok(indexed)
}

/// Calls `see` for each segment that can have one of `bodies`. A damaged one is passed over, and that is logged.
fn each_segment(
    connection: &Connection,
    keys: &Keys,
    account: AccountId,
    version: u32,
    bodies: &[BodyKey],
    mut see: impl FnMut(&Segment) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let (Some(first), Some(last)) = (bodies.iter().min(), bodies.iter().max()) else { return Ok(()) };
    let sql = format!(
        "SELECT {SEGMENT_COLUMNS} FROM search_segment WHERE account = ?1 AND state = ?2 AND version = ?3
         AND last_body >= ?4 AND first_body <= ?5"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![account.0 as i64, IN_USE, version, first.0 as i64, last.0 as i64])?;
    while let Some(row) = rows.next()? {
        match Segment::of_row(row, &keys.load()).and_then(|segment| see(&segment)) {
            Err(Fault(StorageError::Corrupt(error))) => {
                tracing::error!(account = account.0, error, "a segment of a search index is passed over");
            }
            outcome => outcome?,
        }
    }
    Ok(())
}

fn bits(sets: &[DocumentSet], place: usize) -> u64 {
    sets.iter().enumerate().fold(0, |bits, (at, set)| bits | u64::from(set.has(place)) << at)
}

/// The questions to one segment.
struct Answering<'a> {
    connection: &'a Connection,
    segment: &'a Segment,
    kept: Vec<(usize, Vec<u8>)>,
    /// Ranges that have been looked up; the queries of one search share many.
    known: Vec<(TermRange, DocumentSet)>,
}

impl<'a> Answering<'a> {
    fn new(connection: &'a Connection, segment: &'a Segment) -> Self {
        Self { connection, segment, kept: Vec::new(), known: Vec::new() }
    }

    /// For each query the documents that meet it.
    fn answer(&mut self, queries: &[TermQuery]) -> Result<Vec<DocumentSet>, Fault> {
        queries.iter().take(MAX_TERM_QUERIES).map(|query| self.meeting(query)).collect()
    }

    fn meeting(&mut self, query: &[TermRange]) -> Result<DocumentSet, Fault> {
        let Some((first, rest)) = query.split_first() else { return Ok(all(self.segment.documents())) };
        let mut set = self.having(*first)?;
        for range in rest {
            if set.is_empty() {
                break;
            }
            set.keep(&self.having(*range)?);
        }
        Ok(set)
    }

    fn having(&mut self, range: TermRange) -> Result<DocumentSet, Fault> {
        if let Some((_, known)) = self.known.iter().find(|(known, _)| *known == range) {
            return Ok(known.clone());
        }
        let mut set = DocumentSet::none(self.segment.documents());
        for number in self.segment.blocks_with(range.first, range.last) {
            let documents = self.segment.documents();
            let block = self.block(number)?;
            walk(block, documents, |term, postings| {
                if range.has(term) {
                    postings.add_to(&mut set);
                }
                term <= range.last
            })?;
        }
        self.known.push((range, set.clone()));
        Ok(set)
    }

    fn block(&mut self, number: usize) -> Result<&[u8], Fault> {
        let at = match self.kept.iter().position(|(kept, _)| *kept == number) {
            Some(at) => at,
            None => {
                let block = self.segment.block(self.connection, number)?;
                if self.kept.len() == KEPT_BLOCKS {
                    self.kept.clear();
                }
                self.kept.push((number, block));
                self.kept.len() - 1
            }
        };
        Ok(&self.kept[at].1)
    }
}

fn all(documents: usize) -> DocumentSet {
    let mut set = DocumentSet::none(documents);
    set.fill();
    set
}

/// Checks that a segment can be read from end to end, and that its terms rise throughout.
pub(crate) fn check(connection: &Connection, segment: &Segment) -> Result<(), Fault> {
    let mut last = None;
    for number in 0..segment.block_count() {
        let mut rises = true;
        walk(&segment.block(connection, number)?, segment.documents(), |term, _| {
            rises &= last.is_none_or(|last| last < term);
            last = Some(term);
            rises
        })?;
        if !rises {
            return Err(Damaged.into());
        }
    }
    Ok(())
}
