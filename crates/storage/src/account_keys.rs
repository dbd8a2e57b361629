//! Keys of accounts at rest: secrets besides the password, each made by the server for one program and revoked alone
//! (AUTH-6). What they open is the business of `identity`.

use std::fmt;

use async_trait::async_trait;
use posthouse_model::{AccountId, KeyId, Secret, UnixMillis};

use crate::error::StorageError;

/// Most keys of one account: a sign-in compares with all of them.
pub const MAX_KEYS_PER_ACCOUNT: usize = 32;
/// Longest label of a key, in octets.
pub const MAX_KEY_LABEL_BYTES: usize = 32;

/// What somebody can sign in to with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyService {
    /// Handing in mail.
    Submission,
    /// IMAP.
    Imap,
    /// POP3.
    Pop3,
}

impl KeyService {
    /// All of them, in the order of their codes.
    pub const EACH: [Self; 3] = [Self::Submission, Self::Imap, Self::Pop3];

    /// The word under which it is printed and read.
    pub fn name(self) -> &'static str {
        match self {
            Self::Submission => "submission",
            Self::Imap => "imap",
            Self::Pop3 => "pop3",
        }
    }

    /// Reads [`Self::name`].
    pub fn from_name(name: &str) -> Option<Self> {
        Self::EACH.into_iter().find(|service| service.name() == name)
    }

    /// Its number in a store; it never changes.
    pub fn code(self) -> u8 {
        match self {
            Self::Submission => 0,
            Self::Imap => 1,
            Self::Pop3 => 2,
        }
    }

    /// Reads [`Self::code`].
    pub fn from_code(code: u8) -> Option<Self> {
        Self::EACH.into_iter().find(|service| service.code() == code)
    }
}

impl fmt::Display for KeyService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyServices(u8);

impl KeyServices {
    /// Every one.
    pub const ALL: Self = Self(0b111);

    /// These; none of them is a set, too, but no key can have it.
    pub fn of(services: &[KeyService]) -> Self {
        Self(services.iter().fold(0, |bits, service| bits | 1 << service.code()))
    }

    /// Whether it is among them.
    pub fn has(self, service: KeyService) -> bool {
        self.0 & (1 << service.code()) != 0
    }

    /// Each of them.
    pub fn each(self) -> impl Iterator<Item = KeyService> {
        KeyService::EACH.into_iter().filter(move |service| self.has(*service))
    }

    /// As bits, by [`KeyService::code`].
    pub fn bits(self) -> u8 {
        self.0
    }

    /// Reads [`Self::bits`]; `None` if there is a bit that means nothing, or none at all.
    pub fn from_bits(bits: u8) -> Option<Self> {
        (bits != 0 && bits & !Self::ALL.0 == 0).then_some(Self(bits))
    }
}

/// What is kept of a key's secret: nothing from which it could be read.
#[derive(Clone, Debug)]
pub struct KeyProof {
    /// A keyed digest of it.
    pub digest: Secret,
    /// SCRAM-SHA-256 verifier, as `sasl` encodes it.
    pub scram_sha_256: Secret,
    /// SCRAM-SHA-1 verifier, as `sasl` encodes it.
    pub scram_sha_1: Secret,
    /// CRAM-MD5 state, where the administrator allows that mechanism.
    pub cram_md5: Option<Secret>,
}

/// When and for what a key was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUse {
    /// When.
    pub at: UnixMillis,
    /// To sign in to what.
    pub service: KeyService,
}

/// A key.
#[derive(Clone, Debug)]
pub struct AccountKey {
    /// Its number.
    pub id: KeyId,
    /// Whose it is.
    pub account: AccountId,
    /// What it is called, unique within the account; at most [`MAX_KEY_LABEL_BYTES`].
    pub label: String,
    /// What it can be used for.
    pub services: KeyServices,
    /// When it was made.
    pub created_at: UnixMillis,
    /// From when on it is good for nothing; `None` for never.
    pub expires_at: Option<UnixMillis>,
    /// When it was used last, as far as it was noted.
    pub last_use: Option<KeyUse>,
    /// What is kept of its secret.
    pub proof: KeyProof,
}

/// A key to make.
#[derive(Clone, Debug)]
pub struct NewAccountKey {
    /// See [`AccountKey::account`].
    pub account: AccountId,
    /// See [`AccountKey::label`].
    pub label: String,
    /// See [`AccountKey::services`].
    pub services: KeyServices,
    /// See [`AccountKey::created_at`].
    pub created_at: UnixMillis,
    /// See [`AccountKey::expires_at`].
    pub expires_at: Option<UnixMillis>,
    /// See [`AccountKey::proof`].
    pub proof: KeyProof,
}

/// What an account can sign in with besides its password.
#[derive(Clone, Debug, Default)]
pub struct AccountKeyRing {
    /// Whether the password itself is good for none of the [`KeyService`]s.
    pub password_barred: bool,
    /// The keys, by label.
    pub keys: Vec<AccountKey>,
}

/// Keys at rest. What changes what somebody can sign in with is told to observers as a change of the directory.
#[async_trait]
pub trait AccountKeys: Send + Sync + 'static {
    /// Makes a key. [`StorageError::AlreadyExists`] if the account has one of the label, [`StorageError::Limit`] if it has
    /// too many.
    async fn add_account_key(&self, key: NewAccountKey) -> Result<AccountKey, StorageError>;
    /// Removes a key, with what was counted and set for it; gives its number.
    async fn remove_account_key(&self, account: AccountId, label: &str) -> Result<KeyId, StorageError>;
    /// What an account has; nothing if it is not there.
    async fn account_keys(&self, account: AccountId) -> Result<AccountKeyRing, StorageError>;
    /// Whose key it is, and what it is called.
    async fn key_owner(&self, key: KeyId) -> Result<Option<(AccountId, String)>, StorageError>;
    /// Notes that a key was used; the latest use stays. One that is gone is passed over.
    async fn note_key_use(&self, key: KeyId, used: KeyUse) -> Result<(), StorageError>;
    /// Says whether the password of an account is good for mail.
    async fn bar_password(&self, account: AccountId, barred: bool) -> Result<(), StorageError>;
}

/// Whether a key can be kept.
///
/// # Errors
/// When its label is empty or too long.
pub fn check_new_key(key: &NewAccountKey) -> Result<(), StorageError> {
    match key.label.len() {
        1..=MAX_KEY_LABEL_BYTES => Ok(()),
        _ => Err(StorageError::Limit {
            what: "octets of the label of a credential, and one at least",
            limit: MAX_KEY_LABEL_BYTES as u64,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_have_names_and_codes() {
        for service in KeyService::EACH {
            assert_eq!(KeyService::from_name(service.name()), Some(service));
            assert_eq!(KeyService::from_code(service.code()), Some(service));
        }
        assert_eq!((KeyService::from_name("http"), KeyService::from_code(3)), (None, None));
    }

    #[test]
    fn sets_of_services_are_read_as_written() {
        assert_eq!(KeyServices::of(&KeyService::EACH), KeyServices::ALL);
        let mail = KeyServices::of(&[KeyService::Pop3, KeyService::Imap]);
        assert_eq!(mail.each().collect::<Vec<_>>(), [KeyService::Imap, KeyService::Pop3]);
        assert_eq!(KeyServices::from_bits(mail.bits()), Some(mail));
        assert_eq!((KeyServices::from_bits(0), KeyServices::from_bits(8)), (None, None));
    }
}
