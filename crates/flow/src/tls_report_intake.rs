//! Taking in what others report about TLS towards us (RFC 8460): by mail, and as it is posted.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use posthouse_domain_policy::Resolver;
use posthouse_domain_policy::dkim::{DkimOutcome, DkimSignatures, KeyService};
use posthouse_domain_policy::transport::{MAX_REPORT_NAME_BYTES, ReportForm, TlsReport};
use posthouse_identity::RecipientLookup;
use posthouse_mime::edit::HeaderFacts;
use posthouse_mime::{Structure, decode_part};
use posthouse_model::{Address, Domain, Envelope, LocalPart, Recipient, UnixMillis};
use posthouse_storage::received_tls_reports::{MAX_REPORTED_SESSIONS, MAX_TLS_REPORT_BYTES};
use posthouse_storage::{ReceivedTlsReport, StorageError, TlsReportHeading, TlsReportKept};
use thiserror::Error;

use crate::signing::aside;
use crate::{Flow, MessageRefusal};

/// The local part of the address for reports, where nothing else is said.
pub const USUAL_REPORT_LOCAL_PART: &str = "tls-reports";
/// Longest message in which a report is looked for, in octets. Those of very large senders have some hundred KiB.
pub const MAX_REPORT_MAIL_BYTES: usize = 4 * 1024 * 1024;
/// Most domains of ours that one report is kept for.
pub const MAX_DOMAINS_PER_REPORT: usize = 100;
/// How long DNS may take to give the keys that a message names; after that the sender is asked to come again.
const KEYS_PATIENCE: Duration = Duration::from_secs(30);

/// Where reports about our domains are to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReportAddress {
    /// To this local part of each domain.
    InEachDomain(LocalPart),
    /// To this address, whatever domain it is about.
    One(Address),
}

impl ReportAddress {
    /// The address for reports about `domain`.
    pub fn for_domain(&self, domain: &Domain) -> Address {
        match self {
            Self::InEachDomain(local_part) => Address { local_part: local_part.clone(), domain: domain.clone() },
            Self::One(address) => address.clone(),
        }
    }
}

/// What it takes to take reports in.
pub(crate) struct TlsReportIntake {
    /// DNS, for the keys by which reports are signed.
    pub resolver: Arc<dyn Resolver>,
    /// Where they come by mail.
    pub address: ReportAddress,
}

/// Why something is not taken for a report.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ReportRefusal {
    /// Its form is not that of a report.
    #[error("it is no report about TLS: {0}")]
    NoReport(&'static str),
    /// Its domain does not answer for it (RFC 8460 §3).
    #[error("it has no valid DKIM signature of the domain in its From field")]
    NotSigned,
    /// What it carries cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// It is about nobody here.
    #[error("it is not about a domain of this host")]
    NotOurs,
    /// Whoever sends it has sent very many today.
    #[error("too many reports have come from there today")]
    TooMany,
    /// It cannot be told now, or not be kept.
    #[error("it cannot be taken in now")]
    Unavailable,
}

/// A report that was taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenReport {
    /// What its sender calls it.
    pub report_id: String,
    /// The domains of ours for which it is new.
    pub domains: Vec<Domain>,
}

/// A message to the address for reports.
pub(crate) struct ReportMail {
    /// What became of the report.
    pub outcome: Result<TakenReport, ReportRefusal>,
    /// The recipients that are mailboxes or aliases, who get it as mail.
    pub others: Vec<Recipient>,
}

impl Flow {
    /// Takes in what others report about TLS, by mail to this address and as it is posted.
    #[must_use]
    pub fn with_tls_reports(mut self, resolver: Arc<dyn Resolver>, address: ReportAddress) -> Self {
        self.tls_report_intake = Some(TlsReportIntake { resolver, address });
        self
    }

    /// The address for reports about a domain of ours, if reports are taken in.
    pub fn tls_report_address(&self, domain: &Domain) -> Option<Address> {
        self.tls_report_intake.as_ref().map(|intake| intake.address.for_domain(domain))
    }

    /// Whether reports come to this address, which is of a domain of ours.
    pub(crate) fn takes_reports_at(&self, address: &Address) -> bool {
        self.tls_report_address(&address.domain).is_some_and(|one| one.folded() == address.folded())
    }

