//! Policies from an HTTPS server on loopback, and what comes between.

use std::net::IpAddr;

use posthouse_domain_policy::transport::StsFact;
use posthouse_domain_policy::{MxRecord, Proof, Records};
use posthouse_storage::{MemoryStorage, Transport as _};
use posthouse_tls::{ClientTls, TrustRoots, demo_certificates};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::https::HttpsOptions;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// 1970 and 9999: always valid.
const ALWAYS: (u64, u64) = (0, 253_402_300_799);

/// What DNS, the server and the clock say at the moment.
struct World {
    texts: Mutex<Result<Vec<String>, LookupError>>,
    answer: Mutex<String>,
    requests: Mutex<Vec<String>>,
    now: Mutex<UnixMillis>,
}

struct Shared(Arc<World>);

#[async_trait]
impl Resolver for Shared {
    async fn mx(&self, _: &Domain) -> Result<Records<MxRecord>, LookupError> {
        Err(LookupError::NoRecords)
    }

    async fn addresses(&self, host: &Domain) -> Result<Records<IpAddr>, LookupError> {
        assert_eq!(host.as_str(), "mta-sts.far.example");
        Ok(Records { records: vec![[127, 0, 0, 1].into()], proof: Proof::Insecure })
    }

    async fn texts(&self, name: &Domain) -> Result<Records<String>, LookupError> {
        assert_eq!(name.as_str(), "_mta-sts.far.example");
        self.0.texts.lock().clone().map(|records| Records { records, proof: Proof::Insecure })
    }

    async fn current_texts(&self, name: &Domain) -> Result<Records<String>, LookupError> {
        self.texts(name).await
    }
}

impl Environment for Shared {
    fn now(&self) -> UnixMillis {
        *self.0.now.lock()
    }

    fn random(&self) -> u64 {
        7
    }
}

/// A domain with a policy, and a keeper that may ask it.
struct Setting {
    world: Arc<World>,
    store: Arc<MemoryStorage>,
    keeper: StsKeeper,
    _server: JoinSet<()>,
}

impl Setting {
    /// The server has a certificate for these names.
    async fn new(names: &[&str], may_be_private: bool) -> Self {
        let world = Arc::new(World {
            texts: Mutex::new(Err(LookupError::NoRecords)),
            answer: Mutex::new(String::new()),
            requests: Mutex::default(),
            now: Mutex::new(UnixMillis(1_700_000_000_000)),
        });
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        let made = demo_certificates(&names, ALWAYS.0, ALWAYS.1).unwrap();
        let chain = CertificateDer::pem_slice_iter(made.server.certificate.as_bytes()).map(Result::unwrap).collect();
        let key = PrivateKeyDer::from_pem_slice(made.server.key.as_bytes()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(builder.with_no_client_auth().with_single_cert(chain, key).unwrap()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut server = JoinSet::new();
        let shared = Arc::clone(&world);
        server.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let mut request = vec![0; 4096];
                let Ok(count) = stream.read(&mut request).await else { continue };
                shared.requests.lock().push(String::from_utf8_lossy(&request[..count]).into_owned());
                let answer = shared.answer.lock().clone();
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        });
        let store = MemoryStorage::new();
        let tls = Arc::new(ClientTls::new(&TrustRoots::Pem(made.authority.into_bytes()), None).unwrap());
        let options = HttpsOptions { port, may_be_private, ..HttpsOptions::default() };
        let https = HttpsClient::new(Arc::new(Shared(Arc::clone(&world))), tls, options);
        let resolver = Arc::new(Shared(Arc::clone(&world)));
        let environment = Arc::new(Shared(Arc::clone(&world)));
        let keeper = StsKeeper::new(Arc::clone(&store) as _, resolver, https, environment);
        Self { world, store, keeper, _server: server }
    }

    async fn usual() -> Self {
        let setting = Self::new(&["mta-sts.far.example"], true).await;
        setting.announces("1");
        setting.serves("mode: enforce\r\nmx: mx.far.example\r\nmax_age: 604800");
        setting
    }

    fn announces(&self, id: &str) {
        *self.world.texts.lock() = Ok(vec![format!("v=STSv1; id={id}")]);
    }

    fn serves(&self, policy: &str) {
        *self.world.answer.lock() =
            format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nversion: STSv1\r\n{policy}\r\n");
    }

    fn later(&self, time: Duration) {
        let mut now = self.world.now.lock();
        *now = *now + time;
    }

    /// What is found, in words: `enforce`, `problem`, or both.
    async fn found(&self) -> String {
        let found = self.keeper.of(&far()).await;
        let mode = found.policy.as_ref().map_or("nothing", |policy| policy.mode.word());
        match found.problem {
            Some(problem) => format!("{mode}: {problem}"),
            None => mode.to_owned(),
        }
    }

    fn requests(&self) -> usize {
        self.world.requests.lock().len()
    }
}

fn far() -> Domain {
    Domain::parse("far.example").unwrap()
}

#[tokio::test]
async fn a_policy_is_fetched_once_and_kept() {
    let setting = Setting::usual().await;
    for _ in 0..3 {
        assert_eq!(setting.found().await, "enforce");
    }
    assert_eq!(setting.requests(), 1);
    let request = setting.world.requests.lock()[0].clone();
    assert!(request.starts_with("GET /.well-known/mta-sts.txt HTTP/1.1\r\nHost: mta-sts.far.example\r\n"), "{request}");
    let found = setting.keeper.of(&far()).await;
    let fact = |host: &str| found.fact(&Domain::parse(host).unwrap());
    assert_eq!(fact("mx.far.example"), StsFact::Enforce { names_host: true });
    assert_eq!(fact("evil.example"), StsFact::Enforce { names_host: false });
}

