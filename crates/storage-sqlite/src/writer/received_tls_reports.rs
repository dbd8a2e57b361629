//! Reports about TLS that others sent.

use posthouse_model::UnixMillis;
use posthouse_storage::received_tls_reports::{
    DAY_MS, MAX_RECEIVED_TLS_REPORT_BYTES, MAX_RECEIVED_TLS_REPORTS, MAX_TLS_REPORTS_OF_SOURCE_A_DAY,
};
use posthouse_storage::{ReceivedTlsReport, TlsReportHeading, TlsReportKept};
use rusqlite::params;

use super::work::Work;
use crate::fault::Fault;

impl Work<'_> {
    /// Keeps a report, once. Where there are too many, or they are too long together, the oldest go.
    pub(crate) fn keep_tls_report(&mut self, report: &ReceivedTlsReport) -> Result<TlsReportKept, Fault> {
        let TlsReportHeading { organization, report_id, source, domain, received_at, from, until, .. } =
            &report.heading;
        let sql = "SELECT EXISTS (SELECT 1 FROM tls_report WHERE organization = ?1 AND report_id = ?2 AND domain = ?3)";
        let name = params![organization, report_id, domain.as_str()];
        if self.connection.prepare_cached(sql)?.query_row(name, |row| row.get(0))? {
            return Ok(TlsReportKept::Known);
        }
        let day = received_at.0.div_euclid(DAY_MS) * DAY_MS;
        let sql = "SELECT count(*) FROM tls_report WHERE source = ?1 AND received_at >= ?2 AND received_at < ?3";
        let of_day = params![source, day, day + DAY_MS];
        let of_source: i64 = self.connection.prepare_cached(sql)?.query_row(of_day, |row| row.get(0))?;
        if of_source as usize >= MAX_TLS_REPORTS_OF_SOURCE_A_DAY {
            return Ok(TlsReportKept::TooMany);
        }
        let sql = "INSERT INTO tls_report (organization, report_id, source, domain, received_at, begins_at, ends_at,
                   successes, failures, octets, report) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
        let (successes, failures) = (report.heading.successes as i64, report.heading.failures as i64);
        let octets = report.text.len() as i64;
        let values = params![
            organization,
            report_id,
            source,
            domain.as_str(),
            received_at.0,
            from.0,
            until.0,
            successes,
            failures,
            octets,
            report.text
        ];
        self.connection.prepare_cached(sql)?.execute(values)?;
        while self.has_too_many_tls_reports()? {
            let sql = "DELETE FROM tls_report WHERE id = (SELECT min(id) FROM tls_report)";
            self.connection.prepare_cached(sql)?.execute(())?;
        }
        Ok(TlsReportKept::Kept)
    }

    fn has_too_many_tls_reports(&self) -> Result<bool, Fault> {
        let sql = "SELECT count(*), coalesce(sum(octets), 0) FROM tls_report";
        let (count, octets): (i64, i64) =
            self.connection.prepare_cached(sql)?.query_row((), |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(count as usize > MAX_RECEIVED_TLS_REPORTS || octets as u64 > MAX_RECEIVED_TLS_REPORT_BYTES)
    }

    /// Forgets what came before then.
    pub(crate) fn forget_tls_reports(&mut self, before: UnixMillis) -> Result<(), Fault> {
        self.connection.prepare_cached("DELETE FROM tls_report WHERE received_at < ?1")?.execute(params![before.0])?;
        Ok(())
    }
}
