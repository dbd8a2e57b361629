//! Tokens from an HTTPS server on loopback, and out of files.

use std::net::IpAddr;

use posthouse_domain_policy::{LookupError, MxRecord, Proof, Records, Resolver};
use posthouse_flow::HopTls;
use posthouse_model::Domain;
use posthouse_storage::MemoryStorage;
use posthouse_storage::routes::{RouteFor, RouteHost, RouteLimits, RouteLogin, RouteTls, Routes, StoredRoute};
use posthouse_tls::{ClientTls, TrustRoots, demo_certificates};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::*;
use posthouse_server::https::HttpsOptions;

const HOST: &str = "accounts.example";
/// 1970 and 9999: always valid.
const ALWAYS: (u64, u64) = (0, 253_402_300_799);

/// What the endpoint and the clock say at the moment.
struct World {
    answers: Mutex<Vec<&'static str>>,
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
        assert_eq!(host.as_str(), HOST);
        Ok(Records { records: vec![[127, 0, 0, 1].into()], proof: Proof::Insecure })
    }

    async fn texts(&self, _: &Domain) -> Result<Records<String>, LookupError> {
        Err(LookupError::NoRecords)
    }

    async fn current_texts(&self, _: &Domain) -> Result<Records<String>, LookupError> {
        Err(LookupError::NoRecords)
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

struct Setting {
    world: Arc<World>,
    store: Arc<MemoryStorage>,
    tokens: RouteTokens,
    _server: JoinSet<()>,
}

fn acceptor(certificate: &str, key: &str) -> TlsAcceptor {
    let chain = CertificateDer::pem_slice_iter(certificate.as_bytes()).map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    TlsAcceptor::from(Arc::new(builder.with_no_client_auth().with_single_cert(chain, key).unwrap()))
}

impl Setting {
    /// An endpoint that gives `answers`, one to each request.
    async fn new(may_be_private: bool, answers: &[&'static str]) -> Self {
        let answers = Mutex::new(answers.iter().rev().copied().collect());
        let world = Arc::new(World { answers, requests: Mutex::default(), now: Mutex::new(UnixMillis(1_000_000)) });
        let made = demo_certificates(&[HOST.to_owned()], ALWAYS.0, ALWAYS.1).unwrap();
        let acceptor = acceptor(&made.server.certificate, &made.server.key);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (mut server, shared) = (JoinSet::new(), Arc::clone(&world));
        server.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let mut request = vec![0; 4096];
                let Ok(count) = stream.read(&mut request).await else { continue };
                shared.requests.lock().push(String::from_utf8_lossy(&request[..count]).into_owned());
                let answer = shared.answers.lock().pop().unwrap_or("HTTP/1.1 500 spent\r\n\r\n");
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        });
        let store = MemoryStorage::new();
        let tls = Arc::new(ClientTls::new(&TrustRoots::Pem(made.authority.into_bytes()), None).unwrap());
        let options = HttpsOptions { port, may_be_private, ..HttpsOptions::default() };
        let https = HttpsClient::new(Arc::new(Shared(Arc::clone(&world))), tls, options);
        let environment = Arc::new(Shared(Arc::clone(&world)));
        let tokens = RouteTokens::new(https, Arc::clone(&store) as _, environment);
        Self { world, store, tokens, _server: server }
    }

    fn later(&self, time: Duration) {
        let mut now = self.world.now.lock();
        *now = *now + time;
    }

    async fn token(&self, hop: &NextHop) -> Result<String, String> {
        let token = self.tokens.token(hop).await?;
        Ok(token.expose_str().unwrap().to_owned())
    }

    /// The refresh tokens that the endpoint was shown.
    fn shown(&self) -> Vec<String> {
        let of = |request: &String| request.split("&refresh_token=").nth(1).map(str::to_owned);
        self.world.requests.lock().iter().filter_map(of).collect()
    }

    /// The refresh token in the store.
    async fn stored(&self) -> String {
        let proof = self.store.routes().await.unwrap()[0].login.clone().unwrap().proof;
        let RouteProof::Refresh(refresh) = proof else { panic!("another proof") };
        refresh.refresh_token.expose_str().unwrap().to_owned()
    }
}

fn login(proof: RouteProof) -> RouteLogin {
    RouteLogin { name: "ann@far.example".to_owned(), proof }
}

fn by_refresh(token: &str) -> RouteLogin {
    login(RouteProof::Refresh(TokenRefresh {
        endpoint: format!("https://{HOST}/token"),
        client_id: "me".to_owned(),
        client_secret: None,
        refresh_token: Secret::new(token),
        scope: None,
    }))
}

