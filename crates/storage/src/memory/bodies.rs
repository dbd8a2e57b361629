//! Bodies, each once, with the number of those that refer to it.

use std::collections::{BTreeMap, HashMap};
use std::fs;

use bytes::{Bytes, BytesMut};
use posthouse_model::BlobId;

use crate::error::{Named, StorageError};
use crate::mail::{Body, BodyContent, BodyKey, BodySlice, ParsedMessage};

struct Stored {
    id: BlobId,
    octets: Bytes,
    parsed: ParsedMessage,
    references: u64,
}

#[derive(Default)]
pub(super) struct Bodies {
    by_key: BTreeMap<BodyKey, Stored>,
    by_id: HashMap<BlobId, BodyKey>,
    last_key: u64,
}

impl Bodies {
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// The key of a body with `references` more references than before. One without any is not kept.
    pub fn keep(&mut self, id: BlobId, octets: Bytes, parsed: ParsedMessage, references: u64) -> BodyKey {
        if let Some(&key) = self.by_id.get(&id) {
            self.refer(key, references);
            return key;
        }
        self.last_key += 1;
        let key = BodyKey(self.last_key);
        if references > 0 {
            self.by_id.insert(id, key);
            self.by_key.insert(key, Stored { id, octets, parsed, references });
        }
        key
    }

    /// Whether something refers to this body.
    pub fn has(&self, key: BodyKey) -> bool {
        self.by_key.contains_key(&key)
    }

    /// Adds references to a body that is there.
    pub fn refer(&mut self, key: BodyKey, references: u64) {
        if let Some(stored) = self.by_key.get_mut(&key) {
            stored.references += references;
        }
    }

    /// Takes one reference away, and the body with the last.
    pub fn release(&mut self, key: BodyKey) {
        let Some(stored) = self.by_key.get_mut(&key) else { return };
        stored.references -= 1;
        if stored.references == 0 {
            let id = stored.id;
            self.by_key.remove(&key);
            self.by_id.remove(&id);
        }
    }

    /// Forgets the octets of all bodies.
    pub fn lose_octets(&mut self) {
        self.by_key.values_mut().for_each(|stored| stored.octets = Bytes::new());
    }

    pub fn parsed(&self, key: BodyKey) -> Result<ParsedMessage, StorageError> {
        self.by_key
            .get(&key)
            .map(|stored| ParsedMessage { sort_keys: Bytes::new(), ..stored.parsed.clone() })
            .ok_or(StorageError::NotFound(Named::Body))
    }

    pub fn sort_keys(&self, key: BodyKey) -> Option<Bytes> {
        self.by_key.get(&key).map(|stored| stored.parsed.sort_keys.clone()).filter(|keys| !keys.is_empty())
    }

    pub fn read(&self, slice: &BodySlice) -> Result<Bytes, StorageError> {
        let stored = self.by_key.get(&slice.body).ok_or(StorageError::NotFound(Named::Body))?;
        let length = stored.octets.len() as u64;
        let end = slice.range.end.min(length);
        let start = slice.range.start.min(end);
        Ok(stored.octets.slice(start as usize..end as usize))
    }
}

/// The octets of a body that is to be stored. They have to be those that were hashed.
pub(super) fn gather(body: &Body) -> Result<Bytes, StorageError> {
    let mut octets = BytesMut::new();
    match &body.content {
        BodyContent::Memory(pieces) => pieces.iter().for_each(|piece| octets.extend_from_slice(piece)),
        BodyContent::File(pieces, path) => {
            pieces.iter().for_each(|piece| octets.extend_from_slice(piece));
            let rest =
                fs::read(path).map_err(|error| StorageError::Unavailable(format!("{}: {error}", path.display())))?;
            octets.extend_from_slice(&rest);
        }
        BodyContent::Source(source) => {
            let mut rest = Vec::new();
            let read = source.open().and_then(|mut reader| reader.read_to_end(&mut rest));
            read.map_err(|error| StorageError::Unavailable(error.to_string()))?;
            octets.extend_from_slice(&rest);
        }
    }
    let is_whole = octets.len() as u64 == body.size_bytes && blake3::hash(&octets).as_bytes() == &body.id.0;
    if !is_whole {
        return Err(StorageError::Corrupt("a body is not what was hashed".to_owned()));
    }
    Ok(octets.freeze())
}
