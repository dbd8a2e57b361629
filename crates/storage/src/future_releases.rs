//! Mail that waits in the queue until its sender wants it to go (RFC 4865).

use async_trait::async_trait;
use posthouse_model::AccountId;

use crate::error::StorageError;

/// What waits for its release.
#[async_trait]
pub trait FutureReleases: Send + Sync + 'static {
    /// How many messages that an account handed in wait for their release, counted up to `limit`. The cost is that of
    /// what is counted.
    async fn awaiting_release(&self, submitter: AccountId, limit: usize) -> Result<usize, StorageError>;
}
