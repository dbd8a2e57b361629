//! Whether what others report about TLS towards us has become worse.

use posthouse_model::{Domain, UnixMillis};
use posthouse_storage::received_tls_reports::{DAY_MS, utc_day};
use posthouse_storage::{StorageError, TlsReportDay};

use crate::Flow;
use crate::alerts::TLS_FAILURES_REPORTED;
use crate::tls_report_evidence::TlsFailureEvidence;

/// The days that are looked at: today, of which there are few reports yet, and so many before.
const RECENT_DAYS: u32 = 2;
/// The days before those, to which they are compared.
const EARLIER_DAYS: u32 = 14;
/// With fewer failures than this there is nothing to say.
const LEAST_FAILURES: u64 = 10;
/// The least part of the sessions that has to fail, in percent.
const LEAST_PERCENT: u64 = 5;
/// How many times the part that failed before.
const TIMES_EARLIER: u64 = 3;
/// Pieces of evidence that are told.
const TOLD: usize = 3;

/// Sessions that succeeded, and that failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sessions {
    good: u64,
    bad: u64,
}

impl Sessions {
    fn of<'a>(days: impl Iterator<Item = &'a TlsReportDay>) -> Self {
        days.fold(Self::default(), |sum, day| Self {
            good: sum.good.saturating_add(day.successes),
            bad: sum.bad.saturating_add(day.failures),
        })
    }

    fn all(self) -> u64 {
        self.good.saturating_add(self.bad)
    }

    /// Whether so many times the part that failed of the others failed of these.
    fn are_worse_than(self, earlier: Self, times: u64) -> bool {
        u128::from(self.bad) * u128::from(earlier.all())
            >= u128::from(times) * u128::from(earlier.bad) * u128::from(self.all())
    }
}

/// The latest sessions and those before, where the latest are worth an alert.
fn worse(days: &[TlsReportDay], today: u32) -> Option<(Sessions, Sessions)> {
    let border = today.saturating_sub(RECENT_DAYS);
    let recent = Sessions::of(days.iter().filter(|day| day.day >= border && day.day <= today));
    let earlier = Sessions::of(days.iter().filter(|day| day.day < border));
    let is_much = recent.bad >= LEAST_FAILURES
        && u128::from(recent.bad) * 100 >= u128::from(recent.all()) * u128::from(LEAST_PERCENT);
    (is_much && recent.are_worse_than(earlier, TIMES_EARLIER)).then_some((recent, earlier))
}

impl Flow {
    /// Looks at what is reported of a domain, and raises an alert if it has become worse.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) async fn review_tls_reports(&self, domain: &Domain) -> Result<(), StorageError> {
        let today = utc_day(self.environment.now());
        let first = today.saturating_sub(RECENT_DAYS + EARLIER_DAYS);
        let days = self.store.tls_report_days(Some(domain), first).await?;
        let Some((recent, earlier)) = worse(&days, today) else { return Ok(()) };
        let since = UnixMillis(i64::from(today.saturating_sub(RECENT_DAYS)) * DAY_MS);
        let evidence = self.tls_failure_evidence(domain, since).await?;
        self.alerts.raise(&TLS_FAILURES_REPORTED, domain.as_str(), words(recent, earlier, &evidence));
        Ok(())
    }
}

fn words(recent: Sessions, earlier: Sessions, evidence: &[TlsFailureEvidence]) -> String {
    let mut words = format!(
        "{} of {} sessions failed in {RECENT_DAYS} days; in {EARLIER_DAYS} days before, {} of {}",
        recent.bad,
        recent.all(),
        earlier.bad,
        earlier.all()
    );
    for one in evidence.iter().take(TOLD) {
        let host = if one.mx_host.is_empty() { "?" } else { &one.mx_host };
        words += &format!("; {} x {} at {host}", one.sessions, one.result);
        if let Some(organization) = one.organizations.first() {
            words += &format!(", says {organization}");
        }
        if let Some(sender) = one.senders.first() {
            words += &format!(" from {sender}");
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: u32 = 100;

    fn day(day: u32, successes: u64, failures: u64) -> TlsReportDay {
        TlsReportDay { domain: Domain::parse("ours.example").unwrap(), day, reports: 1, successes, failures }
    }

    fn check(days: &[TlsReportDay], expected: bool) {
        assert_eq!(worse(days, TODAY).is_some(), expected, "{days:?}");
    }

    #[test]
    fn much_more_than_before_is_worth_an_alert() {
        check(&[], false);
        check(&[day(99, 0, 9)], false);
        check(&[day(99, 0, 10)], true);
        check(&[day(98, 190, 10)], true);
        check(&[day(97, 190, 10)], false);
        check(&[day(99, 191, 10)], false);
        // Nothing failed before; a third of it; half of it.
        check(&[day(90, 1000, 0), day(99, 90, 10)], true);
        check(&[day(90, 970, 30), day(99, 90, 10)], true);
        check(&[day(90, 950, 50), day(99, 90, 10)], false);
        // It has always been so.
        check(&[day(90, 0, 1000), day(99, 0, 1000)], false);
        // What others say they saw tomorrow counts for nothing.
        check(&[day(101, 0, 1000)], false);
        check(&[day(90, u64::MAX, 0), day(99, u64::MAX, u64::MAX)], true);
    }
}
