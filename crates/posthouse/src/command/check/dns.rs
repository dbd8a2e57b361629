//! What does DNS say about the host and its domains?

use super::Findings;
use crate::control::client::Client;
use crate::control::domain::{DomainRequest, DomainView};
use crate::control::survey::{FindingView, SurveyRequest};
use crate::control::{Request, Text};
use posthouse_model::Domain;

/// Asks the server what it finds in DNS, about the host and then about each of its domains.
pub async fn check(server: &mut Client, blocklists: bool, findings: &mut Findings) -> anyhow::Result<()> {
    note(server.ask(&Request::Survey(SurveyRequest::Host { blocklists })).await?, findings);
    let domains: Vec<DomainView> = server.ask(&Request::Domain(DomainRequest::List)).await?;
    for domain in domains {
        let name = Text(Domain::parse(&domain.name)?);
        note(server.ask(&Request::Survey(SurveyRequest::Domain { name })).await?, findings);
    }
    Ok(())
}

fn note(found: Vec<FindingView>, findings: &mut Findings) {
    for finding in found {
        let record = finding.wanted.map(|record| format!("\n        {record}")).unwrap_or_default();
        let advice = format!("{}{record}", finding.advice.unwrap_or_default());
        match finding.standing.as_str() {
            "good" => findings.good(&finding.subject, &finding.details),
            "advice" => findings.warn(&finding.subject, &finding.details, &advice),
            _ => findings.fail(&finding.subject, &finding.details, &advice),
        }
    }
}
