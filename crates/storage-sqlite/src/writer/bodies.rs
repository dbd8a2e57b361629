//! Bodies and the references to them.

use posthouse_storage::{Body, BodyKey, MIN_SHARED_BODY_BYTES, ParsedMessage, StorageError};
use rusqlite::{Connection, OptionalExtension, params};

use super::work::Work;
use crate::encryption::{KeyRing, Keys, RowSealer};
use crate::fault::Fault;

/// Which bodies are in the index of content: those from [`MIN_SHARED_BODY_BYTES`] on. Each entry of it lies anywhere, so that
/// each message changes a page of its own there.
const IS_SHARED: &str = "size_bytes >= 16384";

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
        let key = match self.appended.get(&body.id) {
            // It came with this batch, and another request has entered it.
            Some(location) => location.key(),
            // It was in the index when the batch began, and is only taken out when the batch ends.
            None => shared_body(self.connection, self.keys, body)?
                .ok_or_else(|| StorageError::Corrupt(format!("body {} is not in a segment", body.id)))?,
        };
        self.add_references(key, references)?;
        Ok(key)
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
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8) ON CONFLICT DO NOTHING";
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

/// The body of the index that has the octets of this one, if it is one that is looked for.
pub(super) fn shared_body(connection: &Connection, keys: &Keys, body: &Body) -> Result<Option<BodyKey>, Fault> {
    if body.size_bytes < MIN_SHARED_BODY_BYTES {
        return Ok(None);
    }
    let ids = keys.load().content_ids(body.id);
    let mut statement = connection.prepare_cached(&shared_body_query())?;
    let key: Option<i64> = statement.query_row(params![ids.current, ids.former], |row| row.get(0)).optional()?;
    Ok(key.map(|key| BodyKey(key as u64)))
}

fn shared_body_query() -> String {
    format!("SELECT key FROM body WHERE id IN (?1, ?2) AND {IS_SHARED}")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_bodies_are_found_by_the_index_of_content() {
        assert_eq!(IS_SHARED, format!("size_bytes >= {MIN_SHARED_BODY_BYTES}"));
        let directory = tempfile::tempdir().unwrap();
        let connection = crate::schema::open_writer(&directory.path().join("index.db")).unwrap();
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {}", shared_body_query())).unwrap();
        let plan: String = statement.query_row([[0; 32], [1; 32]], |row| row.get("detail")).unwrap();
        assert!(plan.contains("USING INDEX body_content (id=?)"), "{plan}");
    }
}
