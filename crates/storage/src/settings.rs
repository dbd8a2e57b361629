//! Small facts that the server keeps for itself, such as random keys made at first start.

use async_trait::async_trait;
use posthouse_model::Secret;

use crate::error::StorageError;

/// Longest value of a setting, in bytes.
pub const MAX_SETTING_BYTES: usize = 64 * 1024;

/// Settings at rest.
#[async_trait]
pub trait Settings: Send + Sync + 'static {
    /// The value under this name.
    async fn setting(&self, name: &str) -> Result<Option<Secret>, StorageError>;
    /// Keeps `value` under this name unless there is one, and returns the one that is there now.
    async fn setting_or_insert(&self, name: &str, value: Secret) -> Result<Secret, StorageError>;
    /// Keeps `value` under this name.
    async fn put_setting(&self, name: &str, value: Secret) -> Result<(), StorageError>;
}
