//! Copies, in the index, of what no segment has for certain yet.
//!
//! A commit of few octets would wait for the disk twice: until the segment has the bodies, and until the write-ahead log
//! has the rest. Instead the log carries a copy of what was appended, and the segment is synced once for many such
//! commits. Should the power fail before, the next start writes the copies to where they belong.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use posthouse_storage::StorageError;
use rusqlite::{Connection, params};

use crate::disk::{Disk, DiskFile};
use crate::fault::{self, Fault};

/// Most commits between two syncs of a segment.
pub(crate) const SLOTS: usize = 64;

/// Octets of a copy for which SQLite needs so many pages of 4 KiB, all but full: a part of a leaf, a leaf, and overflow
/// pages beside a part of a leaf.
const SMALL_BYTES: usize = 440;
const LEAF_BYTES: usize = 3_950;
const OVERFLOW_BYTES: usize = 4_092;

/// To what length a copy is filled up. A row that is as long as what was in its slot before is written where that was,
/// and touches no list of free pages.
fn filled_up(bytes: usize) -> usize {
    let without_overflow = [SMALL_BYTES, LEAF_BYTES].into_iter().find(|&most| bytes <= most);
    without_overflow.unwrap_or_else(|| SMALL_BYTES + (bytes - SMALL_BYTES).next_multiple_of(OVERFLOW_BYTES))
}

/// What one commit appended to a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Copied {
    segment: u32,
    offset: u64,
    octets: Vec<u8>,
}

/// The copies that are needed, and where in the index each is.
pub(crate) struct Copies {
    slots: [Option<Copied>; SLOTS],
    /// How long the row of each slot is, whether or not it is needed; zero where there is none.
    row_bytes: [usize; SLOTS],
    /// What the transaction under way is to take with it.
    pending: Option<(usize, Copied)>,
}

impl Copies {
    pub(crate) fn new() -> Self {
        Self { slots: [const { None }; SLOTS], row_bytes: [0; SLOTS], pending: None }
    }

    /// Whether there is room for another.
    pub(crate) fn has_room(&self) -> bool {
        self.slots.iter().any(Option::is_none)
    }

    /// Has the transaction under way take a copy with it. Without room nothing happens.
    pub(crate) fn take(&mut self, segment: u32, offset: u64, octets: Vec<u8>) {
        let bytes = filled_up(octets.len());
        let free = |slot: &usize| self.slots[*slot].is_none();
        let same_length = (0..SLOTS).filter(free).find(|&slot| self.row_bytes[slot] == bytes);
        let slot = same_length.or_else(|| (0..SLOTS).filter(free).min_by_key(|&slot| self.row_bytes[slot]));
        self.pending = slot.map(|slot| (slot, Copied { segment, offset, octets }));
    }

    /// Writes what the transaction is to take with it.
    pub(crate) fn write(&self, connection: &Connection) -> Result<(), Fault> {
        let Some((slot, copied)) = &self.pending else { return Ok(()) };
        let Copied { segment, offset, octets } = copied;
        let mut row = octets.clone();
        row.resize(filled_up(octets.len()), 0);
        // SQLite has to have looked at the old row to see that the new one fits in its place.
        let overwrite = "UPDATE segment_copy SET segment = ?2, start = ?3, octets = ?4, bytes = ?5
                         WHERE slot = ?1 AND segment >= 0";
        let insert = "INSERT INTO segment_copy (slot, segment, start, octets, bytes) VALUES (?1, ?2, ?3, ?4, ?5)";
        for sql in [overwrite, insert] {
            let values = params![*slot as i64, segment, *offset as i64, row, octets.len() as i64];
            if connection.prepare_cached(sql)?.execute(values)? > 0 {
                break;
            }
        }
        Ok(())
    }

    /// The transaction has been committed.
    pub(crate) fn committed(&mut self) {
        if let Some((slot, copied)) = self.pending.take() {
            self.row_bytes[slot] = filled_up(copied.octets.len());
            self.slots[slot] = Some(copied);
        }
    }

    /// The transaction has not been committed; whether there was something that it should have taken with it.
    pub(crate) fn rolled_back(&mut self) -> bool {
        self.pending.take().is_some()
    }

    /// The disk has everything of a segment.
    pub(crate) fn synced(&mut self, segment: u32) {
        for slot in &mut self.slots {
            if slot.as_ref().is_some_and(|copied| copied.segment == segment) {
                *slot = None;
            }
        }
    }

    /// Writes the copies to a segment of which the system may have dropped what it could not write. Those stay that
    /// cannot be written now, until the next start.
    pub(crate) fn mend(&mut self, segment: u32, file: &dyn DiskFile) {
        let pending = self.pending.iter().map(|(_, copied)| copied);
        let all = self.slots.iter().flatten().chain(pending);
        let lost: Vec<_> = all.filter(|copied| copied.segment == segment).collect();
        if lost.is_empty() {
            return;
        }
        let written = lost.iter().try_for_each(|copied| file.write_all_at(&copied.octets, copied.offset));
        match written.and_then(|()| file.sync_data()) {
            Ok(()) => self.synced(segment),
            Err(error) => {
                tracing::error!(%error, segment, "messages of a segment are in the index only; restart to mend");
            }
        }
    }
}

/// Writes to the segments what they lack of the copies in the index, and takes the copies out.
pub(crate) fn put_back(connection: &Connection, directory: &Path, disk: &dyn Disk) -> Result<(), StorageError> {
    let copies = read(connection).map_err(fault::sql)?;
    if copies.is_empty() {
        return Ok(());
    }
    for copied in copies {
        let path = super::path(directory, copied.segment);
        // One that has been compacted since needs nothing; one that is lost is told of where segments are looked at.
        let Ok(file) = File::open(&path) else { continue };
        let mut there = vec![0; copied.octets.len()];
        let is_there = file.read_exact_at(&mut there, copied.offset).is_ok() && there == copied.octets;
        if !is_there {
            put(disk, &path, &copied).map_err(|error| fault::io("put messages back into", &path, &error))?;
            let (segment, bytes) = (copied.segment, copied.octets.len());
            tracing::info!(segment, bytes, "messages that the disk did not have yet are put back into their segment");
        }
    }
    remove_copies(connection).map_err(fault::sql)
}

/// Takes all copies out of the index.
pub(crate) fn remove_copies(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM segment_copy", ()).map(drop)
}

fn put(disk: &dyn Disk, path: &Path, copied: &Copied) -> io::Result<()> {
    let file = disk.open(path)?;
    file.write_all_at(&copied.octets, copied.offset)?;
    file.sync_data()
}

/// The copies in the index of what a segment may still be referred to for.
fn read(connection: &Connection) -> rusqlite::Result<Vec<Copied>> {
    let sql = "SELECT segment, start, octets, bytes FROM segment_copy WHERE segment IN (SELECT number FROM segment)
               ORDER BY segment, start";
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map((), |row| {
        let mut octets: Vec<u8> = row.get(2)?;
        if let Some(bytes) = row.get::<_, Option<i64>>(3)? {
            octets.truncate(bytes as usize);
        }
        Ok(Copied { segment: row.get(0)?, offset: row.get::<_, i64>(1)? as u64, octets })
    })?;
    rows.collect()
}
