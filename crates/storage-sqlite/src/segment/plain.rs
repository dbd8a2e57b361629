//! The beginnings of bodies that lie as they are where their keys say, without looking their places up.
//!
//! A key names the place at which a body was first written, and a segment's number never comes back. So a record that
//! is found there is the body's; one that was moved is not found, nor is one that is sealed found to be plain. Bodies
//! that lie close to each other, as those that came one after the other do, are read at once.

use std::io;
use std::ops::Range;

use posthouse_storage::{BodyKey, HeaderEnd};

use super::files::SegmentFiles;
use super::record::{HEADER_BYTES, Header};

/// Octets between two beginnings that are read, rather than that the system is asked twice.
const MAX_GAP_BYTES: u64 = 2048;
/// Most octets that are read at once, but for a single beginning that is longer.
const MAX_RUN_BYTES: u64 = 256 * 1024;
/// Beyond this a beginning is not read here but by who looks its place up.
const MAX_BEGINNING_BYTES: u64 = 1024 * 1024;

/// What was found of a beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Nothing, here.
    Nowhere,
    /// It, at this place in the buffer.
    There(Range<usize>),
    /// So little that more has to be read.
    InPart,
}

/// A beginning that is wanted.
#[derive(Clone, Debug)]
pub(crate) struct PlainBeginning {
    pub(crate) body: BodyKey,
    wanted_bytes: u64,
    pub(crate) found: Found,
}

impl PlainBeginning {
    /// The first `wanted_bytes` of a body.
    pub(crate) fn new(body: BodyKey, wanted_bytes: u64) -> Self {
        Self { body, wanted_bytes, found: if wanted_bytes == 0 { Found::InPart } else { Found::Nowhere } }
    }

    /// One that is not to be looked for here.
    pub(crate) fn elsewhere(body: BodyKey) -> Self {
        Self::new(body, u64::MAX)
    }

    /// Has more octets wanted, if those were too few.
    pub(crate) fn is_to_be_longer(&mut self, wanted_bytes: u64) -> bool {
        let is_open = self.found == Found::InPart;
        if is_open {
            (self.wanted_bytes, self.found) = (wanted_bytes, Found::Nowhere);
        }
        is_open
    }

    fn segment(&self) -> u32 {
        (self.body.0 >> 32) as u32
    }

    fn start(&self) -> u64 {
        self.body.0 & u64::from(u32::MAX)
    }

    fn end(&self) -> u64 {
        self.start().saturating_add(HEADER_BYTES).saturating_add(self.wanted_bytes)
    }

    /// Whether there is something to read, and here.
    fn is_for_here(&self) -> bool {
        (1..=MAX_BEGINNING_BYTES).contains(&self.wanted_bytes)
    }
}

impl SegmentFiles {
    /// Appends to `buffer` what is found of `wanted`, up to where `end` says that it ends in what was read, reading into
    /// `scratch`.
    pub(crate) fn read_plain_beginnings(
        &self,
        wanted: &mut [&mut PlainBeginning],
        scratch: &mut Vec<u8>,
        buffer: &mut Vec<u8>,
        end: HeaderEnd,
    ) {
        let mut rest = wanted;
        while !rest.is_empty() {
            let count = run_length(rest);
            let (run, later) = rest.split_at_mut(count);
            rest = later;
            if !run[0].is_for_here() {
                continue;
            }
            let Ok(octets) = self.read_run(run, scratch) else { continue };
            let start = run[0].start();
            for one in run {
                if let Some(record) = octets.get((one.start() - start) as usize..) {
                    one.found = take(one, record, buffer, end);
                }
            }
        }
    }

    /// Reads from the first to the end of the last, or to the end of the file.
    fn read_run<'s>(&self, run: &[&mut PlainBeginning], scratch: &'s mut Vec<u8>) -> io::Result<&'s [u8]> {
        let start = run[0].start();
        let end = run.iter().map(|one| one.end()).max().unwrap_or(start);
        let length = usize::try_from(end - start).map_err(io::Error::other)?;
        if scratch.len() < length {
            scratch.resize(length, 0);
        }
        let mut filled = 0;
        while filled < length {
            let read = self.read_some(run[0].segment(), start + filled as u64, &mut scratch[filled..length])?;
            if read == 0 {
                break;
            }
            filled += read;
        }
        Ok(&scratch[..filled])
    }
}

/// How many of `rest`, which is not empty, are read together.
fn run_length(rest: &[&mut PlainBeginning]) -> usize {
    let first = &rest[0];
    let follows = |pair: &[&mut PlainBeginning]| {
        let (one, next) = (&pair[0], &pair[1]);
        next.is_for_here()
            && next.segment() == first.segment()
            && (one.start()..=one.end() + MAX_GAP_BYTES).contains(&next.start())
            && next.end() - first.start() <= MAX_RUN_BYTES
    };
    if first.is_for_here() { 1 + rest.windows(2).take_while(|pair| follows(pair)).count() } else { 1 }
}

/// Takes the beginning of a body out of what begins with its record, if it does.
fn take(one: &PlainBeginning, record: &[u8], buffer: &mut Vec<u8>, end: HeaderEnd) -> Found {
    let Some(header) = Header::decode(record).filter(|header| !header.is_sealed) else { return Found::Nowhere };
    let start = HEADER_BYTES + u64::from(header.extension_bytes);
    let wanted = start..start + one.wanted_bytes.min(header.body_bytes);
    // An extension, which is not there in what this release writes, may have left too little.
    let Some(octets) = record.get(wanted.start as usize..wanted.end as usize) else { return Found::Nowhere };
    match end(octets, octets.len() as u64 == header.body_bytes) {
        Some(end) => {
            let from = buffer.len();
            buffer.extend_from_slice(&octets[..end.min(octets.len())]);
            Found::There(from..buffer.len())
        }
        None => Found::InPart,
    }
}
