//! Bodies and the references to them.

use posthouse_storage::{Body, BodyKey, ParsedMessage, StorageError};
use rusqlite::{Connection, OptionalExtension, params};

use super::work::Work;
use crate::encryption::{KeyRing, RowSealer};
use crate::fault::Fault;

impl Work<'_> {
    /// Adds `references` to a body that is in a segment, with what is known about it if it is new to the index.
    pub(super) fn refer_to(&mut self, body: &Body, parsed: &ParsedMessage, references: i64) -> Result<BodyKey, Fault> {
        let key = match self.insert_body(body, parsed, references)? {
            Some(key) => key,
            None => self.refer_to_known(body, references)?,
        };
        if references == 0 {
            self.effects.suspects.push(key);
        }
        Ok(key)
    }

    fn refer_to_known(&mut self, body: &Body, references: i64) -> Result<BodyKey, Fault> {
        let ids = self.keys.load().content_ids(body.id);
        let sql = "UPDATE body SET refs = refs + ?2 WHERE id IN (?1, ?3) RETURNING key";
        let known: Option<i64> = self
            .connection
            .prepare_cached(sql)?
            .query_row(params![ids.current, references, ids.former], |row| row.get(0))
            .optional()?;
        // It was in the index when the batch began, and is only taken out when the batch ends.
        let lost = || StorageError::Corrupt(format!("body {} is not in a segment", body.id));
        Ok(BodyKey(known.ok_or_else(lost)? as u64))
    }

    /// Takes one reference away.
    pub(super) fn release(&mut self, body: BodyKey) -> Result<(), Fault> {
        self.add_references(body, -1)?;
        self.effects.suspects.push(body);
        Ok(())
    }

    /// Adds references to a body of the index.
    pub(super) fn add_references(&mut self, body: BodyKey, references: i64) -> Result<(), Fault> {
        let sql = "UPDATE body SET refs = refs + ?2 WHERE key = ?1";
        let found = self.connection.prepare_cached(sql)?.execute(params![body.0 as i64, references])?;
        if found == 0 {
            return Err(StorageError::Corrupt(format!("body {} is referred to and not there", body.0)).into());
        }
        Ok(())
    }

    /// Enters a body that has come with this batch. `None` when it is in the index already.
    fn insert_body(&mut self, body: &Body, parsed: &ParsedMessage, references: i64) -> Result<Option<BodyKey>, Fault> {
        let Some(location) = self.appended.get(&body.id) else { return Ok(None) };
        let (key, ring) = (location.key(), self.keys.load());
        let sql = "INSERT INTO body (key, id, segment, record_offset, record_bytes, size_bytes, refs, moved, seal)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8) ON CONFLICT (id) DO NOTHING";
        let inserted = self.connection.prepare_cached(sql)?.execute(params![
            key.0 as i64,
            ring.content_id(body.id, location.seal.is_some()),
            location.segment,
            location.record_offset as i64,
            location.record_bytes as i64,
            location.size_bytes as i64,
            references,
            location.seal.map(|seal| seal.encode())
        ])?;
        if inserted == 0 {
            return Ok(None);
        }
        write_parsed(self.connection, &ring, key, parsed)?;
        self.insert_sort_keys(key, &parsed.sort_keys)?;
        self.effects.live.push((location.segment, location.record_bytes as i64));
        Ok(Some(key))
    }
}

/// Writes what is stored beside a body, sealed if that is how the store is.
pub(crate) fn write_parsed(
    connection: &Connection,
    ring: &KeyRing,
    key: BodyKey,
    parsed: &ParsedMessage,
) -> Result<(), Fault> {
    let sql =
        "INSERT OR REPLACE INTO parsed (key, structure, envelope, body, bodystructure, sent_local_seconds, preview,
               thread, sealed_by) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let mut statement = connection.prepare_cached(sql)?;
    let Some((data_key, root)) = ring.writing() else {
        statement.execute(params![
            key.0 as i64,
            &parsed.structure[..],
            &parsed.envelope[..],
            &parsed.body[..],
            &parsed.bodystructure[..],
            parsed.sent_local_seconds,
            parsed.preview,
            parsed.thread.map(|thread| thread.0),
            None::<u32>
        ])?;
        return Ok(());
    };
    let mut sealer = RowSealer::new(root, "parsed", key);
    statement.execute(params![
        key.0 as i64,
        sealer.seal("structure", &parsed.structure),
        sealer.seal("envelope", &parsed.envelope),
        sealer.seal("body", &parsed.body),
        sealer.seal("bodystructure", &parsed.bodystructure),
        parsed.sent_local_seconds,
        parsed.preview.as_ref().map(|preview| sealer.seal("preview", preview.as_bytes())),
        parsed.thread.map(|thread| sealer.seal("thread", &thread.0)),
        data_key
    ])?;
    Ok(())
}
