//! The beginnings of messages in memory.

use async_trait::async_trait;

use super::MemoryStorage;
use crate::beginnings::{Beginning, Beginnings, Extent, Header, HeaderEnd, MAX_HEADER_BYTES};
use crate::error::StorageError;
use crate::mail::{BodyKey, BodySlice};

#[async_trait]
impl Beginnings for MemoryStorage {
    async fn beginnings(&self, bodies: &[BodyKey], extent: Extent) -> Result<Vec<Option<Beginning>>, StorageError> {
        let state = self.state()?;
        let beginning = |&body: &BodyKey| {
            let parsed = state.bodies.parsed(body).ok()?;
            let octets = state.bodies.read(&BodySlice { body, range: 0..extent(&parsed.structure) }).ok()?;
            let (sent_local_seconds, thread) = (parsed.sent_local_seconds, parsed.thread);
            Some(Beginning { structure: parsed.structure, sent_local_seconds, thread, octets })
        };
        Ok(bodies.iter().map(beginning).collect())
    }

    async fn headers(&self, bodies: &[BodyKey], end: HeaderEnd) -> Result<Vec<Header>, StorageError> {
        let state = self.state()?;
        let header = |&body: &BodyKey| {
            let Ok(octets) = state.bodies.read(&BodySlice { body, range: 0..MAX_HEADER_BYTES }) else {
                return Header::Gone;
            };
            let is_whole = (octets.len() as u64) < MAX_HEADER_BYTES;
            end(&octets, is_whole).map_or(Header::Long, |end| Header::Whole(octets.slice(..end)))
        };
        Ok(bodies.iter().map(header).collect())
    }

    async fn sent(&self, bodies: &[BodyKey]) -> Result<Vec<Option<i64>>, StorageError> {
        let state = self.state()?;
        Ok(bodies.iter().map(|&body| state.bodies.parsed(body).ok()?.sent_local_seconds).collect())
    }
}
