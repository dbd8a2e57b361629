//! The index of words, as it lies in the database.
//!
//! Each account's index is a handful of segments that are never changed: [`segment`] is how one is written and read,
//! [`block`] how a stretch of its terms is packed, [`matching`] how a question is answered from it, and [`merge`]
//! makes one large segment of several small ones. All that could tell what somebody's mail says is inside blobs.

pub(crate) mod block;
pub(crate) mod matching;
pub(crate) mod merge;
pub(crate) mod segment;
mod varint;

use crate::fault::Fault;
use posthouse_storage::StorageError;

/// The state of a segment that is being written.
pub(crate) const WRITING: i64 = 0;
/// The state of a segment that answers.
pub(crate) const IN_USE: i64 = 1;
/// The state of a segment that is to be taken out.
pub(crate) const DOOMED: i64 = 2;

/// What was read of an index cannot be what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Damaged;

impl From<Damaged> for Fault {
    fn from(_: Damaged) -> Self {
        Self(StorageError::Corrupt("a search index is damaged; `posthouse reindex` makes it anew".to_owned()))
    }
}
