//! Passwords that were: so that they are not used again, and so that somebody sees how old the present ones are.

use async_trait::async_trait;
use posthouse_model::{AccountId, Secret, UnixMillis};

use crate::directory::Credential;
use crate::error::StorageError;

/// Most earlier passwords that are kept of one account: each costs a hash when a new one is chosen.
pub const MAX_EARLIER_PASSWORDS: usize = 12;

/// What is kept of a password that was replaced: enough to recognise it, and nothing to sign in with.
#[derive(Clone, Debug)]
pub struct EarlierPassword {
    /// Argon2id, in PHC string format.
    pub argon2: Secret,
    /// When it had been set.
    pub changed_at: UnixMillis,
}

/// Passwords that were.
#[async_trait]
pub trait PasswordHistory: Send + Sync + 'static {
    /// Sets how an account signs in, and keeps what its password was: of the passwords that were replaced this way
    /// the newest `keep` stay, at most [`MAX_EARLIER_PASSWORDS`], and older ones are forgotten, in one transaction.
    async fn replace_credential(&self, id: AccountId, credential: Credential, keep: usize) -> Result<(), StorageError>;

    /// The passwords of an account that were replaced, the newest first, at most `limit`.
    async fn earlier_passwords(&self, id: AccountId, limit: usize) -> Result<Vec<EarlierPassword>, StorageError>;

    /// When each account's password was set, by account; those that have none are left out.
    async fn password_ages(&self) -> Result<Vec<(AccountId, UnixMillis)>, StorageError>;
}
