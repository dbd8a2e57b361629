//! What other domains' hosts offer, what is known of them, and what ours should announce.

use std::collections::BTreeSet;
use std::time::Duration;

use posthouse_domain_policy::transport::{Dane, ReportPlace, StsFact, TlsDemand, TlsaRecord, report_places};
use posthouse_domain_policy::{MailHostsError, Proof};
use posthouse_flow::{HostView, TlsProblem};
use posthouse_model::Domain;
use posthouse_server::ListenerRole;
use posthouse_server::courier::HostOffer;
use posthouse_storage::{TlsHistory, Transport};
use posthouse_tls::{CertificateFacts, PeerVerification, TlsFacts};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::task::JoinSet;

use super::{Refusal, Text, shape};
use crate::house::House;
use crate::site::{POLICY_PATH, REPORT_PATH};

/// Most hosts of a domain that are probed, and most addresses of each.
const MAX_PROBED_HOSTS: usize = 5;
const MAX_PROBED_ADDRESSES: usize = 2;
/// How long all of them may take together.
const PROBE_LIMIT: Duration = Duration::from_secs(45);
/// Domains read at once when suggestions are made.
const PAGE: usize = 500;
/// Most domains that are suggested.
const MAX_SUGGESTIONS: usize = 1000;

/// What is asked about transport.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TransportRequest {
    /// What a domain's hosts offer, and what they have to: a [`DomainProbe`].
    Probe {
        /// The domain.
        domain: Text<Domain>,
    },
    /// For which domains stricter settings would cost nothing: a list of [`Suggestion`].
    Suggest,
    /// What to put into DNS for a domain of ours: a list of [`RecordView`].
    Records {
        /// The domain.
        domain: Text<Domain>,
    },
}

/// What is known of a domain.
#[derive(Debug, Serialize, Deserialize)]
pub struct DomainProbe {
    /// The domain.
    pub domain: String,
    /// Why there is nowhere to take its mail.
    pub problem: Option<String>,
    /// The host that a route leads to, whatever stands below.
    pub route: Option<String>,
    /// Whether it has MX records.
    pub has_mx: bool,
    /// `secure` or `insecure`: what DNSSEC says of them.
    pub mx_dnssec: String,
    /// What it announces of an MTA-STS policy: the mode, or nothing.
    pub mta_sts: Option<StsView>,
    /// Why the policy that it announces cannot be had.
    pub mta_sts_problem: Option<String>,
    /// Where it wants reports about TLS to be sent.
    pub tls_reports: Vec<String>,
    /// Whether its hosts have always proven who they are.
    pub always_verified: bool,
    /// Its hosts.
    pub hosts: Vec<HostProbe>,
}

/// A policy.
#[derive(Debug, Serialize, Deserialize)]
pub struct StsView {
    /// What it asks for.
    pub mode: String,
    /// Which hosts it names.
    pub mx: Vec<String>,
    /// For how many seconds it counts.
    pub max_age_seconds: u64,
}

/// What is known of a host.
#[derive(Debug, Serialize, Deserialize)]
pub struct HostProbe {
    /// Its name.
    pub host: String,
    /// Its preference.
    pub preference: u16,
    /// `secure` or `insecure`: what DNSSEC says of its addresses.
    pub dnssec: String,
    /// Its TLSA records that can be used, `none`, `unusable`, or why they cannot be had.
    pub tlsa: Vec<String>,
    /// What MTA-STS says of it.
    pub mta_sts: String,
    /// What it has to offer.
    pub demand: String,
    /// Who says so.
    pub reason: String,
    /// What it offers at each address.
    pub addresses: Vec<AddressProbe>,
}

