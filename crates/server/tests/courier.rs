//! Mail from one house to another: our courier at our own doors.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the whole file is a test; the lint knows only test functions"
)]

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use bytes::Bytes;
use posthouse_domain_policy::{LookupError, MxRecord, Proof, Records, Resolver};
use posthouse_flow::{
    Cause, Consignment, Courier, DestinationTls, Dispatcher, Environment, Flow, FlowOptions, HopTls, NextHop,
    RecipientResult, SpoolLimits, SpoolRoom, SystemEnvironment,
};
use posthouse_identity::hashing::HashCost;
use posthouse_identity::{AccountDraft, Identity, IdentityOptions, LoginScope, Service};
use posthouse_mailbox::Mailboxes;
use posthouse_model::session::{Peer, TlsMode};
use posthouse_model::{Address, BodyType, Domain, Envelope, MailboxName, Recipient, ReversePath, Secret, UnixMillis};
use posthouse_server::courier::{CourierOptions, SmtpCourier};
use posthouse_server::{ListenerConfig, ListenerRole, Rooms, Server, ServerOptions, bind};
use posthouse_storage::routes::RouteLogin;
use posthouse_storage::{BodySlice, Directory, Mail, MemoryStorage, Queue};
use posthouse_tls::{
    CertificateLibrary, ClientTls, LoadedCertificate, ServerTls, ServerTlsOptions, TrustRoots, self_signed,
};
use tokio::sync::watch;

const HOST: &str = "mail.example";
const PASSWORD: &str = "quartz lantern violet 83";
/// How long anything here may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// DNS in which every domain is served by [`HOST`], which is here.
struct OnlyHere;

#[async_trait]
impl Resolver for OnlyHere {
    async fn mx(&self, _: &Domain) -> Result<Records<MxRecord>, LookupError> {
        let record = MxRecord { preference: 10, exchange: Some(Domain::parse(HOST).unwrap()) };
        Ok(Records { records: vec![record], proof: Proof::Insecure })
    }

    async fn addresses(&self, _: &Domain) -> Result<Records<IpAddr>, LookupError> {
        Ok(Records { records: vec![[127, 0, 0, 1].into()], proof: Proof::Insecure })
    }

    async fn texts(&self, _: &Domain) -> Result<Records<String>, LookupError> {
        Err(LookupError::NoRecords)
    }

    async fn current_texts(&self, _: &Domain) -> Result<Records<String>, LookupError> {
        Err(LookupError::NoRecords)
    }
}

/// A house of one domain in which Ann and Bob live.
struct House {
    store: Arc<MemoryStorage>,
    rooms: Rooms,
    server: Server,
    courier: Arc<SmtpCourier>,
    _directory: tempfile::TempDir,
}

impl House {
    async fn start(domain: &str, change: impl FnOnce(&mut FlowOptions)) -> Self {
        let store = MemoryStorage::new();
        let directory = tempfile::tempdir().unwrap();
        let rooms = rooms(&store, &directory, domain, change).await;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let made = self_signed(&[HOST.to_owned()], now - 60, now + 3600).unwrap();
        let certificate = LoadedCertificate::from_pem(made.certificate.as_bytes(), made.key.as_bytes()).unwrap();
        let library = Arc::new(CertificateLibrary::new(vec![Arc::new(certificate)]));
        let tls = Arc::new(ServerTls::new(library, ServerTlsOptions::default()).unwrap());
        let doors = [
            (ListenerRole::Mx, TlsMode::StartTlsOptional),
            (ListenerRole::Submission, TlsMode::StartTlsRequired),
            (ListenerRole::Submission, TlsMode::Implicit),
        ];
        let bound = doors.map(|(role, mode)| {
            let addresses = vec!["127.0.0.1:0".parse().unwrap()];
            let name = format!("{role:?} {mode:?}");
            let host = Domain::parse(HOST).unwrap();
            bind(ListenerConfig::new(&name, addresses, role, mode, Some(Arc::clone(&tls)), host)).unwrap()
        });
        let server = Server::start(rooms.clone(), bound.into(), ServerOptions::default()).unwrap();
        let trust = ClientTls::new(&TrustRoots::Pem(made.certificate.as_bytes().to_vec()), None).unwrap();
        let options = CourierOptions::new(Domain::parse("courier.example").unwrap());
        let courier = Arc::new(SmtpCourier::new(Arc::new(OnlyHere), Arc::new(trust), options));
        Self { store, rooms, server, courier, _directory: directory }
    }