fn hop(login: RouteLogin) -> NextHop {
    let host = Domain::parse("relay.example").unwrap();
    NextHop { login: Some(login), route: Some("a".to_owned()), ..NextHop::plain(host, None, 587, HopTls::Verified) }
}

fn route(login: RouteLogin) -> StoredRoute {
    let host = RouteHost { preference: 1, host: Domain::parse("relay.example").unwrap(), port: 587 };
    StoredRoute {
        name: "a".to_owned(),
        takes: RouteFor::default(),
        hosts: vec![host],
        tls: RouteTls::StartTls,
        certificate_name: None,
        login: Some(login),
        certificate: None,
        limits: RouteLimits::default(),
    }
}

const FIRST: &str = "HTTP/1.1 200 OK\r\n\r\n{\"access_token\":\"t1\",\"expires_in\":3600}";
const RENEWED: &str = "HTTP/1.1 200 OK\r\n\r\n{\"access_token\":\"t2\",\"expires_in\":3600,\"refresh_token\":\"r2\"}";
const THIRD: &str = "HTTP/1.1 200 OK\r\n\r\n{\"access_token\":\"t3\",\"refresh_token\":\"r3\"}";
const GONE: &str = "HTTP/1.1 400 no\r\n\r\n{\"error\":\"invalid_grant\"}";

#[tokio::test]
async fn a_token_is_used_while_it_is_good() {
    let setting = Setting::new(true, &[FIRST, RENEWED, THIRD]).await;
    setting.store.put_route(route(by_refresh("r1"))).await.unwrap();
    let hop = hop(by_refresh("r1"));
    for _ in 0..3 {
        assert_eq!(setting.token(&hop).await.as_deref(), Ok("t1"));
    }
    // It is over soon.
    setting.later(Duration::from_secs(3600 - 30));
    assert_eq!(setting.token(&hop).await.as_deref(), Ok("t2"));
    assert_eq!(setting.stored().await, "r2", "RFC 6749 §6: the old one is discarded");
    // The host has another opinion of it.
    setting.tokens.refused(&hop, &Secret::new("another"));
    assert_eq!(setting.token(&hop).await.as_deref(), Ok("t2"));
    setting.tokens.refused(&hop, &Secret::new("t2"));
    assert_eq!(setting.token(&hop).await.as_deref(), Ok("t3"));
    assert_eq!((setting.shown(), setting.stored().await), (vec!["r1".into(), "r1".into(), "r2".into()], "r3".into()));
}

#[tokio::test]
async fn many_who_need_a_token_ask_once() {
    let setting = Setting::new(true, &[FIRST]).await;
    let hop = hop(by_refresh("r1"));
    let (one, two) = tokio::join!(setting.token(&hop), setting.token(&hop));
    assert_eq!((one.as_deref(), two.as_deref()), (Ok("t1"), Ok("t1")));
}

#[tokio::test]
async fn an_endpoint_that_refuses_is_left_alone() {
    let setting = Setting::new(true, &[GONE, GONE, FIRST]).await;
    let gone = hop(by_refresh("secret-r0"));
    for _ in 0..3 {
        let told = setting.token(&gone).await.unwrap_err();
        assert_eq!(told, "no token from https://accounts.example/token: it refuses: invalid_grant");
    }
    assert_eq!(setting.shown().len(), 1);
    setting.later(REFUSAL_PAUSE + Duration::from_secs(1));
    assert!(setting.token(&gone).await.is_err());
    // Another refresh token is tried at once.
    assert_eq!(setting.token(&hop(by_refresh("r1"))).await.as_deref(), Ok("t1"));
}

#[tokio::test]
async fn an_endpoint_inside_is_not_asked() {
    let setting = Setting::new(false, &[FIRST]).await;
    let told = setting.token(&hop(by_refresh("r1"))).await.unwrap_err();
    assert!(told.ends_with("the host's address 127.0.0.1 is not public"), "{told}");
    assert_eq!(setting.shown().len(), 0);
}

#[tokio::test]
async fn a_file_is_read_anew_each_time() {
    let setting = Setting::new(true, &[]).await;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token");
    let hop = hop(login(RouteProof::TokenFile(path.display().to_string())));
    assert!(setting.token(&hop).await.unwrap_err().contains("the token cannot be read"));
    for token in ["one", "two"] {
        fs::write(&path, format!("{token}\r\nmore\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(setting.token(&hop).await.as_deref(), Ok(token));
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(setting.token(&hop).await.unwrap_err().contains("chmod 600"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&path, "\nx").unwrap();
    assert!(setting.token(&hop).await.unwrap_err().contains("empty"));
    fs::write(&path, "x".repeat(16 * 1024 + 1)).unwrap();
    assert!(setting.token(&hop).await.unwrap_err().contains("longer than"));
}
