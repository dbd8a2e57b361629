//! [`ReceivedTlsReports`].

use async_trait::async_trait;
use posthouse_model::{Domain, UnixMillis};
use posthouse_storage::received_tls_reports::check_tls_report;
use posthouse_storage::{
    ReceivedTlsReport, ReceivedTlsReports, StorageError, TlsReportDay, TlsReportFilter, TlsReportHeading, TlsReportKept,
};

use crate::reader::received_tls_reports;
use crate::store::SqliteStorage;

#[async_trait]
impl ReceivedTlsReports for SqliteStorage {
    async fn keep_tls_report(&self, report: ReceivedTlsReport) -> Result<TlsReportKept, StorageError> {
        check_tls_report(&report)?;
        self.write(Vec::new(), move |work| work.keep_tls_report(&report)).await
    }

    async fn tls_reports(
        &self,
        filter: &TlsReportFilter,
        limit: usize,
    ) -> Result<Vec<(u64, TlsReportHeading)>, StorageError> {
        let filter = filter.clone();
        self.ask(move |reader| received_tls_reports::headings(&reader.connection, &filter, limit)).await
    }

    async fn tls_report(&self, number: u64) -> Result<Option<ReceivedTlsReport>, StorageError> {
        self.ask(move |reader| received_tls_reports::report(&reader.connection, number)).await
    }

    async fn tls_report_days(&self, domain: Option<&Domain>, first: u32) -> Result<Vec<TlsReportDay>, StorageError> {
        let domain = domain.cloned();
        self.ask(move |reader| received_tls_reports::days(&reader.connection, domain.as_ref(), first)).await
    }

    async fn forget_tls_reports(&self, before: UnixMillis) -> Result<(), StorageError> {
        self.write(Vec::new(), move |work| work.forget_tls_reports(before)).await
    }
}
