//! Reading from segments.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use super::Location;
use crate::encryption::{Keys, open_range};

/// Segment files that are open for reading, shared by all who read.
pub(crate) struct SegmentFiles {
    directory: PathBuf,
    /// Most files kept open.
    limit: usize,
    open: Mutex<HashMap<u32, Arc<File>>>,
    keys: Arc<Keys>,
}

impl SegmentFiles {
    /// Files of `directory`, at most `limit` of them kept open. Sealed bodies are opened with `keys`.
    pub(crate) fn new(directory: &Path, limit: usize, keys: Arc<Keys>) -> Self {
        Self { directory: directory.to_owned(), limit: limit.max(1), open: Mutex::default(), keys }
    }

    /// Where the segments are.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Reads `range` of a body; what lies beyond its end is left out. [`io::ErrorKind::NotFound`] when the segment
    /// has been compacted away since `location` was looked up, or its data key taken out;
    /// [`io::ErrorKind::InvalidData`] when a sealed body is not what was written.
    pub(crate) fn read(&self, location: &Location, range: Range<u64>) -> io::Result<Bytes> {
        if let Some(seal) = &location.seal {
            let ring = self.keys.load();
            let root = ring.reading(seal.data_key).ok_or(io::ErrorKind::NotFound)?;
            let opened = open_range(root, seal, location.size_bytes, range, |offset, octets| {
                self.file(location.segment)?.read_exact_at(octets, location.body_offset() + offset)
            })?;
            return Ok(opened.into());
        }
        let end = range.end.min(location.size_bytes);
        let start = range.start.min(end);
        let mut bytes = vec![0; usize::try_from(end - start).map_err(io::Error::other)?];
        if !bytes.is_empty() {
            self.file(location.segment)?.read_exact_at(&mut bytes, location.body_offset() + start)?;
        }
        Ok(bytes.into())
    }

    /// The keys that sealed bodies are opened with.
    pub(crate) fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The same, to be kept.
    pub(crate) fn shared_keys(&self) -> Arc<Keys> {
        Arc::clone(&self.keys)
    }

    /// Reads octets of a segment as they lie there.
    pub(crate) fn read_raw(&self, segment: u32, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.file(segment)?.read_exact_at(bytes, offset)
    }

    /// Reads some octets of a segment as they lie there; none at its end.
    pub(super) fn read_some(&self, segment: u32, offset: u64, bytes: &mut [u8]) -> io::Result<usize> {
        self.file(segment)?.read_at(bytes, offset)
    }

    /// Length of a segment's file.
    pub(crate) fn len(&self, segment: u32) -> io::Result<u64> {
        Ok(self.file(segment)?.metadata()?.len())
    }

    /// Lets go of a segment that is no more. Who is reading from it still can, to the end of the call.
    pub(crate) fn forget(&self, segment: u32) {
        self.open.lock().remove(&segment);
    }

    fn file(&self, segment: u32) -> io::Result<Arc<File>> {
        let mut open = self.open.lock();
        if let Some(file) = open.get(&segment) {
            return Ok(Arc::clone(file));
        }
        let file = Arc::new(File::open(super::path(&self.directory, segment))?);
        if open.len() >= self.limit
            && let Some(&any) = open.keys().next()
        {
            open.remove(&any);
        }
        open.insert(segment, Arc::clone(&file));
        Ok(file)
    }
}
