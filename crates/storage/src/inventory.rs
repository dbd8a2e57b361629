//! Who connects with what: so that somebody who wants to close an old door sees who still comes through it.

use async_trait::async_trait;
use posthouse_model::{AccountId, UnixMillis};

use crate::error::StorageError;

/// Most sightings of one account; where there is one more, the one that was seen longest ago goes.
pub const MAX_SIGHTINGS_PER_ACCOUNT: usize = 64;
/// Most sightings of hosts that did not sign in; where there is one more, the one that was seen longest ago goes.
pub const MAX_SIGHTINGS_OF_PEERS: usize = 5_000;
/// Most sightings that are added at once.
pub const MAX_SIGHTINGS_AT_ONCE: usize = 10_000;
/// Longest text of a sighting, in octets; longer ones are refused.
pub const MAX_SIGHTING_TEXT_BYTES: usize = 128;

/// What one way of connecting has in common. A text that is empty says that there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SightingKey {
    /// Who signed in; `None` for a host that handed in mail without.
    pub account: Option<AccountId>,
    /// Whose host that was, by the name it gave: the domain, not the host. Empty where somebody signed in.
    pub peer: String,
    /// The listener's name.
    pub listener: String,
    /// The port of ours.
    pub port: u16,
    /// Such as `TLS1.3`; empty in clear.
    pub tls_version: String,
    /// The suite's IANA name.
    pub cipher_suite: String,
    /// The SASL mechanism.
    pub mechanism: String,
    /// The label of the credential that was signed in with; empty for none.
    pub credential: String,
    /// What the client calls itself (EHLO, ID).
    pub client: String,
}

impl SightingKey {
    /// Whether every text is within the limit.
    ///
    /// # Errors
    /// When one is not.
    pub fn check(&self) -> Result<(), StorageError> {
        let Self { peer, listener, tls_version, cipher_suite, mechanism, credential, client, .. } = self;
        let texts = [peer, listener, tls_version, cipher_suite, mechanism, credential, client];
        match texts.iter().all(|text| text.len() <= MAX_SIGHTING_TEXT_BYTES) {
            true => Ok(()),
            false => Err(StorageError::Limit { what: "octets in a sighting", limit: MAX_SIGHTING_TEXT_BYTES as u64 }),
        }
    }
}

/// A way of connecting that was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// Which.
    pub key: SightingKey,
    /// When it was seen first.
    pub first_at: UnixMillis,
    /// When it was seen last.
    pub last_at: UnixMillis,
    /// How many connections.
    pub connections: u64,
}

/// Which sightings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SightingFilter {
    /// Of this account.
    pub account: Option<AccountId>,
    /// At this listener.
    pub listener: Option<String>,
    /// At this port.
    pub port: Option<u16>,
    /// With this version of TLS; empty for none.
    pub tls_version: Option<String>,
    /// With this mechanism.
    pub mechanism: Option<String>,
    /// Seen last at this time or later.
    pub since: Option<UnixMillis>,
}

impl SightingFilter {
    /// Whether a sighting is meant.
    pub fn matches(&self, sighting: &Sighting) -> bool {
        let SightingKey { account, listener, port, tls_version, mechanism, .. } = &sighting.key;
        self.account.is_none_or(|wanted| *account == Some(wanted))
            && self.listener.as_ref().is_none_or(|wanted| listener == wanted)
            && self.port.is_none_or(|wanted| *port == wanted)
            && self.tls_version.as_ref().is_none_or(|wanted| tls_version == wanted)
            && self.mechanism.as_ref().is_none_or(|wanted| mechanism == wanted)
            && self.since.is_none_or(|since| sighting.last_at >= since)
    }
}

/// The inventory at rest.
#[async_trait]
pub trait Inventory: Send + Sync + 'static {
    /// Adds sightings to those of the same key, in one transaction; those of accounts that are not there are left out. At
    /// most [`MAX_SIGHTINGS_AT_ONCE`].
    async fn add_sightings(&self, sightings: Vec<Sighting>) -> Result<(), StorageError>;
    /// Sightings that match, those seen last first, at most `limit`. The cost is that of all there are.
    async fn sightings(&self, filter: &SightingFilter, limit: usize) -> Result<Vec<Sighting>, StorageError>;
    /// Forgets what was not seen since `before`. Gives how many they were.
    async fn forget_sightings(&self, before: UnixMillis) -> Result<u64, StorageError>;
}

/// Whether sightings are within the limits.
///
/// # Errors
/// When there are too many at once, or one is too long.
pub fn check_sightings(sightings: &[Sighting]) -> Result<(), StorageError> {
    if sightings.len() > MAX_SIGHTINGS_AT_ONCE {
        return Err(StorageError::Limit { what: "sightings at once", limit: MAX_SIGHTINGS_AT_ONCE as u64 });
    }
    sightings.iter().try_for_each(|sighting| sighting.key.check())
}
