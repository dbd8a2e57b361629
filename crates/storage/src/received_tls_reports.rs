//! Reports about TLS towards our own domains that others sent (RFC 8460), and what they add up to.

use async_trait::async_trait;
use posthouse_model::{Domain, UnixMillis};

use crate::error::StorageError;

/// Most reports that are kept; where there is one more, the oldest goes.
pub const MAX_RECEIVED_TLS_REPORTS: usize = 10_000;
/// Most octets of text that all of them have together; where there are more, the oldest go.
pub const MAX_RECEIVED_TLS_REPORT_BYTES: u64 = 256 * 1024 * 1024;
/// Longest text of one report, in octets. Whoever keeps longer ones leaves details out.
pub const MAX_TLS_REPORT_BYTES: usize = 64 * 1024;
/// Most reports that are kept of what one source sends in a day of UTC. Large senders send one a day for each domain,
/// and for each of their own clusters.
pub const MAX_TLS_REPORTS_OF_SOURCE_A_DAY: usize = 200;
/// Most sessions that a report can count; nobody has more, and sums of so many stay within 64 bits.
pub const MAX_REPORTED_SESSIONS: u64 = 1_000_000_000_000;
/// Most sums of days that are given at once.
pub const MAX_TLS_REPORT_DAYS: usize = 10_000;
/// Milliseconds of a day.
pub const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// What there is to say of a report without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsReportHeading {
    /// Who says that it is theirs.
    pub organization: String,
    /// What they call it.
    pub report_id: String,
    /// Who answers for it: the domain that signed the mail, or the address that it was posted from.
    pub source: String,
    /// The domain of ours that it is about.
    pub domain: Domain,
    /// When it came.
    pub received_at: UnixMillis,
    /// The first moment that it is about.
    pub from: UnixMillis,
    /// The last one.
    pub until: UnixMillis,
    /// Sessions that succeeded.
    pub successes: u64,
    /// Sessions that failed.
    pub failures: u64,
}

/// A report, or what of it is about one domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedTlsReport {
    /// What there is to say of it.
    pub heading: TlsReportHeading,
    /// All of it, as JSON.
    pub text: String,
}

/// What became of a report that was to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsReportKept {
    /// It is kept.
    Kept,
    /// It was there already, by the same organization, id and domain.
    Known,
    /// Its source has sent as many as are kept of one in a day.
    TooMany,
}

/// Which reports are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsReportFilter {
    /// About this domain.
    pub domain: Option<Domain>,
    /// About times that begin then, or later.
    pub since: Option<UnixMillis>,
    /// That came before the one with this number.
    pub before: Option<u64>,
}

/// What the reports about one day of a domain add up to. A report belongs to the day in UTC on which it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsReportDay {
    /// The domain.
    pub domain: Domain,
    /// The day in UTC, counted from 1970-01-01.
    pub day: u32,
    /// How many reports there are.
    pub reports: u64,
    /// Sessions that succeeded.
    pub successes: u64,
    /// Sessions that failed.
    pub failures: u64,
}

/// What others report about TLS towards us, at rest.
#[async_trait]
pub trait ReceivedTlsReports: Send + Sync + 'static {
    /// Keeps a report, once.
    async fn keep_tls_report(&self, report: ReceivedTlsReport) -> Result<TlsReportKept, StorageError>;

    /// The newest reports first, each with its number; at most `limit`.
    async fn tls_reports(
        &self,
        filter: &TlsReportFilter,
        limit: usize,
    ) -> Result<Vec<(u64, TlsReportHeading)>, StorageError>;

    /// The report with this number.
    async fn tls_report(&self, number: u64) -> Result<Option<ReceivedTlsReport>, StorageError>;

    /// What reports about days from `first` on add up to, by domain and day; those of one domain, or of all. At most
    /// [`MAX_TLS_REPORT_DAYS`].
    async fn tls_report_days(&self, domain: Option<&Domain>, first: u32) -> Result<Vec<TlsReportDay>, StorageError>;

    /// Forgets what came before then.
    async fn forget_tls_reports(&self, before: UnixMillis) -> Result<(), StorageError>;
}

/// Whether a report is within the limits.
///
/// # Errors
/// When its text is too long, or it counts too many sessions.
pub fn check_tls_report(report: &ReceivedTlsReport) -> Result<(), StorageError> {
    if report.text.len() > MAX_TLS_REPORT_BYTES {
        return Err(StorageError::Limit { what: "octets in a report", limit: MAX_TLS_REPORT_BYTES as u64 });
    }
    if report.heading.successes.max(report.heading.failures) > MAX_REPORTED_SESSIONS {
        return Err(StorageError::Limit { what: "sessions in a report", limit: MAX_REPORTED_SESSIONS });
    }
    Ok(())
}

/// The day in UTC that a moment is in, counted from 1970-01-01; 0 for moments before.
pub fn utc_day(moment: UnixMillis) -> u32 {
    u32::try_from(moment.0.div_euclid(DAY_MS)).unwrap_or(0)
}
