//! Getting back the room of bodies that are no more.

use posthouse_storage::StorageError;
use rusqlite::{OptionalExtension, params};

use super::work::Work;
use crate::fault::Fault;
use crate::reader::mail::{LOCATION_COLUMNS, location_of};
use crate::segment::{AppendError, Header, Location};

/// What a step of compaction came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compaction {
    /// No segment is worth it.
    Idle,
    /// Some bodies have moved, or a segment is gone; there may be more to do.
    Moved,
}

impl Work<'_> {
    /// Moves up to `limit_bytes` of live bodies out of the sealed segment with the largest dead share, if at least
    /// half of it is dead, and drops the segment when nothing is left in it. `passed_over` segments are left alone.
    pub(crate) fn compact(&mut self, limit_bytes: u64, passed_over: &[u32]) -> Result<Compaction, Fault> {
        let Some(segment) = self.compaction_candidate(passed_over)? else { return Ok(Compaction::Idle) };
        let sql = "SELECT live_bytes FROM segment WHERE number = ?1";
        let live_bytes: i64 = self.connection.prepare_cached(sql)?.query_row(params![segment], |row| row.get(0))?;
        if live_bytes > 0 {
            // Records that are to be sealed otherwise are written anew by that; none is to be copied as it is.
            if self.is_converting()? {
                return Ok(Compaction::Idle);
            }
            self.move_bodies(segment, limit_bytes)?;
        } else {
            self.connection.prepare_cached("DELETE FROM segment WHERE number = ?1")?.execute(params![segment])?;
            self.effects.emptied.push(segment);
        }
        Ok(Compaction::Moved)
    }

    /// The segment that [`Self::compact`] would take next.
    pub(crate) fn compaction_candidate(&self, passed_over: &[u32]) -> Result<Option<u32>, Fault> {
        let sql = "SELECT number FROM segment WHERE sealed = 1 AND live_bytes * 2 <= size_bytes
                   ORDER BY live_bytes * 1.0 / (size_bytes + 1), number";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(())?;
        while let Some(row) = rows.next()? {
            let number = row.get(0)?;
            if !passed_over.contains(&number) {
                return Ok(Some(number));
            }
        }
        Ok(None)
    }

    fn move_bodies(&mut self, segment: u32, limit_bytes: u64) -> Result<(), Fault> {
        let mut moved_bytes = 0;
        while moved_bytes < limit_bytes
            && let Some((key, from)) = self.first_body(segment)?
        {
            let to = self.copy_record(&from)?;
            let sql = "UPDATE body SET segment = ?2, record_offset = ?3, record_bytes = ?4, moved = 1 WHERE key = ?1";
            self.connection.prepare_cached(sql)?.execute(params![
                key,
                to.segment,
                to.record_offset as i64,
                to.record_bytes as i64
            ])?;
            self.effects.live.push((from.segment, -(from.record_bytes as i64)));
            self.effects.live.push((to.segment, to.record_bytes as i64));
            moved_bytes += from.record_bytes;
        }
        self.appender.sync()?;
        Ok(())
    }

    /// A body that lies in `segment`: one that was written there, or one that was moved there.
    fn first_body(&self, segment: u32) -> Result<Option<(i64, Location)>, Fault> {
        let row = |row: &rusqlite::Row<'_>| Ok((row.get("key")?, location_of(row)?));
        let sql = format!(
            "SELECT {LOCATION_COLUMNS} FROM body
             WHERE key >= ?1 << 32 AND key < (?1 + 1) << 32 AND moved = 0 LIMIT 1"
        );
        let written = self.connection.prepare_cached(&sql)?.query_row(params![segment], row).optional()?;
        if written.is_some() {
            return Ok(written);
        }
        let sql = format!("SELECT {LOCATION_COLUMNS} FROM body WHERE segment = ?1 AND moved = 1 LIMIT 1");
        Ok(self.connection.prepare_cached(&sql)?.query_row(params![segment], row).optional()?)
    }

    /// Copies a record after checking that it is still what was written.
    fn copy_record(&mut self, from: &Location) -> Result<Location, Fault> {
        let damaged = |what: &str| {
            let at = format!("segment {} offset {}", from.segment, from.record_offset);
            Fault(StorageError::Corrupt(format!("the record at {at} {what}")))
        };
        let mut record = vec![0; usize::try_from(from.record_bytes).map_err(|_| damaged("is too large"))?];
        self.files
            .read_raw(from.segment, from.record_offset, &mut record)
            .map_err(|error| damaged(&format!("cannot be read: {error}")))?;
        let header = Header::decode(&record).ok_or_else(|| damaged("has a broken header"))?;
        if header.record_bytes() != from.record_bytes || !header.covers(&record) {
            return Err(damaged("is not what was written"));
        }
        self.appender.append_record(&header, &record).map_err(|error| match error {
            AppendError::Body(error) | AppendError::Segment(error) => Fault(error),
        })
    }
}