    fn port(&self, role: ListenerRole, mode: TlsMode) -> u16 {
        let found = self.server.addresses().iter().find(|one| one.role == role && one.tls_mode == mode);
        found.unwrap().address.port()
    }

    fn hop(&self, role: ListenerRole, mode: TlsMode, tls: HopTls, password: Option<&str>) -> NextHop {
        let login = password.map(|password| RouteLogin::password("ann@ours.example", Secret::new(password)));
        let host = Domain::parse(HOST).unwrap();
        NextHop { login, ..NextHop::plain(host, None, self.port(role, mode), tls) }
    }

    async fn inbox(&self, name: &str) -> Vec<String> {
        let accounts = self.store.accounts(None).await.unwrap();
        let account = accounts.iter().find(|one| one.address.local_part.as_str() == name).unwrap().id;
        let mailbox = self.store.mailbox(account, &MailboxName::inbox()).await.unwrap().unwrap();
        let (_, records) = self.store.messages(account, mailbox.id).await.unwrap();
        let mut texts = Vec::new();
        for record in records {
            let slice = BodySlice { body: record.body, range: 0..record.size_bytes };
            texts.push(String::from_utf8(self.store.read(&[slice]).await.unwrap().concat()).unwrap());
        }
        texts
    }
}

async fn rooms(
    store: &Arc<MemoryStorage>,
    directory: &tempfile::TempDir,
    domain: &str,
    change: impl FnOnce(&mut FlowOptions),
) -> Rooms {
    let options = IdentityOptions { hash_cost: HashCost::dangerous_minimum(), ..IdentityOptions::default() };
    let identity = Arc::new(Identity::open(store.clone(), options).await.unwrap());
    let now = UnixMillis(1_700_000_000_000);
    identity.create_domain(Domain::parse(domain).unwrap(), now).await.unwrap();
    for name in ["ann", "bob"] {
        let draft = AccountDraft {
            address: address(&format!("{name}@{domain}")),
            display_name: String::new(),
            administrator: false,
            password: Secret::new(PASSWORD),
        };
        identity.create_account(draft, now).await.unwrap();
    }
    let mailboxes = Arc::new(Mailboxes::new(store.clone()));
    let environment: Arc<dyn Environment> = Arc::new(SystemEnvironment);
    let mut options = FlowOptions::new(Domain::parse(&format!("mx.{domain}")).unwrap());
    change(&mut options);
    let flow = Arc::new(Flow::new(identity.clone(), mailboxes.clone(), environment.clone(), options));
    let spool_room = SpoolRoom::new(SpoolLimits::new(directory.path().to_owned()));
    Rooms { identity, mailboxes, flow, spool_room, environment }
}

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

fn consignment(from: &str, to: &str) -> Consignment {
    let text = format!("From: {from}\r\nSubject: x\r\n\r\n.a dot\r\n..two\r\nend\r\n");
    Consignment {
        sender: ReversePath::Address(address(from)),
        recipients: vec![Recipient::new(address(to))],
        body_type: BodyType::SevenBit,
        smtputf8: false,
        require_tls: false,
        dsn_return: None,
        deliver_by: None,
        envelope_id: None,
        content: vec![Bytes::from(text)],
    }
}

