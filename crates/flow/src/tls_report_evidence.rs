//! What others report to have failed, gathered from their reports: the same failure of the same host is one piece of
//! evidence, whoever saw it.

use std::collections::{BTreeMap, BTreeSet};

use posthouse_domain_policy::transport::{FailureDetail, TlsReport};
use posthouse_model::{Domain, UnixMillis};
use posthouse_storage::{StorageError, TlsReportFilter};

use crate::Flow;

/// Most reports that are read for evidence: the newest.
pub const MAX_EVIDENCE_REPORTS: usize = 500;
/// Most pieces of evidence: those of the most sessions.
pub const MAX_EVIDENCE: usize = 50;
/// Most kinds of failure that are told apart while they are gathered.
const MAX_KINDS: usize = 1000;
/// Most names that each piece has of each kind.
const MAX_NAMES: usize = 5;

/// One way in which sessions failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsFailureEvidence {
    /// What failed (RFC 8460 §4.3).
    pub result: String,
    /// At which of our hosts; empty where nobody says so.
    pub mx_host: String,
    /// How many sessions.
    pub sessions: u64,
    /// Some of those who saw it.
    pub organizations: BTreeSet<String>,
    /// Some of the addresses from which they tried.
    pub senders: BTreeSet<String>,
    /// Some of what they say about it.
    pub reasons: BTreeSet<String>,
}

impl TlsFailureEvidence {
    fn add(&mut self, organization: &str, detail: &FailureDetail) {
        self.sessions = self.sessions.saturating_add(detail.failed_session_count);
        let add = |names: &mut BTreeSet<String>, name: Option<&str>| {
            names.extend(name.filter(|name| !name.is_empty() && names.len() < MAX_NAMES).map(str::to_owned));
        };
        add(&mut self.organizations, Some(organization));
        add(&mut self.senders, detail.sending_mta_ip.as_deref());
        add(&mut self.reasons, detail.failure_reason_code.as_deref());
    }

    /// What whoever looks after the host should look at.
    pub fn advice(&self) -> &'static str {
        match self.result.as_str() {
            "starttls-not-supported" => {
                "The host did not offer STARTTLS to them: is the listener's TLS on, and does nothing in between take it out?"
            }
            "certificate-host-mismatch" => {
                "The certificate is not for the host's name: `posthouse check` says which names it has."
            }
            "certificate-expired" => "The certificate is over: renew it, and run `posthouse reload`.",
            "certificate-not-trusted" => {
                "They trust no authority behind the certificate: is the chain complete, with its intermediates?"
            }
            "tlsa-invalid" | "dane-required" => {
                "The TLSA records do not match the certificate: `posthouse transport records` prints those that do."
            }
            "dnssec-invalid" => "The zone's signatures do not hold: ask whoever runs your DNS.",
            "sts-policy-fetch-error" | "sts-webpki-invalid" => {
                "The MTA-STS policy cannot be fetched: does the web server at mta-sts.DOMAIN answer, with a valid certificate?"
            }
            "sts-policy-invalid" => {
                "The MTA-STS policy cannot be read: `posthouse transport records` prints one that can."
            }
            "validation-failure" => "The host did not prove its name: `posthouse probe` shows what it offers.",
            _ => "See what `posthouse probe` says about the domain.",
        }
    }
}

impl Flow {
    /// What reports say to have failed towards `domain` in times that begin at `since` or later, most sessions first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn tls_failure_evidence(
        &self,
        domain: &Domain,
        since: UnixMillis,
    ) -> Result<Vec<TlsFailureEvidence>, StorageError> {
        let filter = TlsReportFilter { domain: Some(domain.clone()), since: Some(since), before: None };
        let mut found: BTreeMap<(String, String), TlsFailureEvidence> = BTreeMap::new();
        for (number, heading) in self.store.tls_reports(&filter, MAX_EVIDENCE_REPORTS).await? {
            if heading.failures == 0 {
                continue;
            }
            let Some(kept) = self.store.tls_report(number).await? else { continue };
            let Ok(report) = TlsReport::parse(kept.text.as_bytes()) else { continue };
            for detail in report.policies.iter().flat_map(|policy| &policy.failure_details) {
                let mx_host = detail.receiving_mx_hostname.clone().unwrap_or_default();
                let key = (detail.result_type.clone(), mx_host);
                if found.len() >= MAX_KINDS && !found.contains_key(&key) {
                    continue;
                }
                let new = || TlsFailureEvidence { result: key.0.clone(), mx_host: key.1.clone(), ..Default::default() };
                found.entry(key.clone()).or_insert_with(new).add(&heading.organization, detail);
            }
        }
        let mut evidence: Vec<_> = found.into_values().collect();
        evidence.sort_by_key(|one| std::cmp::Reverse(one.sessions));
        evidence.truncate(MAX_EVIDENCE);
        Ok(evidence)
    }
}
