//! `posthouse tls-reports`.

use posthouse_domain_policy::transport::{FailureDetail, PolicyResult};

use super::Place;
use crate::cli::Output;
use crate::cli::tls_reports::{TlsReportsCommand, WhichReports};
use crate::control::tls_reports::{DomainSummary, EvidenceView, ReportDetail, ReportView, TlsReportsRequest};
use crate::control::{Request, Text};
use crate::output::{date, printable, say, say_json, say_table};

pub async fn run(place: &Place, command: TlsReportsCommand) -> anyhow::Result<()> {
    match command {
        TlsReportsCommand::List { which, output } => list(place, which, output).await,
        TlsReportsCommand::Show { number, output } => show(place, number, output).await,
        TlsReportsCommand::Summary { which, output } => summary(place, which, output).await,
    }
}

async fn list(place: &Place, which: WhichReports, output: Output) -> anyhow::Result<()> {
    let request = TlsReportsRequest::List { domain: which.domain.map(Text), days: which.days };
    let found: Vec<ReportView> = place.server().await?.ask(&Request::TlsReports(request)).await?;
    if output.json {
        return say_json(&found);
    }
    let row = |one: &ReportView| {
        vec![
            one.number.to_string(),
            date(one.from),
            one.domain.clone(),
            printable(&one.organization),
            one.successes.to_string(),
            one.failures.to_string(),
        ]
    };
    let rows: Vec<_> = found.iter().map(row).collect();
    let none = "No report has come. `posthouse transport records DOMAIN` prints the record that asks others for them.";
    say_table(&["NUMBER", "ABOUT", "DOMAIN", "BY", "SUCCEEDED", "FAILED"], &rows, none);
    Ok(())
}

async fn show(place: &Place, number: u64, output: Output) -> anyhow::Result<()> {
    let request = Request::TlsReports(TlsReportsRequest::Show { number });
    let found: ReportDetail = place.server().await?.ask(&request).await?;
    if output.json {
        return say_json(&found);
    }
    let ReportDetail { heading, report } = found;
    say(format!("{} about {}", printable(&heading.organization), heading.domain));
    let line = |name: &str, value: &str| say(format!("  {name:<10} {}", printable(value)));
    line("id", &heading.report_id);
    line("vouched by", &heading.source);
    line("contact", &report.contact_info);
    line("about", &format!("{} to {}", date(heading.from), date(heading.until)));
    line("came", &date(heading.received_at));
    line("sessions", &format!("{} succeeded, {} failed", heading.successes, heading.failures));
    report.policies.iter().for_each(show_policy);
    Ok(())
}

fn show_policy(one: &PolicyResult) {
    let (good, bad) = (one.summary.total_successful_session_count, one.summary.total_failure_session_count);
    say(format!("\n  {}: {good} succeeded, {bad} failed", printable(&one.policy.policy_type)));
    for (name, lines) in [("policy", &one.policy.policy_string), ("hosts", &one.policy.mx_host)] {
        if !lines.is_empty() {
            say(format!("    {name:<7} {}", printable(&lines.join("; "))));
        }
    }
    one.failure_details.iter().for_each(show_failure);
}

fn show_failure(detail: &FailureDetail) {
    let or_dash = |text: &Option<String>| printable(text.as_deref().unwrap_or("-"));
    say(format!(
        "    {} × {}: from {} to {} [{}] {}",
        detail.failed_session_count,
        printable(&detail.result_type),
        or_dash(&detail.sending_mta_ip),
        or_dash(&detail.receiving_mx_hostname),
        or_dash(&detail.receiving_ip),
        printable(detail.failure_reason_code.as_deref().unwrap_or_default())
    ));
}

async fn summary(place: &Place, which: WhichReports, output: Output) -> anyhow::Result<()> {
    let request = TlsReportsRequest::Summary { domain: which.domain.map(Text), days: which.days };
    let found: Vec<DomainSummary> = place.server().await?.ask(&Request::TlsReports(request)).await?;
    if output.json {
        return say_json(&found);
    }
    if found.is_empty() {
        say(format!("No report about these {} days has come.", which.days));
    }
    found.iter().for_each(show_summary);
    Ok(())
}

fn show_summary(found: &DomainSummary) {
    let DomainSummary { domain, reports, successes, failures, .. } = found;
    say(format!(
        "{domain}: {reports} reports; {successes} sessions succeeded, {failures} failed ({})",
        share(*successes, *failures)
    ));
    for day in found.days.iter().filter(|day| day.failures > 0) {
        let failed = share(day.successes, day.failures);
        say(format!("  {}  {} of {} failed ({failed})", date(day.at), day.failures, day.successes + day.failures));
    }
    found.evidence.iter().for_each(show_evidence);
    say("");
}

fn show_evidence(one: &EvidenceView) {
    let host = if one.mx_host.is_empty() { "a host that they do not name" } else { &one.mx_host };
    say(format!("  {} × {} at {}", one.sessions, printable(&one.result), printable(host)));
    for (name, words) in [("seen by", &one.organizations), ("from", &one.senders), ("because", &one.reasons)] {
        if !words.is_empty() {
            say(format!("      {name:<8} {}", printable(&words.join(", "))));
        }
    }
    say(format!("      {}", one.advice));
}

/// Which part failed, in percent.
fn share(successes: u64, failures: u64) -> String {
    let all = successes + failures;
    if all == 0 { "0 %".to_owned() } else { format!("{:.1} %", failures as f64 * 100.0 / all as f64) }
}
