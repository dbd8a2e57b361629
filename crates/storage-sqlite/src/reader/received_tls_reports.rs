//! Questions about the reports about TLS that others sent.

use posthouse_model::{Domain, UnixMillis};
use posthouse_storage::received_tls_reports::{DAY_MS, MAX_TLS_REPORT_DAYS};
use posthouse_storage::{ReceivedTlsReport, TlsReportDay, TlsReportFilter, TlsReportHeading};
use rusqlite::{Connection, Row, params};

use crate::convert;
use crate::fault::Fault;

const HEADING_COLUMNS: &str =
    "organization, report_id, source, domain, received_at, begins_at, ends_at, successes, failures";

pub(crate) fn headings(
    connection: &Connection,
    filter: &TlsReportFilter,
    limit: usize,
) -> Result<Vec<(u64, TlsReportHeading)>, Fault> {
    let sql = format!(
        "SELECT {HEADING_COLUMNS}, id FROM tls_report
         WHERE id < ?1 AND begins_at >= ?2 AND (?3 IS NULL OR domain = ?3) ORDER BY id DESC LIMIT ?4"
    );
    let before = filter.before.and_then(|before| i64::try_from(before).ok()).unwrap_or(i64::MAX);
    let since = filter.since.map_or(i64::MIN, |since| since.0);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![before, since, filter.domain.as_ref().map(Domain::as_str), limit])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push((row.get::<_, i64>(9)? as u64, heading_of(row)?));
    }
    Ok(found)
}

pub(crate) fn report(connection: &Connection, number: u64) -> Result<Option<ReceivedTlsReport>, Fault> {
    let sql = format!("SELECT {HEADING_COLUMNS}, report FROM tls_report WHERE id = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![i64::try_from(number).unwrap_or(i64::MAX)])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(ReceivedTlsReport { heading: heading_of(row)?, text: row.get(9)? }))
}

pub(crate) fn days(connection: &Connection, domain: Option<&Domain>, first: u32) -> Result<Vec<TlsReportDay>, Fault> {
    let which = if domain.is_some() { "domain = ?1" } else { "?1 IS NULL" };
    let sql = format!(
        "SELECT domain, begins_at / {DAY_MS} AS day, count(*), sum(successes), sum(failures) FROM tls_report
         WHERE {which} AND begins_at >= ?2 GROUP BY domain, day ORDER BY domain, day LIMIT {MAX_TLS_REPORT_DAYS}"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![domain.map(Domain::as_str), i64::from(first) * DAY_MS])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(TlsReportDay {
            domain: convert::domain(&row.get::<_, String>(0)?)?,
            day: row.get(1)?,
            reports: row.get::<_, i64>(2)? as u64,
            successes: row.get::<_, i64>(3)? as u64,
            failures: row.get::<_, i64>(4)? as u64,
        });
    }
    Ok(found)
}

fn heading_of(row: &Row<'_>) -> Result<TlsReportHeading, Fault> {
    Ok(TlsReportHeading {
        organization: row.get(0)?,
        report_id: row.get(1)?,
        source: row.get(2)?,
        domain: convert::domain(&row.get::<_, String>(3)?)?,
        received_at: UnixMillis(row.get(4)?),
        from: UnixMillis(row.get(5)?),
        until: UnixMillis(row.get(6)?),
        successes: row.get::<_, i64>(7)? as u64,
        failures: row.get::<_, i64>(8)? as u64,
    })
}