/// What a host offers at one address.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct AddressProbe {
    /// The address.
    pub address: String,
    /// Whether it offers STARTTLS, and that works.
    pub starttls: bool,
    /// Whether it offers REQUIRETLS.
    pub requiretls: bool,
    /// Version, such as `TLS1.3`.
    pub tls_version: Option<String>,
    /// Cipher suite.
    pub cipher_suite: Option<String>,
    /// Group of the key exchange.
    pub key_exchange: Option<String>,
    /// The certificate's subject.
    pub subject: Option<String>,
    /// Its issuer.
    pub issuer: Option<String>,
    /// The names it is for.
    pub names: Vec<String>,
    /// When it ends, in Unix seconds.
    pub expires_at: Option<i64>,
    /// It, and those that were shown with it, in the order in which they came.
    #[serde(default)]
    pub chain: Vec<CertificateView>,
    /// What verifying it by authorities said.
    pub verification: Option<String>,
    /// What verifying it by TLSA records said.
    pub dane: Option<String>,
    /// Why nothing is known, or why there is no TLS.
    pub problem: Option<String>,
    /// Whether mail would go there under the policy that applies.
    pub is_acceptable: bool,
}

/// A certificate.
#[derive(Debug, Serialize, Deserialize)]
pub struct CertificateView {
    /// Whom it is about.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// The names it is for.
    pub names: Vec<String>,
    /// Kind and size of its key.
    pub key: String,
    /// From when on it is valid, in Unix seconds.
    pub not_before: i64,
    /// Until when.
    pub not_after: i64,
    /// Whether it may sign others.
    pub is_authority: bool,
    /// SHA-256 of it, in hexadecimal digits.
    pub fingerprint_sha256: String,
}

/// A domain for which a stricter setting would cost nothing.
#[derive(Debug, Serialize, Deserialize)]
pub struct Suggestion {
    /// The domain.
    pub domain: String,
    /// The list that it could stand on: `verified_tls` or `required_tls`.
    pub list: String,
    /// How many deliveries speak for it.
    pub deliveries: u64,
    /// Since when, in Unix milliseconds.
    pub since: i64,
}

/// A record to put into DNS, or a file to serve.
#[derive(Debug, Serialize, Deserialize)]
pub struct RecordView {
    /// What it is for.
    pub purpose: String,
    /// The line of the zone file, or the file's content.
    pub text: String,
}

pub async fn answer(request: TransportRequest, house: &House) -> Result<Value, Refusal> {
    match request {
        TransportRequest::Probe { domain } => shape(Box::pin(probe(house, &domain.0)).await),
        TransportRequest::Suggest => shape(suggest(house).await?),
        TransportRequest::Records { domain } => shape(records(house, &domain.0)),
    }
}

async fn probe(house: &House, domain: &Domain) -> DomainProbe {
    let view = match house.flow.transport_view(&house.resolver, domain).await {
        Ok(view) => view,
        Err(error) => return nowhere(domain, &error),
    };
    let port = house.flow.options().smtp_port;
    let mut looking = JoinSet::new();
    for (at, host) in view.hosts.iter().enumerate().take(MAX_PROBED_HOSTS) {
        for address in host.host.addresses.iter().copied().take(MAX_PROBED_ADDRESSES) {
            let (courier, name) = (house.courier.clone(), host.host.name.clone());
            let dane = match &host.dane {
                Dane::Usable(set) => Some(set.clone()),
                _ => None,
            };
            looking.spawn(async move { (at, address, courier.probe(&name, address, port, dane).await) });
        }
    }
    let mut hosts: Vec<HostProbe> = view.hosts.iter().map(host_probe).collect();
    let until = tokio::time::Instant::now() + PROBE_LIMIT;
    while let Ok(Some(looked)) = tokio::time::timeout_at(until, looking.join_next()).await {
        let Ok((at, address, offer)) = looked else { continue };
        let demand = &view.hosts[at].policy.demand;
        hosts[at].addresses.push(address_probe(address.to_string(), &offer, demand));
    }
    hosts.iter_mut().for_each(|host| host.addresses.sort_by(|one, other| one.address.cmp(&other.address)));
    DomainProbe {
        domain: domain.to_string(),
        problem: None,
        route: view.route.map(|host| host.to_string()),
        has_mx: view.has_mx,
        mx_dnssec: dnssec(view.proof),
        mta_sts: view.sts.policy.as_ref().map(|policy| StsView {
            mode: policy.mode.word().to_owned(),
            mx: policy.patterns(),
            max_age_seconds: policy.max_age_seconds,
        }),
        mta_sts_problem: view.sts.problem.map(|problem| problem.to_string()),
        tls_reports: wanted_reports(house, domain).await,
        always_verified: view.has_floor,
        hosts,
    }
}