#[tokio::test]
async fn another_id_brings_another_policy() {
    let setting = Setting::usual().await;
    assert_eq!(setting.found().await, "enforce");
    setting.serves("mode: testing\r\nmx: mx.far.example\r\nmax_age: 604800");
    assert_eq!(setting.found().await, "enforce");
    setting.announces("2");
    assert_eq!(setting.found().await, "testing");
    setting.serves("mode: none\r\nmax_age: 604800");
    setting.announces("3");
    assert_eq!(setting.found().await, "none");
    assert_eq!(setting.keeper.of(&far()).await.fact(&far()), StsFact::Absent);
}

#[tokio::test]
async fn who_keeps_announcement_or_policy_away_gains_nothing() {
    let setting = Setting::usual().await;
    assert_eq!(setting.found().await, "enforce");
    for error in [LookupError::NoRecords, LookupError::NoSuchName, LookupError::Unavailable("x".to_owned())] {
        *setting.world.texts.lock() = Err(error);
        assert_eq!(setting.found().await, "enforce");
    }
    // Another id is forged, and what it leads to cannot be had: the policy that is kept counts.
    setting.announces("forged");
    *setting.world.answer.lock() = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned();
    let expected = "enforce: its MTA-STS policy cannot be fetched: the host answers 404";
    assert_eq!(setting.found().await, expected);
    // It is not asked for with every message.
    let asked = setting.requests();
    assert_eq!((setting.found().await.as_str(), setting.requests()), (expected, asked));
    setting.later(PAUSE_AFTER_FAILURE);
    assert_eq!((setting.found().await.as_str(), setting.requests()), (expected, asked + 1));
    // When its time is over it counts no longer.
    setting.later(7 * DAY);
    assert_eq!(setting.found().await, "nothing: its MTA-STS policy cannot be fetched: the host answers 404");
}

#[tokio::test]
async fn what_is_served_in_a_wrong_way_is_no_policy() {
    let policy = "version: STSv1\r\nmode: enforce\r\nmx: a.example\r\nmax_age: 1\r\n";
    let cases = [
        (
            format!(
                "HTTP/1.1 301 Moved\r\nLocation: https://evil.example/\r\nContent-Type: text/plain\r\n\r\n{policy}"
            ),
            "cannot be fetched: the host answers 301",
        ),
        (format!("HTTP/1.1 200 OK\r\n\r\n{policy}"), "cannot be used: it is not served as text/plain"),
        (
            format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n{policy}"),
            "cannot be used: it is not served as text/plain",
        ),
        (
            format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n{}", "x".repeat(MAX_STS_POLICY_BYTES + 1)),
            "cannot be fetched: the answer is longer than 65536 octets",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n<html>".to_owned(),
            "cannot be used: line 1 of the policy",
        ),
        ("220 mx ESMTP\r\n\r\n".to_owned(), "cannot be fetched: the answer is not HTTP"),
    ];
    for (answer, expected) in cases {
        let setting = Setting::usual().await;
        *setting.world.answer.lock() = answer;
        let found = setting.found().await;
        assert!(found.starts_with(&format!("nothing: its MTA-STS policy {expected}")), "{found}");
    }
}

#[tokio::test]
async fn the_certificate_has_to_be_for_the_policys_host() {
    let setting = Setting::new(&["far.example"], true).await;
    setting.announces("1");
    let found = setting.found().await;
    assert!(found.contains("the certificate is not for mta-sts.far.example"), "{found}");
    assert_eq!(setting.requests(), 0);
    let found = setting.keeper.of(&far()).await;
    assert_eq!(found.problem.unwrap().report_result(), "sts-webpki-invalid");
}

#[tokio::test]
async fn names_that_lead_inside_are_not_followed() {
    let setting = Setting::new(&["mta-sts.far.example"], false).await;
    setting.announces("1");
    let expected = "nothing: its MTA-STS policy cannot be fetched: the host's address 127.0.0.1 is not public";
    assert_eq!((setting.found().await.as_str(), setting.requests()), (expected, 0));
}

#[tokio::test]
async fn policies_are_refreshed_before_they_end_and_forgotten_after() {
    let setting = Setting::usual().await;
    let (_running, is_over) = watch::channel(false);
    setting.found().await;
    setting.keeper.refresh(&is_over).await.unwrap();
    assert_eq!(setting.requests(), 1);
    setting.later(2 * DAY);
    setting.keeper.refresh(&is_over).await.unwrap();
    assert_eq!(setting.requests(), 2);
    let kept = setting.store.sts_policy(&far()).await.unwrap().unwrap();
    assert_eq!(kept.expires_at, *setting.world.now.lock() + 7 * DAY);
    // It cannot be refreshed: it stays until it ends.
    *setting.world.texts.lock() = Err(LookupError::NoRecords);
    setting.later(6 * DAY);
    setting.keeper.refresh(&is_over).await.unwrap();
    assert!(setting.store.sts_policy(&far()).await.unwrap().is_some());
    setting.later(DAY);
    setting.keeper.refresh(&is_over).await.unwrap();
    assert!(setting.store.sts_policy(&far()).await.unwrap().is_none());
}
