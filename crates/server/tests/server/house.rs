//! A server with its rooms, for one test.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use posthouse_flow::{Environment, Flow, FlowOptions, SpoolLimits, SpoolRoom, SystemEnvironment};
use posthouse_identity::hashing::HashCost;
use posthouse_identity::{Identity, IdentityOptions, PasswordPolicy};
use posthouse_mailbox::Mailboxes;
use posthouse_model::session::TlsMode;
use posthouse_model::{Address, Domain, Secret, UnixMillis};
use posthouse_server::{ListenerConfig, ListenerRole, Rooms, Server, ServerOptions, bind};
use posthouse_storage::{MemoryStorage, Storage};
use posthouse_tls::{
    CertificateLibrary, ClientTls, LoadedCertificate, ServerTls, ServerTlsOptions, TrustRoots, self_signed,
};
use tempfile::TempDir;

use crate::client::Client;

/// The name in the certificate and the greetings.
pub(crate) const HOST: &str = "mail.example";
/// The password of both accounts.
pub(crate) const PASSWORD: &str = "quartz lantern violet 83";
/// What a listener is called: role and TLS mode.
pub(crate) const MX: &str = "mx";
pub(crate) const SUBMISSION: &str = "submission";
pub(crate) const SUBMISSIONS: &str = "submissions";
pub(crate) const LMTP: &str = "lmtp";
pub(crate) const IMAP: &str = "imap";
pub(crate) const IMAPS: &str = "imaps";
pub(crate) const POP3: &str = "pop3";
pub(crate) const POP3S: &str = "pop3s";
pub(crate) const HTTPS: &str = "https";
pub(crate) const HEALTH: &str = "health";

/// A server that runs.
pub(crate) struct TestHouse {
    pub(crate) server: Server,
    identity: Arc<Identity>,
    client_tls: Arc<ClientTls>,
    _directory: TempDir,
}

/// A server that does not run yet.
pub(crate) struct Draft {
    pub(crate) listeners: Vec<ListenerConfig>,
    pub(crate) options: ServerOptions,
    pub(crate) rooms: Rooms,
    client_tls: Arc<ClientTls>,
    directory: TempDir,
}

impl TestHouse {
    /// A server that keeps its mail in memory.
    pub(crate) async fn start() -> Self {
        Self::draft(MemoryStorage::new()).await.start()
    }

    /// A server that a test can still change.
    pub(crate) async fn draft(store: Arc<dyn Storage>) -> Draft {
        Self::draft_with(store, PasswordPolicy::default()).await
    }

    /// Likewise, with a policy of its own for passwords; those of the accounts are some years old.
    pub(crate) async fn draft_with(store: Arc<dyn Storage>, policy: PasswordPolicy) -> Draft {
        crate::logged::listen();
        let directory = tempfile::tempdir().unwrap();
        let rooms = rooms(store, &directory, policy).await;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let made = self_signed(&[HOST.to_owned()], now - 60, now + 3600).unwrap();
        let pem = made.certificate.as_bytes();
        let certificate = LoadedCertificate::from_pem(pem, made.key.as_bytes()).unwrap();
        let library = Arc::new(CertificateLibrary::new(vec![Arc::new(certificate)]));
        let tls = Arc::new(ServerTls::new(library, ServerTlsOptions::default()).unwrap());
        let client_tls = Arc::new(ClientTls::new(&TrustRoots::Pem(pem.to_vec()), None).unwrap());
        let listeners = [
            (MX, ListenerRole::Mx, TlsMode::StartTlsOptional),
            (SUBMISSION, ListenerRole::Submission, TlsMode::StartTlsRequired),
            (SUBMISSIONS, ListenerRole::Submission, TlsMode::Implicit),
            (LMTP, ListenerRole::Lmtp, TlsMode::None),
            (IMAP, ListenerRole::Imap, TlsMode::StartTlsRequired),
            (IMAPS, ListenerRole::Imap, TlsMode::Implicit),
            (POP3, ListenerRole::Pop3, TlsMode::StartTlsRequired),
            (POP3S, ListenerRole::Pop3, TlsMode::Implicit),
            (HTTPS, ListenerRole::Https, TlsMode::Implicit),
            (HEALTH, ListenerRole::Health, TlsMode::None),
        ];
        let listeners = listeners.map(|(name, role, mode)| {
            let addresses = vec!["127.0.0.1:0".parse().unwrap()];
            ListenerConfig::new(name, addresses, role, mode, Some(Arc::clone(&tls)), Domain::parse(HOST).unwrap())
        });
        Draft { listeners: listeners.into(), options: ServerOptions::default(), rooms, client_tls, directory }
    }