fn nowhere(domain: &Domain, error: &MailHostsError) -> DomainProbe {
    DomainProbe {
        domain: domain.to_string(),
        problem: Some(error.to_string()),
        route: None,
        has_mx: false,
        mx_dnssec: dnssec(Proof::Insecure),
        mta_sts: None,
        mta_sts_problem: None,
        tls_reports: Vec::new(),
        always_verified: false,
        hosts: Vec::new(),
    }
}

async fn wanted_reports(house: &House, domain: &Domain) -> Vec<String> {
    let Ok(name) = Domain::parse(&format!("_smtp._tls.{domain}")) else { return Vec::new() };
    let texts = house.resolver.texts(&name).await.map(|found| found.records).unwrap_or_default();
    let words = |place: ReportPlace| match place {
        ReportPlace::Mail(address) => format!("mailto:{address}"),
        ReportPlace::Https(url) => url,
    };
    report_places(&texts).into_iter().map(words).collect()
}

fn dnssec(proof: Proof) -> String {
    match proof {
        Proof::Secure => "secure".to_owned(),
        Proof::Insecure => "insecure".to_owned(),
    }
}

fn host_probe(view: &HostView) -> HostProbe {
    HostProbe {
        host: view.host.name.to_string(),
        preference: view.host.preference,
        dnssec: dnssec(view.host.proof),
        tlsa: match &view.dane {
            Dane::Absent => vec!["none".to_owned()],
            Dane::Unusable => vec!["unusable".to_owned()],
            Dane::Unknown(error) => vec![error.to_string()],
            Dane::Usable(set) => set.records().iter().map(TlsaRecord::words).collect(),
        },
        mta_sts: match view.sts {
            StsFact::Absent => "no policy",
            StsFact::Enforce { names_host: true } | StsFact::Testing { names_host: true } => "named",
            StsFact::Enforce { names_host: false } | StsFact::Testing { names_host: false } => "not named",
        }
        .to_owned(),
        demand: view.policy.demand.to_string(),
        reason: view.policy.reason.to_string(),
        addresses: Vec::new(),
    }
}

fn address_probe(address: String, offer: &HostOffer, demand: &TlsDemand) -> AddressProbe {
    let problem = offer.failure.as_ref().map(ToString::to_string);
    let dane = offer.dane.as_ref().map(|result| match result {
        Ok(()) => "matches".to_owned(),
        Err(posthouse_flow::Cause::Tls(TlsProblem { detail, .. })) => detail.clone(),
        Err(cause) => cause.to_string(),
    });
    let is_verified = offer.tls.as_ref().is_some_and(|tls| tls.verified == PeerVerification::Verified);
    let is_acceptable = match demand {
        TlsDemand::AsRouted | TlsDemand::Opportunistic => offer.failure.is_none() || offer.tls.is_some(),
        TlsDemand::Required => offer.tls.is_some(),
        TlsDemand::Verified => is_verified,
        TlsDemand::Dane(_) => matches!(offer.dane, Some(Ok(()))),
        TlsDemand::Refuse(_) => false,
    };
    let found = AddressProbe {
        address,
        requiretls: offer.offers_require_tls,
        dane,
        problem,
        is_acceptable,
        ..Default::default()
    };
    match &offer.tls {
        Some(tls) => with_tls(found, tls),
        None => found,
    }
}

fn with_tls(found: AddressProbe, tls: &TlsFacts) -> AddressProbe {
    let certificate = tls.peer_certificate.as_ref();
    AddressProbe {
        starttls: true,
        tls_version: Some(tls.version.to_owned()),
        cipher_suite: Some(tls.cipher_suite.to_owned()),
        key_exchange: tls.key_exchange.map(str::to_owned),
        subject: certificate.map(|facts| facts.subject.clone()),
        issuer: certificate.map(|facts| facts.issuer.clone()),
        names: certificate.map(|facts| facts.subject_names.clone()).unwrap_or_default(),
        expires_at: certificate.map(|facts| facts.not_after),
        chain: tls.chain().into_iter().map(certificate_view).collect(),
        verification: Some(tls.verified.to_string()),
        ..found
    }
}

