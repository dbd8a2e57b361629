//! Backups: generations of a whole store in a directory, each complete by itself.
//!
//! ```text
//! DIRECTORY/20261121T223000.123Z/manifest            what is in the generation, with hashes; written last
//!                                store/index.db      a copy of the index as of one moment
//!                                store/bodies/…      segments, up to where that index refers to them
//!                                data/…              other files of the data directory
//!                                configuration/…     files from elsewhere, to look at
//! DIRECTORY/….partial            a generation under way, or one that was interrupted
//! DIRECTORY/….removing           a generation that is being removed
//! ```
//!
//! A sealed segment never changes, so a generation shares its file with the generation before, as a second name (hard
//! link) where the file system can do that. The index is copied first and the segments up to the lengths that this
//! copy knows, so together they are of one moment, however much is written meanwhile. A backup that was interrupted is
//! continued by the next: segments that were copied whole need not be copied again.

mod copy;
mod generations;
mod manifest;
mod restore;
mod take;

use std::path::PathBuf;

use posthouse_model::UnixMillis;

pub use generations::{Generation, GenerationState, generations, prune};
pub use restore::{Restored, check, restore};

use crate::Watcher;

/// The setting by which a store is told from others, so that a backup only shares what is the same store's.
pub(crate) const STORE_SETTING: &str = "backup.store";

/// What a backup is to be.
#[derive(Clone)]
pub struct BackupPlan {
    /// The directory with the generations; made if need be.
    pub directory: PathBuf,
    /// When it is taken; the generation is named after it.
    pub taken_at: UnixMillis,
    /// Files that go with it besides the store.
    pub files: Vec<ExtraFile>,
    /// Who watches.
    pub watcher: Watcher,
}

/// A file that goes with a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtraFile {
    /// Where it is.
    pub source: PathBuf,
    /// Its path in the generation. What begins with `data/` goes back into the data directory.
    pub path: String,
}

/// What a backup came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupTaken {
    /// The generation's name.
    pub name: String,
    /// Files in it.
    pub files: u64,
    /// Octets of them.
    pub bytes: u64,
    /// Octets of them that had to be copied; the others are shared with the generation before.
    pub copied_bytes: u64,
    /// Whether it went on with one that was interrupted.
    pub continued: bool,
}
