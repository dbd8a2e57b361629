//! Reports about TLS that others sent, in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use posthouse_model::{Domain, UnixMillis};

use super::MemoryStorage;
use crate::error::StorageError;
use crate::received_tls_reports::{
    MAX_RECEIVED_TLS_REPORT_BYTES, MAX_RECEIVED_TLS_REPORTS, MAX_TLS_REPORT_DAYS, MAX_TLS_REPORTS_OF_SOURCE_A_DAY,
    ReceivedTlsReport, ReceivedTlsReports, TlsReportDay, TlsReportFilter, TlsReportHeading, TlsReportKept,
    check_tls_report, utc_day,
};

#[derive(Default)]
pub(super) struct ReportTables {
    last: u64,
    reports: BTreeMap<u64, ReceivedTlsReport>,
}

impl ReportTables {
    fn is_too_much(&self) -> bool {
        let octets: u64 = self.reports.values().map(|report| report.text.len() as u64).sum();
        self.reports.len() > MAX_RECEIVED_TLS_REPORTS || octets > MAX_RECEIVED_TLS_REPORT_BYTES
    }
}

#[async_trait]
impl ReceivedTlsReports for MemoryStorage {
    async fn keep_tls_report(&self, report: ReceivedTlsReport) -> Result<TlsReportKept, StorageError> {
        check_tls_report(&report)?;
        let tables = &mut self.state()?.tls_reports;
        let name = |heading: &TlsReportHeading| {
            (heading.organization.clone(), heading.report_id.clone(), heading.domain.clone())
        };
        if tables.reports.values().any(|other| name(&other.heading) == name(&report.heading)) {
            return Ok(TlsReportKept::Known);
        }
        let day = |heading: &TlsReportHeading| (heading.source.clone(), utc_day(heading.received_at));
        let of_source = tables.reports.values().filter(|other| day(&other.heading) == day(&report.heading)).count();
        if of_source >= MAX_TLS_REPORTS_OF_SOURCE_A_DAY {
            return Ok(TlsReportKept::TooMany);
        }
        tables.last += 1;
        tables.reports.insert(tables.last, report);
        while tables.is_too_much() {
            tables.reports.pop_first();
        }
        Ok(TlsReportKept::Kept)
    }

    async fn tls_reports(
        &self,
        filter: &TlsReportFilter,
        limit: usize,
    ) -> Result<Vec<(u64, TlsReportHeading)>, StorageError> {
        let state = self.state()?;
        let is_wanted = |(number, report): &(&u64, &ReceivedTlsReport)| {
            filter.before.is_none_or(|before| **number < before)
                && filter.domain.as_ref().is_none_or(|domain| report.heading.domain == *domain)
                && filter.since.is_none_or(|since| report.heading.from >= since)
        };
        let found = state.tls_reports.reports.iter().rev().filter(is_wanted).take(limit);
        Ok(found.map(|(number, report)| (*number, report.heading.clone())).collect())
    }

    async fn tls_report(&self, number: u64) -> Result<Option<ReceivedTlsReport>, StorageError> {
        Ok(self.state()?.tls_reports.reports.get(&number).cloned())
    }

    async fn tls_report_days(&self, domain: Option<&Domain>, first: u32) -> Result<Vec<TlsReportDay>, StorageError> {
        let mut days: BTreeMap<(Domain, u32), TlsReportDay> = BTreeMap::new();
        for report in self.state()?.tls_reports.reports.values() {
            let heading = &report.heading;
            let day = utc_day(heading.from);
            if day < first || domain.is_some_and(|domain| heading.domain != *domain) {
                continue;
            }
            let sum = days.entry((heading.domain.clone(), day)).or_insert_with(|| TlsReportDay {
                domain: heading.domain.clone(),
                day,
                reports: 0,
                successes: 0,
                failures: 0,
            });
            sum.reports += 1;
            sum.successes += heading.successes;
            sum.failures += heading.failures;
        }
        Ok(days.into_values().take(MAX_TLS_REPORT_DAYS).collect())
    }

    async fn forget_tls_reports(&self, before: UnixMillis) -> Result<(), StorageError> {
        self.state()?.tls_reports.reports.retain(|_, report| report.heading.received_at >= before);
        Ok(())
    }
}
