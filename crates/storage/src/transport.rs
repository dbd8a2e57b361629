//! What is remembered of other domains' transport security: their MTA-STS policies, how deliveries to them went, and
//! what the reports to them are made of.

use async_trait::async_trait;
use posthouse_model::{Domain, UnixMillis};

use crate::error::StorageError;

/// Most MTA-STS policies that are kept; where there is one more, the one that ends first goes.
pub const MAX_STS_POLICIES: usize = 100_000;
/// Longest text of an MTA-STS policy, in octets (RFC 8461 §3.3 suggests 64 KiB).
pub const MAX_STS_POLICY_BYTES: usize = 64 * 1024;
/// Most counts that are added at once, and most that one day has.
pub const MAX_TLS_COUNTS: usize = 50_000;

/// An MTA-STS policy as it was fetched (RFC 8461 §3.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StsRecord {
    /// Whose it is.
    pub domain: Domain,
    /// The id under which DNS announced it.
    pub id: String,
    /// Its text.
    pub policy: String,
    /// When it was fetched.
    pub fetched_at: UnixMillis,
    /// Until when it counts.
    pub expires_at: UnixMillis,
}

/// How deliveries to a domain went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsHistory {
    /// To which.
    pub domain: Domain,
    /// Deliveries in clear.
    pub clear: u64,
    /// Deliveries inside TLS, by whatever certificate.
    pub encrypted: u64,
    /// Deliveries inside TLS to a host that proved its name.
    pub verified: u64,
    /// How many in a row, up to the last one, were verified.
    pub streak: u64,
    /// When the first of them was.
    pub streak_since: UnixMillis,
    /// When the last delivery was.
    pub last_at: UnixMillis,
}

impl TlsHistory {
    /// Adds later deliveries, which begin a row of their own where `breaks` says so.
    pub fn add(&mut self, later: &TlsHistoryDelta) {
        self.clear += later.clear;
        self.encrypted += later.encrypted;
        self.verified += later.verified;
        match later.breaks || self.streak == 0 {
            true => (self.streak, self.streak_since) = (later.streak, later.streak_since),
            false => self.streak += later.streak,
        }
        self.last_at = later.last_at;
    }
}

/// What is to be added to a domain's [`TlsHistory`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsHistoryDelta {
    /// To which domain.
    pub domain: Domain,
    /// Deliveries in clear.
    pub clear: u64,
    /// Deliveries inside TLS, by whatever certificate.
    pub encrypted: u64,
    /// Deliveries inside TLS to a host that proved its name.
    pub verified: u64,
    /// Whether one of them was not verified.
    pub breaks: bool,
    /// How many after that, or of all, were.
    pub streak: u64,
    /// When the first of these was.
    pub streak_since: UnixMillis,
    /// When the last delivery was.
    pub last_at: UnixMillis,
}

impl From<&TlsHistoryDelta> for TlsHistory {
    fn from(first: &TlsHistoryDelta) -> Self {
        Self {
            domain: first.domain.clone(),
            clear: first.clear,
            encrypted: first.encrypted,
            verified: first.verified,
            streak: first.streak,
            streak_since: first.streak_since,
            last_at: first.last_at,
        }
    }
}

/// Of what sessions are counted (RFC 8460 §4.1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TlsCountKey {
    /// The day in UTC, counted from 1970-01-01.
    pub day: u32,
    /// The domain whose mail it was.
    pub domain: Domain,
    /// `tlsa`, `sts` or `no-policy-found`.
    pub policy_type: String,
    /// The policy's lines, separated by LF.
    pub policy: String,
    /// The host that DNS named.
    pub mx_host: String,
    /// Its address.
    pub receiving_ip: String,
    /// What failed, in the words of RFC 8460 §4.3; empty for sessions that succeeded.
    pub result: String,
    /// More about that, in our words.
    pub detail: String,
}

/// Other domains' transport security, at rest.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// The policy that is kept of a domain.
    async fn sts_policy(&self, domain: &Domain) -> Result<Option<StsRecord>, StorageError>;

    /// Keeps a policy in place of the one that was there.
    async fn put_sts_policy(&self, record: StsRecord) -> Result<(), StorageError>;

    /// Forgets the policy of a domain.
    async fn forget_sts_policy(&self, domain: &Domain) -> Result<(), StorageError>;

    /// Policies by domain, at most `limit`, those after `after`.
    async fn sts_policies(&self, after: Option<&Domain>, limit: usize) -> Result<Vec<StsRecord>, StorageError>;

    /// How deliveries to a domain went.
    async fn tls_history(&self, domain: &Domain) -> Result<Option<TlsHistory>, StorageError>;

    /// The same of all domains, by domain, at most `limit`, those after `after`.
    async fn tls_histories(&self, after: Option<&Domain>, limit: usize) -> Result<Vec<TlsHistory>, StorageError>;

    /// Adds to histories and counts, in one transaction. At most [`MAX_TLS_COUNTS`] of each; what a day has no room for
    /// is left out.
    async fn add_tls_outcomes(
        &self,
        histories: Vec<TlsHistoryDelta>,
        counts: Vec<(TlsCountKey, u64)>,
    ) -> Result<(), StorageError>;

    /// The counts of one day, by domain.
    async fn tls_counts(&self, day: u32) -> Result<Vec<(TlsCountKey, u64)>, StorageError>;

    /// Forgets the counts of the days before `day`.
    async fn forget_tls_counts(&self, before: u32) -> Result<(), StorageError>;
}

/// Whether a policy is within the limits.
///
/// # Errors
/// When its text is too long.
pub fn check_sts_policy(record: &StsRecord) -> Result<(), StorageError> {
    if record.policy.len() > MAX_STS_POLICY_BYTES {
        return Err(StorageError::Limit { what: "octets in a policy", limit: MAX_STS_POLICY_BYTES as u64 });
    }
    Ok(())
}

/// Whether outcomes are within the limits.
///
/// # Errors
/// When there are too many at once.
pub fn check_tls_outcomes(histories: usize, counts: usize) -> Result<(), StorageError> {
    if histories.max(counts) > MAX_TLS_COUNTS {
        return Err(StorageError::Limit { what: "counts at once", limit: MAX_TLS_COUNTS as u64 });
    }
    Ok(())
}
