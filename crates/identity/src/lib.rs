//! Domains, accounts and credentials: who somebody is, and what that lets them do.
//!
//! Everything that touches a mailbox wants a [`Permit`], a [`MailboxPermit`] or a [`DeliveryPermit`], and only this
//! crate makes them. So
//! "who may do what" is an argument that the compiler checks.
//!
//! The crate never talks to a network. Passwords are hashed on threads of their own ([`hashing`]), of which there
//! are few, so that a flood of sign-ins cannot take the processors from mail; and a password verified a moment
//! ago is recognised by a keyed digest in memory ([`remembered`]).

mod access;
mod access_list;
mod account_keys;
mod accounts;
mod certificate;
mod credential;
mod directory_cache;
mod error;
pub mod hashing;
mod key_cache;
mod login;
mod login_name;
mod migration;
mod own_mailboxes;
mod password;
mod permit;
mod recipient;
mod recovery;
pub mod remembered;
mod sender;
mod sharing;
mod stay;

#[cfg(test)]
mod tests;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use posthouse_model::Secret;
use posthouse_storage::{Storage, StorageError};

pub use access::{AccessControl, AccessRefusal, MailboxPermit};
pub use access_list::{AccessListError, GrantableRights};
pub use account_keys::{KeyDraft, KeyRefusal, key_label};
pub use accounts::{AccountDraft, STANDARD_MAILBOXES};
pub use error::{AccountError, LoginRefusal};
pub use hashing::{HashCost, HashingThreads};
pub use login::{Checked, LoginScope, Proof, Service};
pub use password::{PasswordPolicy, PasswordWeakness, random_password};
pub use permit::{DeliveryPermit, HeldKey, Means, Permit, RecoveryPermit};
pub use recipient::RecipientLookup;
pub use remembered::RememberedPasswords;
pub use sharing::SharingError;

/// Name of the setting that holds the key from which decoys for unknown users are made.
const DECOY_KEY_SETTING: &str = "identity.decoy-key";
const DECOY_KEY_BYTES: usize = 32;
/// Name of the setting that holds the key under which secrets of keys are digested.
const DIGEST_KEY_SETTING: &str = "identity.digest-key";
const DIGEST_KEY_BYTES: usize = 32;

/// How `identity` is to behave.
#[derive(Clone, Debug)]
pub struct IdentityOptions {
    /// What a new password has to be like.
    pub password_policy: PasswordPolicy,
    /// What hashing a password costs.
    pub hash_cost: HashCost,
    /// Threads that hash passwords.
    pub hashing_threads: usize,
    /// Sign-ins that may wait for such a thread; past it, the answer is "try again later".
    pub hashing_queue: usize,
    /// How long a verified password is recognised without hashing.
    pub remember_for: Duration,
    /// How many verified passwords are remembered at most.
    pub remember_at_most: usize,
    /// SCRAM's iteration count for new passwords (RFC 7677 §4 asks for 4096 at least).
    pub scram_iterations: NonZeroU32,
    /// Whether new passwords get a CRAM-MD5 state, too.
    pub keep_cram_md5: bool,
}

impl Default for IdentityOptions {
    fn default() -> Self {
        Self {
            password_policy: PasswordPolicy::default(),
            hash_cost: HashCost::default(),
            hashing_threads: std::thread::available_parallelism().map_or(1, |n| n.get().div_ceil(2)),
            hashing_queue: 256,
            remember_for: Duration::from_secs(15 * 60),
            remember_at_most: 100_000,
            scram_iterations: posthouse_sasl::scram::DEFAULT_ITERATIONS,
            keep_cram_md5: false,
        }
    }
}

/// The directory with its meaning.
pub struct Identity {
    store: Arc<dyn Storage>,
    access: AccessControl,
    directory: directory_cache::DirectoryCache,
    keys: key_cache::KeyCache,
    key_digests: account_keys::DigestKey,
    options: IdentityOptions,
    hashing: HashingThreads,
    remembered: RememberedPasswords,
    decoy_key: Secret,
    decoy_hash: Secret,
}

impl Identity {
    /// Opens the directory that `store` keeps; makes what a first start needs.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn open(store: Arc<dyn Storage>, options: IdentityOptions) -> Result<Self, StorageError> {
        let fresh = Secret::new(credential::random::<DECOY_KEY_BYTES>());
        let decoy_key = store.setting_or_insert(DECOY_KEY_SETTING, fresh).await?;
        let fresh = Secret::new(credential::random::<DIGEST_KEY_BYTES>());
        let digest_key = store.setting_or_insert(DIGEST_KEY_SETTING, fresh).await?;
        let decoy_hash = options.hash_cost.hash(&Secret::new(credential::random::<DECOY_KEY_BYTES>()));
        Ok(Self {
            hashing: HashingThreads::start(options.hashing_threads, options.hashing_queue),
            remembered: RememberedPasswords::new(options.remember_for, options.remember_at_most),
            access: AccessControl::new(Arc::clone(&store)),
            directory: directory_cache::DirectoryCache::new(Arc::clone(&store)),
            keys: key_cache::KeyCache::new(Arc::clone(&store)),
            key_digests: account_keys::DigestKey::new(&digest_key),
            store,
            options,
            decoy_key,
            decoy_hash,
        })
    }

    /// What a password has to be like.
    pub fn password_policy(&self) -> &PasswordPolicy {
        &self.options.password_policy
    }

    /// The store below, for rooms that hold a permit and want to use it.
    pub fn store(&self) -> &Arc<dyn Storage> {
        &self.store
    }
}