    /// Who lives here.
    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Where a listener is.
    pub(crate) fn address(&self, listener: &str) -> SocketAddr {
        self.server.addresses().iter().find(|one| one.listener == listener).unwrap().address
    }

    /// Connects without TLS.
    pub(crate) async fn connect(&self, listener: &str) -> Client {
        Client::connect(self.address(listener), Arc::clone(&self.client_tls)).await
    }

    /// Connects and begins with TLS.
    pub(crate) async fn connect_tls(&self, listener: &str) -> Client {
        let mut client = self.connect(listener).await;
        client.begin_tls().await;
        client
    }

    /// An IMAP session of ann's, inside TLS.
    pub(crate) async fn imap(&self) -> Client {
        let mut client = self.connect_tls(IMAPS).await;
        client.expect("* OK").await;
        client.send(&format!("in LOGIN ann@example.org \"{PASSWORD}\"")).await;
        client.until("in OK").await;
        client
    }

    /// Delivers a message to ann through the door of other servers.
    pub(crate) async fn deliver(&self, message: &str) {
        let mut client = self.connect(MX).await;
        client.expect("220 ").await;
        client.hand_over("sender@elsewhere.example", "ann@example.org", message).await;
        client.expect("250 ").await;
    }
}

impl Draft {
    /// The listener of this name.
    pub(crate) fn listener(&mut self, name: &str) -> &mut ListenerConfig {
        self.listeners.iter_mut().find(|one| one.name == name).unwrap()
    }

    /// Starts it.
    pub(crate) fn start(self) -> TestHouse {
        let bound = self.listeners.into_iter().map(|config| bind(config).unwrap()).collect();
        let identity = Arc::clone(&self.rooms.identity);
        let server = Server::start(self.rooms, bound, self.options).unwrap();
        TestHouse { server, identity, client_tls: self.client_tls, _directory: self.directory }
    }
}

async fn rooms(store: Arc<dyn Storage>, directory: &TempDir, password_policy: PasswordPolicy) -> Rooms {
    let options =
        IdentityOptions { password_policy, hash_cost: HashCost::dangerous_minimum(), ..IdentityOptions::default() };
    let identity = Arc::new(Identity::open(Arc::clone(&store), options).await.unwrap());
    let now = UnixMillis(1_700_000_000_000);
    identity.create_domain(Domain::parse("example.org").unwrap(), now).await.unwrap();
    for name in ["ann", "bob"] {
        let draft = posthouse_identity::AccountDraft {
            address: Address::parse(&format!("{name}@example.org")).unwrap(),
            display_name: String::new(),
            administrator: false,
            password: Secret::new(PASSWORD),
        };
        identity.create_account(draft, now).await.unwrap();
    }
    let mailboxes = Arc::new(Mailboxes::new(store));
    let environment: Arc<dyn Environment> = Arc::new(SystemEnvironment);
    let options = FlowOptions::new(Domain::parse(HOST).unwrap());
    let flow = Flow::new(Arc::clone(&identity), Arc::clone(&mailboxes), Arc::clone(&environment), options);
    let spool_room = SpoolRoom::new(SpoolLimits::new(directory.path().to_owned()));
    Rooms { identity, mailboxes, flow: Arc::new(flow), spool_room, environment }
}
