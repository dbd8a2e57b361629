//! What sorting and threading ask of messages, kept apart from the rest that is known about them, so that a million of
//! them are read without reading everything else.

use async_trait::async_trait;
use bytes::Bytes;

use crate::error::StorageError;
use crate::mail::BodyKey;

/// What was worked out for sorting when messages came in ([`ParsedMessage::sort_keys`](crate::ParsedMessage)).
#[async_trait]
pub trait SortKeys: Send + Sync + 'static {
    /// The sort keys of these bodies, in the order asked for: opaque, as they were delivered. `None` for a body that
    /// was stored without any, by a release that did not make them, and for one that is gone.
    async fn sort_keys(&self, bodies: &[BodyKey]) -> Result<Vec<Option<Bytes>>, StorageError>;
}