#[tokio::test]
async fn at_the_door_of_other_servers() {
    let house = House::start("ours.example", |_| {}).await;
    let hop = house.hop(ListenerRole::Mx, TlsMode::StartTlsOptional, HopTls::Verified, None);
    let strict = Consignment { require_tls: true, ..consignment("x@far.example", "ann@ours.example") };
    let many = vec![consignment("x@far.example", "ann@ours.example"), strict];
    for round in 1..=2 {
        let results = house.courier.carry(&hop, many.clone()).await.unwrap();
        for result in results.iter() {
            assert!(matches!(result.recipients[0], RecipientResult::Accepted(_)), "{result:?}");
            assert!(result.tls.as_ref().unwrap().ends_with(", certificate verified"), "{result:?}");
            assert!(result.offers_dsn);
        }
        assert_eq!(house.courier.idle_connections(), 0, "until the results are taken note of");
        drop(results);
        assert_eq!((house.courier.idle_connections(), house.inbox("ann").await.len()), (1, round * 2));
    }
    assert!(house.inbox("ann").await[0].ends_with("\r\n\r\n.a dot\r\n..two\r\nend\r\n"));
    let relayed = house.courier.carry(&hop, vec![consignment("x@far.example", "y@far.example")]).await.unwrap();
    let RecipientResult::Refused(cause) = &relayed[0].recipients[0] else { panic!("an open relay") };
    assert!(!cause.is_passing(), "{cause}");
    house.courier.close_idle().await;
    house.server.shutdown().await;
}

#[tokio::test]
async fn signing_in() {
    let house = House::start("ours.example", |_| {}).await;
    let doors = [(TlsMode::StartTlsRequired, HopTls::Verified), (TlsMode::Implicit, HopTls::Implicit)];
    for (at, (mode, tls)) in doors.into_iter().enumerate() {
        let wrong = house.hop(ListenerRole::Submission, mode, tls.clone(), Some("wrong"));
        let one = || vec![consignment("ann@ours.example", "bob@ours.example")];
        let refused = house.courier.carry(&wrong, one()).await.unwrap_err();
        assert!(matches!(refused.cause, Cause::Login(_)), "{refused:?}");
        let right = house.hop(ListenerRole::Submission, mode, tls, Some(PASSWORD));
        let results = house.courier.carry(&right, one()).await.unwrap();
        assert!(matches!(results[0].recipients[0], RecipientResult::Accepted(_)), "{results:?}");
        assert_eq!(house.inbox("bob").await.len(), at + 1);
    }
}

#[tokio::test]
async fn from_one_house_to_another() {
    let there = House::start("there.example", |_| {}).await;
    let port = there.port(ListenerRole::Mx, TlsMode::StartTlsOptional);
    let here = House::start("here.example", |options| {
        options.smtp_port = port;
        options.default_tls = DestinationTls::Verified;
    })
    .await;
    let courier: Arc<SmtpCourier> = Arc::clone(&there.courier);
    let dispatcher = Dispatcher::new(Arc::clone(&here.rooms.flow), Arc::new(OnlyHere), courier.clone());
    let (shutdown, told) = watch::channel(false);
    let dispatching = tokio::spawn(dispatcher.run(told));
    let scope = LoginScope { service: Service::Submission, default_domain: None };
    let ann = here.rooms.identity.authorize("ann@here.example", None, &scope).await.unwrap();
    for recipient in ["bob@there.example", "nobody@there.example"] {
        let mut spool = here.rooms.spool_room.spool();
        spool.push(b"From: ann@here.example\r\nSubject: x\r\n\r\nfrom here to there\r\n").unwrap();
        let sender = ReversePath::Address(address("ann@here.example"));
        let envelope = Envelope { recipients: vec![Recipient::new(address(recipient))], ..Envelope::new(sender) };
        let peer = Peer { remote: "127.0.0.1:1".parse().unwrap(), local: "127.0.0.1:2".parse().unwrap() };
        let arrival = posthouse_flow::Arrival {
            door: posthouse_flow::Door::Submission(ann.clone()),
            peer,
            helo: "client.example".to_owned(),
            with: "ESMTPSA",
            tls: None,
        };
        here.rooms.flow.receive(arrival, envelope, spool.finish().await.unwrap()).await.unwrap();
    }
    let settled = async {
        while here.store.queue_counts().await.unwrap().entries > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, settled).await.unwrap();
    let arrived = there.inbox("bob").await;
    assert_eq!(arrived.len(), 1);
    assert!(arrived[0].starts_with("Return-Path: <ann@here.example>\r\nReceived: from courier.example "));
    assert!(arrived[0].ends_with("\r\n\r\nfrom here to there\r\n"));
    let told = here.inbox("ann").await;
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("\r\nAction: failed\r\n") && told[0].contains("nobody@there.example"), "{}", told[0]);
    shutdown.send(true).unwrap();
    dispatching.await.unwrap();
}