    /// Takes in a report that comes as mail; `None` for all other mail.
    pub(crate) async fn report_mail(
        &self,
        envelope: &Envelope,
        raw: &Bytes,
    ) -> Result<Option<ReportMail>, MessageRefusal> {
        let (mut is_for_us, mut others) = (false, Vec::new());
        for recipient in &envelope.recipients {
            let takes_reports = self.takes_reports_at(&recipient.address);
            let found = match takes_reports {
                true => self.identity.recipient(&recipient.address).await.map_err(|error| {
                    tracing::error!(%error, "cannot look up a recipient");
                    MessageRefusal::Unavailable
                })?,
                false => RecipientLookup::NotOurs,
            };
            is_for_us |= found != RecipientLookup::NotOurs;
            others.extend((found != RecipientLookup::NoSuchAddress).then(|| recipient.clone()));
        }
        if !is_for_us {
            return Ok(None);
        }
        let outcome = self.take_mailed_report(raw).await;
        match (&outcome, others.is_empty()) {
            (Err(ReportRefusal::Unavailable), _) => return Err(MessageRefusal::Unavailable),
            (Err(refusal), true) => return Err(MessageRefusal::NoReport(refusal.clone())),
            (Err(refusal), false) => tracing::info!(?refusal, "what came to the address for TLS reports is mail only"),
            (Ok(_), _) => {}
        }
        Ok(Some(ReportMail { outcome, others }))
    }

    async fn take_mailed_report(&self, raw: &Bytes) -> Result<TakenReport, ReportRefusal> {
        if raw.len() > MAX_REPORT_MAIL_BYTES {
            return Err(ReportRefusal::NoReport("it is too long"));
        }
        let message = raw.clone();
        let read = aside(move || {
            let (form, octets) = enclosed_report(&message)?;
            // What is no report is not worth a question to DNS.
            let report = read_report(form, &octets)?;
            Ok((author_domain(&message)?, DkimSignatures::read(&[&message]), report))
        });
        let (author, signatures, report) = read.await.map_err(|_| ReportRefusal::Unavailable)??;
        let signer = self.signer_of(&author, &signatures).await?;
        self.keep_report(&signer.to_string(), report).await
    }

    /// RFC 8460 §3: a report has to have a valid signature of the domain that reports, and one that covers all of it
    /// (no `l=`). The domain is that of `From`, or one that it is below.
    async fn signer_of(&self, author: &Domain, signatures: &DkimSignatures) -> Result<Domain, ReportRefusal> {
        let intake = self.tls_report_intake.as_ref().ok_or(ReportRefusal::Unavailable)?;
        let looking = signatures.verify_for(KeyService::TlsReports, &*intake.resolver, self.environment.now());
        let results = tokio::time::timeout(KEYS_PATIENCE, looking).await.map_err(|_| ReportRefusal::Unavailable)?;
        let aligned = |signer: &Domain| signer == author || author.as_str().ends_with(&format!(".{signer}"));
        let ours = || results.iter().filter(|result| result.domain.as_ref().is_some_and(aligned));
        if let Some(signer) = ours().find(|one| one.outcome == DkimOutcome::Pass).and_then(|one| one.domain.clone()) {
            return Ok(signer);
        }
        match ours().any(|result| matches!(result.outcome, DkimOutcome::KeyUnavailable(_))) {
            true => Err(ReportRefusal::Unavailable),
            false => Err(ReportRefusal::NotSigned),
        }
    }

    /// Takes in a report that somebody posted (RFC 8460 §5.4); `source` is from where.
    ///
    /// # Errors
    /// Why it is not taken in.
    pub async fn take_posted_report(
        &self,
        source: &str,
        form: ReportForm,
        octets: Bytes,
    ) -> Result<TakenReport, ReportRefusal> {
        let read = aside(move || read_report(form, &octets)).await;
        self.keep_report(source, read.map_err(|_| ReportRefusal::Unavailable)??).await
    }