fn certificate_view(facts: CertificateFacts) -> CertificateView {
    CertificateView {
        key: facts.key_type.to_string(),
        subject: facts.subject,
        issuer: facts.issuer,
        names: facts.subject_names,
        not_before: facts.not_before,
        not_after: facts.not_after,
        is_authority: facts.is_authority,
        fingerprint_sha256: facts.fingerprint_sha256,
    }
}

async fn suggest(house: &House) -> Result<Vec<Suggestion>, Refusal> {
    let options = house.flow.options();
    let mut suggestions = Vec::new();
    let mut after: Option<Domain> = None;
    house.flow.write_tls_outcomes().await?;
    loop {
        let page = house.store.tls_histories(after.as_ref(), PAGE).await?;
        let Some(last) = page.last() else { return Ok(suggestions) };
        after = Some(last.domain.clone());
        for history in page {
            let is_listed = options.destination_tls.contains_key(&history.domain);
            let room =
                suggestions.len() < MAX_SUGGESTIONS && !is_listed && house.flow.routed_to(&history.domain).is_none();
            suggestions.extend(suggestion(&history, options.floor).filter(|_| room));
        }
    }
}

fn suggestion(history: &TlsHistory, floor: posthouse_flow::Floor) -> Option<Suggestion> {
    let of = |list: &str, deliveries| Suggestion {
        domain: history.domain.to_string(),
        list: list.to_owned(),
        deliveries,
        since: history.streak_since.0,
    };
    if floor.is_reached(history) {
        return Some(of("verified_tls", history.streak));
    }
    let inside = history.encrypted + history.verified;
    (history.clear == 0 && inside >= floor.deliveries).then(|| of("required_tls", inside))
}

/// What to put into DNS, and what to serve.
fn records(house: &House, domain: &Domain) -> Vec<RecordView> {
    let view = |purpose: &str, text: String| RecordView { purpose: purpose.to_owned(), text };
    let host = &house.host_name;
    let port = house.flow.options().smtp_port;
    let serves = house.listeners.iter().any(|listener| listener.role == ListenerRole::Https.name());
    let mut views = Vec::new();
    if let Some(policy) = house.own_policies.of(domain) {
        let place = format!("https://mta-sts.{domain}{POLICY_PATH}");
        let who = match serves {
            true => format!("MTA-STS: the file that is served at {place}; the name has to lead here"),
            false => format!(
                "MTA-STS: the file at {place}, served as text/plain, by a listener of role https or another server"
            ),
        };
        views = vec![
            view(
                "MTA-STS: that there is a policy. The id is another one whenever the policy is",
                format!("_mta-sts.{domain}. IN TXT \"v=STSv1; id={}\"", policy.id()),
            ),
            view(&who, policy.text().replace("\r\n", "\n")),
        ];
        if serves {
            views.push(view("MTA-STS: where the file is", format!("mta-sts.{domain}. IN CNAME {host}.")));
        }
    }
    if let Some(address) = house.flow.tls_report_address(domain) {
        views.push(view(
            "TLSRPT: where others send their reports about TLS towards us; see `posthouse tls-reports`",
            format!("_smtp._tls.{domain}. IN TXT \"v=TLSRPTv1; rua=mailto:{address}\""),
        ));
        if serves {
            views.push(view(
                "TLSRPT, in place of that: reports by HTTPS, which nobody signs",
                format!("_smtp._tls.{domain}. IN TXT \"v=TLSRPTv1; rua=https://{host}{REPORT_PATH}\""),
            ));
        }
    }
    let certificate = house.certificates.library().certificate_for(Some(host.as_str()));
    let shown = certificate.iter().filter_map(|one| one.certified_key().cert.first());
    let digests: BTreeSet<_> = shown.filter_map(|der| posthouse_tls::public_key_sha256(der)).collect();
    for digest in digests {
        let text = format!("_{port}._tcp.{host}. IN TLSA 3 1 1 {digest}");
        views.push(view(
            "DANE: the key of the host's certificate. Only in a zone that is signed, and before the key is used",
            text,
        ));
    }
    views
}
