//! Reports about TLS: to whom they go, when, and what stands in them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the whole file is a test; the lint knows only test functions"
)]

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use posthouse_domain_policy::transport::{TlsReport, gunzip};
use posthouse_domain_policy::{LookupError, MxRecord, Proof, Records, Resolver};
use posthouse_flow::{Environment, Flow, FlowOptions, day_of};
use posthouse_identity::hashing::HashCost;
use posthouse_identity::{Identity, IdentityOptions};
use posthouse_mailbox::Mailboxes;
use posthouse_model::{Address, Domain, UnixMillis};
use posthouse_server::https::{HttpsClient, HttpsOptions};
use posthouse_server::tls_reports::{Reporter, TlsReports};
use posthouse_storage::{BodySlice, Mail, MemoryStorage, Queue, QueueFilter, TlsCountKey, Transport};
use posthouse_tls::{ClientTls, TrustRoots, demo_certificates};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// 1970 and 9999: always valid.
const ALWAYS: (u64, u64) = (0, 253_402_300_799);

/// A clock that a test sets.
struct Clock(Mutex<UnixMillis>);

impl Environment for Clock {
    fn now(&self) -> UnixMillis {
        *self.0.lock()
    }

    fn random(&self) -> u64 {
        7
    }
}

/// Far wants reports by mail, near by HTTPS at this port, nobody else any.
struct Dns(u16);

#[async_trait]
impl Resolver for Dns {
    async fn mx(&self, _: &Domain) -> Result<Records<MxRecord>, LookupError> {
        Err(LookupError::NoRecords)
    }

    async fn addresses(&self, _: &Domain) -> Result<Records<IpAddr>, LookupError> {
        Ok(Records { records: vec![[127, 0, 0, 1].into()], proof: Proof::Insecure })
    }

    async fn texts(&self, name: &Domain) -> Result<Records<String>, LookupError> {
        let text = match name.as_str() {
            "_smtp._tls.far.example" => "v=TLSRPTv1; rua=mailto:reports@far.example".to_owned(),
            "_smtp._tls.near.example" => format!("v=TLSRPTv1; rua=https://near.example:{}/tls", self.0),
            _ => return Err(LookupError::NoSuchName),
        };
        Ok(Records { records: vec![text], proof: Proof::Insecure })
    }

    async fn current_texts(&self, name: &Domain) -> Result<Records<String>, LookupError> {
        self.texts(name).await
    }
}

/// Takes one request over TLS, and gives the octets of its body.
async fn taken(listener: TcpListener, certificate: &str, key: &str) -> (String, Vec<u8>) {
    let chain = CertificateDer::pem_slice_iter(certificate.as_bytes()).map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(builder.with_no_client_auth().with_single_cert(chain, key).unwrap()));
    let (stream, _) = listener.accept().await.unwrap();
    let mut stream = acceptor.accept(stream).await.unwrap();
    let mut octets = Vec::new();
    loop {
        let mut buffer = [0; 4096];
        let count = stream.read(&mut buffer).await.unwrap();
        octets.extend_from_slice(&buffer[..count]);
        let Some(head) = octets.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let text = String::from_utf8(octets[..head].to_vec()).unwrap();
        let length = text.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap();
        if octets.len() == head + 4 + length.parse::<usize>().unwrap() {
            stream.write_all(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n").await.unwrap();
            stream.shutdown().await.unwrap();
            return (text, octets[head + 4..].to_vec());
        }
    }
}

fn count(day: u32, domain: &str, result: &str) -> (TlsCountKey, u64) {
    let key = TlsCountKey {
        day,
        domain: Domain::parse(domain).unwrap(),
        policy_type: "no-policy-found".to_owned(),
        policy: String::new(),
        mx_host: format!("mx.{domain}"),
        receiving_ip: "192.0.2.1".to_owned(),
        result: result.to_owned(),
        detail: result.to_owned(),
    };
    (key, 3)
}

#[tokio::test]
async fn yesterdays_sessions_are_reported_once_to_who_asks() {
    let store = MemoryStorage::new();
    let identity_options =
        IdentityOptions { hash_cost: HashCost::dangerous_minimum(), hashing_threads: 1, ..IdentityOptions::default() };
    let identity = Arc::new(Identity::open(store.clone(), identity_options).await.unwrap());
    let mailboxes = Arc::new(Mailboxes::new(store.clone()));
    let clock = Arc::new(Clock(Mutex::new(UnixMillis(1_700_000_000_000))));
    let options = FlowOptions::new(Domain::parse("mx.ours.example").unwrap());
    let flow = Arc::new(Flow::new(identity, mailboxes, Arc::clone(&clock) as _, options));
    let made = demo_certificates(&["near.example".to_owned()], ALWAYS.0, ALWAYS.1).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let resolver: Arc<dyn Resolver> = Arc::new(Dns(listener.local_addr().unwrap().port()));
    let tls = Arc::new(ClientTls::new(&TrustRoots::Pem(made.authority.into_bytes()), None).unwrap());
    let https_options = HttpsOptions { may_be_private: true, ..HttpsOptions::default() };
    let https = HttpsClient::new(Arc::clone(&resolver), tls, https_options);
    let from = Address::parse("postmaster@ours.example").unwrap();
    let reporter = Reporter { organization: "Ours".to_owned(), from };
    let reports = TlsReports::new(store.clone(), flow, resolver, https, Arc::clone(&clock) as _, reporter);

    let day = day_of(clock.now());
    let counts =
        ["far.example", "near.example", "quiet.example"].map(|domain| count(day, domain, "certificate-expired"));
    store.add_tls_outcomes(Vec::new(), counts.into()).await.unwrap();
    let queued = async || store.queue_entries(&QueueFilter::default(), None, 10).await.unwrap();
    // The day is not over yet.
    reports.report_days().await.unwrap();
    assert!(queued().await.is_empty());

    {
        let mut now = clock.0.lock();
        *now = *now + DAY;
    }
    let (server, done) =
        tokio::join!(taken(listener, &made.server.certificate, &made.server.key), reports.report_days());
    done.unwrap();
    let (head, body) = server;
    assert!(head.starts_with("POST /tls HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("Content-Type: application/tlsrpt+gzip\r\n"), "{head}");
    let report = TlsReport::parse(&gunzip(&body, 100_000).unwrap()).unwrap();
    assert_eq!((report.organization_name.as_str(), report.totals()), ("Ours", (0, 3)));
    assert_eq!(report.policies[0].failure_details[0].result_type, "certificate-expired");

    let entries = queued().await;
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].recipient.address.to_string(), "reports@far.example");
    assert!(entries[0].message.may_sign);
    let slice = BodySlice { body: entries[0].body, range: 0..entries[0].message.size_bytes };
    let text = String::from_utf8(store.read(&[slice]).await.unwrap().concat()).unwrap();
    for piece in [
        "From: <postmaster@ours.example>\r\n",
        "TLS-Report-Domain: far.example\r\nTLS-Report-Submitter: mx.ours.example\r\n",
        "Content-Type: multipart/report; report-type=\"tlsrpt\";",
        " filename=\"mx.ours.example!far.example!1699920000!1700006399.json.gz\"\r\n",
    ] {
        assert!(text.contains(piece), "{piece} in {text}");
    }
    // Never again, and old days go.
    reports.report_days().await.unwrap();
    assert_eq!(queued().await.len(), 1);
    {
        let mut now = clock.0.lock();
        *now = *now + 40 * DAY;
    }
    reports.report_days().await.unwrap();
    assert_eq!((queued().await.len(), store.tls_counts(day).await.unwrap().len()), (1, 0));
}