    async fn keep_report(&self, source: &str, report: TlsReport) -> Result<TakenReport, ReportRefusal> {
        let times = report.times().ok_or_else(|| ReportRefusal::Unreadable("its time makes no sense".to_owned()))?;
        let mut ours = Vec::new();
        for domain in report.domains() {
            if ours.len() < MAX_DOMAINS_PER_REPORT && self.is_domain_of_ours(&domain).await? {
                ours.push(domain);
            }
        }
        if ours.is_empty() {
            return Err(ReportRefusal::NotOurs);
        }
        let mut taken = TakenReport { report_id: report.report_id.clone(), domains: Vec::new() };
        for domain in ours {
            let part = self.part_about(&report, &domain, source, times)?;
            let (successes, failures) = (part.heading.successes, part.heading.failures);
            match self.store.keep_tls_report(part).await {
                Ok(TlsReportKept::Kept) => {
                    let (organization, id) = (&report.organization_name, &report.report_id);
                    tracing::info!(%domain, ?organization, ?id, source, successes, failures, "a report about TLS came");
                    taken.domains.push(domain.clone());
                }
                Ok(TlsReportKept::Known) => continue,
                Ok(TlsReportKept::TooMany) => return Err(ReportRefusal::TooMany),
                Err(error) => return Err(unavailable(&error)),
            }
            if failures > 0
                && let Err(error) = self.review_tls_reports(&domain).await
            {
                tracing::warn!(%error, %domain, "what is reported about TLS cannot be reviewed");
            }
        }
        Ok(taken)
    }

    async fn is_domain_of_ours(&self, domain: &Domain) -> Result<bool, ReportRefusal> {
        self.identity.is_ours(domain).await.map_err(|error| unavailable(&error))
    }

    fn part_about(
        &self,
        report: &TlsReport,
        domain: &Domain,
        source: &str,
        (begin, end): (i64, i64),
    ) -> Result<ReceivedTlsReport, ReportRefusal> {
        let unreadable =
            |error: posthouse_domain_policy::transport::TlsReportError| ReportRefusal::Unreadable(error.to_string());
        let part = report.about(domain);
        let (successes, failures) = part.totals();
        let mut text = part.to_json().map_err(unreadable)?;
        if text.len() > MAX_TLS_REPORT_BYTES {
            text = part.sums().to_json().map_err(unreadable)?;
        }
        let millis = |seconds: i64| UnixMillis(seconds.saturating_mul(1000));
        let heading = TlsReportHeading {
            organization: report.organization_name.clone(),
            report_id: report.report_id.clone(),
            source: source.to_owned(),
            domain: domain.clone(),
            received_at: self.environment.now(),
            from: millis(begin),
            until: millis(end),
            successes: successes.min(MAX_REPORTED_SESSIONS),
            failures: failures.min(MAX_REPORTED_SESSIONS),
        };
        Ok(ReceivedTlsReport { heading, text })
    }
}

fn unavailable(error: &StorageError) -> ReportRefusal {
    tracing::error!(%error, "a report about TLS cannot be kept");
    ReportRefusal::Unavailable
}

/// The report in a message (RFC 8460 §5.3), as it travels.
fn enclosed_report(message: &[u8]) -> Result<(ReportForm, Vec<u8>), ReportRefusal> {
    let structure = Structure::parse(message);
    let root = structure.root();
    let is_report = root.media_type == "multipart"
        && root.media_subtype == "report"
        && root.parameter("report-type").is_some_and(|kind| kind.eq_ignore_ascii_case("tlsrpt"));
    if !is_report {
        return Err(ReportRefusal::NoReport("its type is not multipart/report; report-type=tlsrpt"));
    }
    let form = |at: &usize| {
        let part = structure.parts.get(*at)?;
        Some((ReportForm::of_media_type(&format!("{}/{}", part.media_type, part.media_subtype))?, part))
    };
    let (form, part) = root.children.iter().find_map(form).ok_or(ReportRefusal::NoReport("it encloses none"))?;
    Ok((form, decode_part(part, message)))
}

fn read_report(form: ReportForm, octets: &[u8]) -> Result<TlsReport, ReportRefusal> {
    let report = TlsReport::read(form, octets).map_err(|error| ReportRefusal::Unreadable(error.to_string()))?;
    let is_name = |text: &str| !text.trim().is_empty() && text.len() <= MAX_REPORT_NAME_BYTES;
    match is_name(&report.organization_name) && is_name(&report.report_id) {
        true => Ok(report),
        false => Err(ReportRefusal::Unreadable("who reports, or the report's id, is missing or too long".to_owned())),
    }
}

/// The domain of the one author: where there are several, which of them reports is anybody's guess.
fn author_domain(message: &[u8]) -> Result<Domain, ReportRefusal> {
    let facts = HeaderFacts::read(message);
    let author = match facts.from_addresses.as_slice() {
        [only] if facts.from == 1 => Address::parse(only).ok(),
        _ => None,
    };
    author.map(|author| author.domain).ok_or(ReportRefusal::NoReport("it has not one author"))
}
