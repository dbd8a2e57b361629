//! What others report about TLS towards us.

use std::collections::BTreeMap;

use posthouse_domain_policy::transport::TlsReport;
use posthouse_flow::TlsFailureEvidence;
use posthouse_model::{Domain, UnixMillis};
use posthouse_storage::received_tls_reports::{DAY_MS, utc_day};
use posthouse_storage::{ReceivedTlsReports, TlsReportDay, TlsReportFilter, TlsReportHeading};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Refusal, Text, shape};
use crate::house::House;

/// Most reports that are listed.
const MAX_LISTED: usize = 1000;
/// Most domains of which a summary has evidence.
const MAX_SUMMARISED_DOMAINS: usize = 100;

/// What is asked about reports.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TlsReportsRequest {
    /// The newest first: a list of [`ReportView`].
    List {
        /// About this domain only.
        domain: Option<Text<Domain>>,
        /// About so many days, up to today.
        days: u32,
    },
    /// All of one: a [`ReportDetail`].
    Show {
        /// Its number.
        number: u64,
    },
    /// What they add up to: a list of [`DomainSummary`].
    Summary {
        /// About this domain only.
        domain: Option<Text<Domain>>,
        /// About so many days, up to today.
        days: u32,
    },
}

/// What there is to say of a report.
#[derive(Debug, Serialize, Deserialize)]
pub struct ReportView {
    /// Its number here.
    pub number: u64,
    /// The domain of ours that it is about.
    pub domain: String,
    /// Who reports.
    pub organization: String,
    /// What they call it.
    pub report_id: String,
    /// The domain that signed it, or the address that it was posted from.
    pub source: String,
    /// When it came, in Unix milliseconds.
    pub received_at: i64,
    /// The first moment that it is about.
    pub from: i64,
    /// The last one.
    pub until: i64,
    /// Sessions that succeeded.
    pub successes: u64,
    /// Sessions that failed.
    pub failures: u64,
}

/// All of a report.
#[derive(Debug, Serialize, Deserialize)]
pub struct ReportDetail {
    /// What there is to say of it.
    pub heading: ReportView,
    /// The report itself, in the form of RFC 8460 §4.
    pub report: TlsReport,
}

/// What the reports about a domain add up to.
#[derive(Debug, Serialize, Deserialize)]
pub struct DomainSummary {
    /// The domain.
    pub domain: String,
    /// How many reports.
    pub reports: u64,
    /// Sessions that succeeded.
    pub successes: u64,
    /// Sessions that failed.
    pub failures: u64,
    /// By day.
    pub days: Vec<DaySummary>,
    /// What failed, most sessions first.
    pub evidence: Vec<EvidenceView>,
}

/// What the reports about one day add up to.
#[derive(Debug, Serialize, Deserialize)]
pub struct DaySummary {
    /// Its beginning, in Unix milliseconds.
    pub at: i64,
    /// How many reports.
    pub reports: u64,
    /// Sessions that succeeded.
    pub successes: u64,
    /// Sessions that failed.
    pub failures: u64,
}

/// One way in which sessions failed.
#[derive(Debug, Serialize, Deserialize)]
pub struct EvidenceView {
    /// What failed (RFC 8460 §4.3).
    pub result: String,
    /// At which of our hosts.
    pub mx_host: String,
    /// How many sessions.
    pub sessions: u64,
    /// Some of those who say so.
    pub organizations: Vec<String>,
    /// Some of the addresses from which they tried.
    pub senders: Vec<String>,
    /// Some of what they say about it.
    pub reasons: Vec<String>,
    /// What to look at.
    pub advice: String,
}

pub async fn answer(request: TlsReportsRequest, house: &House) -> Result<Value, Refusal> {
    match request {
        TlsReportsRequest::List { domain, days } => shape(list(house, domain, days).await?),
        TlsReportsRequest::Show { number } => shape(show(house, number).await?),
        TlsReportsRequest::Summary { domain, days } => shape(summary(house, domain, days).await?),
    }
}

/// The first of so many days, of which the last is today.
fn first_day(house: &House, days: u32) -> u32 {
    (utc_day(house.now()) + 1).saturating_sub(days)
}

fn begin_of(day: u32) -> UnixMillis {
    UnixMillis(i64::from(day) * DAY_MS)
}

async fn list(house: &House, domain: Option<Text<Domain>>, days: u32) -> Result<Vec<ReportView>, Refusal> {
    let since = Some(begin_of(first_day(house, days)));
    let filter = TlsReportFilter { domain: domain.map(|one| one.0), since, before: None };
    let found = house.store.tls_reports(&filter, MAX_LISTED).await?;
    Ok(found.into_iter().map(|(number, heading)| view(number, heading)).collect())
}

fn view(number: u64, heading: TlsReportHeading) -> ReportView {
    ReportView {
        number,
        domain: heading.domain.to_string(),
        organization: heading.organization,
        report_id: heading.report_id,
        source: heading.source,
        received_at: heading.received_at.0,
        from: heading.from.0,
        until: heading.until.0,
        successes: heading.successes,
        failures: heading.failures,
    }
}

async fn show(house: &House, number: u64) -> Result<ReportDetail, Refusal> {
    let found = house.store.tls_report(number).await?;
    let found = found.ok_or_else(|| Refusal::Other(format!("there is no report {number}: `tls-reports list`")))?;
    let report = TlsReport::parse(found.text.as_bytes()).map_err(|error| Refusal::Other(error.to_string()))?;
    Ok(ReportDetail { heading: view(number, found.heading), report })
}

async fn summary(house: &House, domain: Option<Text<Domain>>, days: u32) -> Result<Vec<DomainSummary>, Refusal> {
    let first = first_day(house, days);
    let sums = house.store.tls_report_days(domain.as_ref().map(|one| &one.0), first).await?;
    let mut by_domain: BTreeMap<Domain, Vec<TlsReportDay>> = BTreeMap::new();
    for sum in sums {
        by_domain.entry(sum.domain.clone()).or_default().push(sum);
    }
    let mut summaries = Vec::new();
    for (at, (domain, days)) in by_domain.into_iter().enumerate() {
        let evidence = match at < MAX_SUMMARISED_DOMAINS {
            true => house.flow.tls_failure_evidence(&domain, begin_of(first)).await?,
            false => Vec::new(),
        };
        summaries.push(DomainSummary {
            domain: domain.to_string(),
            reports: days.iter().map(|day| day.reports).sum(),
            successes: days.iter().map(|day| day.successes).sum(),
            failures: days.iter().map(|day| day.failures).sum(),
            days: days.iter().map(day_summary).collect(),
            evidence: evidence.into_iter().map(evidence_view).collect(),
        });
    }
    Ok(summaries)
}

fn day_summary(day: &TlsReportDay) -> DaySummary {
    DaySummary { at: begin_of(day.day).0, reports: day.reports, successes: day.successes, failures: day.failures }
}

fn evidence_view(evidence: TlsFailureEvidence) -> EvidenceView {
    let advice = evidence.advice().to_owned();
    EvidenceView {
        advice,
        result: evidence.result,
        mx_host: evidence.mx_host,
        sessions: evidence.sessions,
        organizations: evidence.organizations.into_iter().collect(),
        senders: evidence.senders.into_iter().collect(),
        reasons: evidence.reasons.into_iter().collect(),
    }
}
