//! Segment files, in which bodies lie one after the other.

mod appender;
mod copies;
mod files;
mod plain;
mod record;
mod sync_time;

use std::path::{Path, PathBuf};

use posthouse_model::BlobId;
use posthouse_storage::BodyKey;

use crate::encryption::{Seal, sealed_bytes};

pub(crate) use appender::{AppendError, Appender};
#[cfg(test)]
pub(crate) use copies::SLOTS;
pub(crate) use copies::{put_back, remove_copies};
pub(crate) use files::SegmentFiles;
pub(crate) use plain::{Found, PlainBeginning};
pub(crate) use record::{HEADER_BYTES, Header, MAX_BODY_BYTES, TRAILER_BYTES};

/// Where the record of a body lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Location {
    /// Segment number.
    pub(crate) segment: u32,
    /// Offset of the record's first octet.
    pub(crate) record_offset: u64,
    /// Octets of the record in all.
    pub(crate) record_bytes: u64,
    /// Octets of the body in it.
    pub(crate) size_bytes: u64,
    /// Under which key it is sealed, if it is.
    pub(crate) seal: Option<Seal>,
}

impl Location {
    /// Offset of the first octet of the body as it lies there.
    pub(crate) fn body_offset(&self) -> u64 {
        let lies_there = if self.seal.is_some() { sealed_bytes(self.size_bytes) } else { self.size_bytes };
        (self.record_offset + self.record_bytes).saturating_sub(TRAILER_BYTES + lies_there)
    }

    /// The key of a body that is written here first. Segment numbers and offsets only rise, so it never comes back.
    pub(crate) fn key(&self) -> BodyKey {
        BodyKey(u64::from(self.segment) << 32 | self.record_offset)
    }
}

/// The file of a segment.
pub(crate) fn path(directory: &Path, segment: u32) -> PathBuf {
    directory.join(format!("{segment:08}.seg"))
}

/// The number of a segment file, from its name; `None` for another file.
pub(crate) fn number(name: &str) -> Option<u32> {
    name.strip_suffix(".seg")?.parse().ok()
}

/// A record that was copied to another place, or a body that was appended, under its hash.
pub(crate) type Appended = std::collections::HashMap<BlobId, Location>;
