use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use posthouse_domain_policy::transport::TlsaRecord;
use posthouse_domain_policy::{LookupError, MxRecord, Proof, Records, Resolver};
use posthouse_identity::{HashCost, Identity, IdentityOptions, LoginScope, Permit, Service};
use posthouse_mailbox::Mailboxes;
use posthouse_model::session::Peer;
use posthouse_model::{
    AccountId, Address, Domain, Envelope, MailboxId, MailboxName, Recipient, ReversePath, TrailKind, UnixMillis,
};
use posthouse_storage::{
    AliasRecord, BodySlice, Directory, Mail, MemoryStorage, NewAccount, NewDomain, Queue, QueueEntry, QueueFilter,
    Trail,
};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::{
    Arrival, Cause, Consignment, Courier, DeliveryResult, Dispatcher, Door, Environment, Flow, FlowOptions, HopFailure,
    MessageRefusal, NextHop, PeerReply, Protection, Received, RecipientResult, SpoolLimits, SpoolRoom,
};

/// When the tests begin: 2023-11-14T22:13:20Z.
pub const BEGIN: UnixMillis = UnixMillis(1_700_000_000_000);

/// The clock of the runtime, which a test stops, and numbers that differ.
struct TestEnvironment {
    began: tokio::time::Instant,
    numbers: AtomicU64,
}

impl Environment for TestEnvironment {
    fn now(&self) -> UnixMillis {
        BEGIN + self.began.elapsed()
    }

    fn random(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

/// `two.example` has two mail hosts, `gone.example` does not exist, any other domain is its own host. What ends in
/// `signed.example` is signed: of `half.signed.example` the first host's TLSA records cannot be had, and those of
/// `unusable.signed.example` cannot be used.
#[derive(Clone, Default)]
pub struct TestDns {
    /// TXT records, by their names.
    pub texts: Arc<Mutex<BTreeMap<String, String>>>,
}

fn proof_of(name: &Domain) -> Proof {
    if name.as_str().ends_with("signed.example") { Proof::Secure } else { Proof::Insecure }
}

#[async_trait]
impl Resolver for TestDns {
    async fn mx(&self, domain: &Domain) -> Result<Records<MxRecord>, LookupError> {
        let host = |preference, name: &str| MxRecord { preference, exchange: Some(Domain::parse(name).unwrap()) };
        match domain.as_str() {
            "two.example" => {
                let records = vec![host(20, "second.two.example"), host(10, "first.two.example")];
                Ok(Records { records, proof: Proof::Insecure })
            }
            "half.signed.example" => {
                let records = vec![host(20, "second.signed.example"), host(10, "bogus.signed.example")];
                Ok(Records { records, proof: Proof::Secure })
            }
            "bogus.example" => Ok(Records { records: vec![host(10, "second.signed.example")], proof: Proof::Insecure }),
            "gone.example" => Err(LookupError::NoSuchName),
            _ => Err(LookupError::NoRecords),
        }
    }

    async fn addresses(&self, host: &Domain) -> Result<Records<IpAddr>, LookupError> {
        Ok(Records { records: vec![[192, 0, 2, 1].into()], proof: proof_of(host) })
    }

    async fn tlsa(&self, name: &Domain) -> Result<Records<TlsaRecord>, LookupError> {
        match name.as_str() {
            "_25._tcp.bogus.signed.example" => Err(LookupError::Bogus),
            // RFC 7672 §3.1.3: what a public authority has to vouch for cannot be used here.
            "_25._tcp.second.signed.example" | "_25._tcp.unusable.signed.example" => {
                let usage = if name.as_str().contains("unusable") { 1 } else { 3 };
                let record = TlsaRecord { usage, selector: 1, matching: 1, data: vec![0; 32] };
                Ok(Records { records: vec![record], proof: Proof::Secure })
            }
            _ => Err(LookupError::NoRecords),
        }
    }

    async fn texts(&self, name: &Domain) -> Result<Records<String>, LookupError> {
        let found = self.texts.lock().get(name.as_str()).cloned();
        found.map(|text| Records { records: vec![text], proof: Proof::Insecure }).ok_or(LookupError::NoRecords)
    }

    async fn current_texts(&self, name: &Domain) -> Result<Records<String>, LookupError> {
        self.texts(name).await
    }
}

/// Stands for no answer at all.
const BROKEN_OFF: u16 = 0;

/// What a test's host does with a message.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Says this code to every recipient.
    Reply(u16),
    /// Says this code to every recipient, and takes over what the sender wants to be told.
    ReplyWithDsn(u16),
    /// Says this code to every recipient, and takes over the time of the message.
    ReplyWithDeliverBy(u16),
    /// Says this code to every recipient, after so long.
    ReplyAfter(u16, Duration),
    /// Cannot be used.
    Unusable,
    /// Cannot be used, and says so only after so long.
    UnusableAfter(Duration),
    /// Breaks off within the message.
    BreakOff,
    /// Makes the courier panic, after so long.
    PanicAfter(Duration),
    /// Answers 250 after so long.
    After(Duration),
}

/// A message that was carried, or was to be.
#[derive(Clone, Debug)]
pub struct Carried {
    pub hop: NextHop,
    pub consignment: Consignment,
    pub at: UnixMillis,
}

impl Carried {
    pub fn host(&self) -> &str {
        self.hop.host.as_str()
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.consignment.content.concat()).unwrap()
    }
}

type Answering = dyn Fn(usize, &Carried) -> Outcome + Send + Sync;

pub struct TestCourier {
    answering: Box<Answering>,
    protection: Box<dyn Fn(UnixMillis) -> Protection + Send + Sync>,
    environment: Arc<TestEnvironment>,
    carried: Mutex<Vec<Carried>>,
    under_way: Mutex<(usize, usize)>,
}

#[async_trait]
impl Courier for TestCourier {
    async fn carry(&self, hop: &NextHop, consignments: Vec<Consignment>) -> Result<crate::Carried, HopFailure> {
        let mut results = Vec::new();
        {
            let mut under_way = self.under_way.lock();
            under_way.0 += 1;
            under_way.1 = under_way.1.max(under_way.0);
        }
        for consignment in consignments {
            let carried = Carried { hop: hop.clone(), consignment, at: self.environment.now() };
            let number = self.carried.lock().len() + 1;
            self.carried.lock().push(carried.clone());
            let mut offers_deliver_by = false;
            let (code, offers_dsn) = match (self.answering)(number, &carried) {
                Outcome::Reply(code) => (code, false),
                Outcome::ReplyWithDsn(code) => (code, true),
                Outcome::BreakOff => (BROKEN_OFF, false),
                Outcome::ReplyWithDeliverBy(code) => {
                    offers_deliver_by = true;
                    (code, false)
                }
                Outcome::PanicAfter(time) => {
                    tokio::time::sleep(time).await;
                    panic!("the test wants it")
                }
                Outcome::After(time) => {
                    tokio::time::sleep(time).await;
                    (250, false)
                }
                Outcome::ReplyAfter(code, time) => {
                    tokio::time::sleep(time).await;
                    (code, false)
                }
                outcome @ (Outcome::Unusable | Outcome::UnusableAfter(_)) => {
                    if let Outcome::UnusableAfter(time) = outcome {
                        tokio::time::sleep(time).await;
                    }
                    self.under_way.lock().0 -= 1;
                    let cause = Cause::Connect("the host refuses connections".to_owned());
                    return Err(HopFailure { cause, host: hop.host.to_string() });
                }
            };
            let reply = PeerReply { code, enhanced: Some(format!("{}.1.1", code / 100)), text: "said so".to_owned() };
            let result = match code {
                200..300 => RecipientResult::Accepted(reply),
                BROKEN_OFF => RecipientResult::Refused(Cause::Lost("it broke off".to_owned())),
                _ => RecipientResult::Refused(Cause::Reply(reply)),
            };
            results.push(DeliveryResult {
                recipients: vec![result; carried.consignment.recipients.len()],
                tls: None,
                protection: (self.protection)(carried.at),
                host: format!("{} [192.0.2.1]", hop.host),
                offers_dsn,
                offers_deliver_by,
            });
        }
        self.under_way.lock().0 -= 1;
        Ok(results.into())
    }
}

/// A courier's behaviour that is the same for all messages.
pub fn answers(outcome: Outcome) -> impl Fn(usize, &Carried) -> Outcome + Send + Sync + 'static {
    move |_, _| outcome.clone()
}

pub fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

/// An envelope; an empty sender is the null one.
pub fn envelope(sender: &str, recipients: &[&str]) -> Envelope {
    let sender = if sender.is_empty() { ReversePath::Null } else { ReversePath::Address(address(sender)) };
    let recipients = recipients.iter().map(|one| Recipient::new(address(one))).collect();
    Envelope { recipients, ..Envelope::new(sender) }
}

/// A house of the domain `ours.example`, where Ann and Bob live.
pub struct House {
    pub store: Arc<MemoryStorage>,
    pub flow: Arc<Flow>,
    pub dns: TestDns,
    identity: Arc<Identity>,
    environment: Arc<TestEnvironment>,
    spool: Arc<SpoolRoom>,
    _directory: tempfile::TempDir,
}

impl House {
    pub async fn open() -> Self {
        Self::open_with(|_| {}).await
    }

    pub async fn open_with(change: impl FnOnce(&mut FlowOptions)) -> Self {
        Self::open_so(change, |flow, _| flow).await
    }

    /// The same, with a flow that has more than the usual.
    pub async fn open_so(
        change: impl FnOnce(&mut FlowOptions),
        furnish: impl FnOnce(Flow, Arc<dyn Resolver>) -> Flow,
    ) -> Self {
        let store = MemoryStorage::new();
        let options =
            IdentityOptions { hash_cost: HashCost::dangerous_minimum(), hashing_threads: 1, ..Default::default() };
        let identity = Arc::new(Identity::open(store.clone(), options).await.unwrap());
        let domain = NewDomain {
            name: Domain::parse("ours.example").unwrap(),
            catch_all: None,
            subaddress_separator: Some('+'),
            created_at: BEGIN,
        };
        store.create_domain(domain).await.unwrap();
        for name in ["ann", "bob"] {
            let account = NewAccount {
                address: address(&format!("{name}@ours.example")),
                display_name: String::new(),
                administrator: false,
                credential: None,
                mailboxes: vec![(MailboxName::inbox(), None)],
                created_at: BEGIN,
            };
            store.create_account(account).await.unwrap();
        }
        let mut options = FlowOptions::new(Domain::parse("mx.ours.example").unwrap());
        change(&mut options);
        let environment = Arc::new(TestEnvironment { began: tokio::time::Instant::now(), numbers: AtomicU64::new(1) });
        let mailboxes = Arc::new(Mailboxes::new(store.clone()));
        let dns = TestDns::default();
        let flow = Flow::new(identity.clone(), mailboxes, environment.clone(), options);
        let flow = Arc::new(furnish(flow, Arc::new(dns.clone())));
        let directory = tempfile::tempdir().unwrap();
        let spool = SpoolRoom::new(SpoolLimits::new(directory.path().into()));
        Self { store, flow, dns, identity, environment, spool, _directory: directory }
    }

    /// The room as another process would open it.
    pub fn reopened(&self) -> Flow {
        let mailboxes = Arc::new(Mailboxes::new(self.store.clone()));
        Flow::new(self.identity.clone(), mailboxes, self.environment.clone(), self.flow.options().clone())
    }

    pub async fn alias(&self, name: &str, targets: &[&str]) {
        let targets = targets.iter().map(|target| address(target)).collect();
        let alias = AliasRecord { address: address(name), targets, created_at: BEGIN };
        self.store.put_alias(alias).await.unwrap();
    }

    pub fn now(&self) -> UnixMillis {
        self.environment.now()
    }

    pub async fn account_of(&self, name: &str) -> AccountId {
        self.inbox_of(name).await.0
    }

    pub async fn ann(&self) -> Permit {
        let scope = LoginScope { service: Service::Submission, default_domain: None };
        self.identity.authorize("ann@ours.example", None, &scope).await.unwrap()
    }

    /// Somebody's INBOX goes, and another one may come.
    pub async fn delete_inbox(&self, name: &str, is_made_anew: bool) {
        let (account, mailbox) = self.inbox_of(name).await;
        self.store.delete_mailbox(account, mailbox).await.unwrap();
        if is_made_anew {
            self.store.create_mailbox(account, &MailboxName::inbox(), None).await.unwrap();
        }
    }

    async fn inbox_of(&self, name: &str) -> (AccountId, MailboxId) {
        let who = address(&format!("{name}@ours.example"));
        let accounts = self.store.accounts(None).await.unwrap();
        let account = accounts.iter().find(|account| account.address == who).unwrap().id;
        (account, self.store.mailbox(account, &MailboxName::inbox()).await.unwrap().unwrap().id)
    }

    /// Ann's door.
    pub async fn submission(&self) -> Door {
        Door::Submission(self.ann().await)
    }

    pub async fn receive(&self, door: Door, envelope: Envelope, text: &str) -> Result<Received, MessageRefusal> {
        self.receive_within(door, envelope, text, Duration::ZERO).await
    }

    /// The same, with a text that takes so long to come.
    pub async fn receive_within(
        &self,
        door: Door,
        envelope: Envelope,
        text: &str,
        time: Duration,
    ) -> Result<Received, MessageRefusal> {
        let peer = Peer { remote: "192.0.2.7:4711".parse().unwrap(), local: "192.0.2.1:25".parse().unwrap() };
        let arrival = Arrival { door, peer, helo: "client.example".to_owned(), with: "ESMTP", tls: None };
        let mut spool = self.spool.spool();
        spool.push(text.as_bytes()).unwrap();
        tokio::time::sleep(time).await;
        self.flow.receive(arrival, envelope, spool.finish().await.unwrap()).await
    }

    /// Ann hands in an ordinary message.
    pub async fn ann_writes(&self, envelope: Envelope) -> Received {
        let text = "From: ann@ours.example\r\nMessage-ID: <1@x>\r\nSubject: hi\r\n\r\nthe text\r\n";
        self.receive(self.submission().await, envelope, text).await.unwrap()
    }

    /// The messages in somebody's INBOX, oldest first.
    pub async fn inbox(&self, name: &str) -> Vec<String> {
        let (account, mailbox) = self.inbox_of(name).await;
        let (_, records) = self.store.messages(account, mailbox).await.unwrap();
        let mut texts = Vec::new();
        for record in records {
            let slice = BodySlice { body: record.body, range: 0..record.size_bytes };
            texts.push(String::from_utf8(self.store.read(&[slice]).await.unwrap().concat()).unwrap());
        }
        texts
    }

    pub async fn queue(&self) -> Vec<QueueEntry> {
        self.store.queue_entries(&QueueFilter::default(), None, 1000).await.unwrap()
    }

    pub async fn trail(&self, received: Received) -> Vec<TrailKind> {
        self.store.trail(received.journey).await.unwrap().iter().map(|event| event.kind).collect()
    }

    /// Opens the door through which mail leaves.
    pub fn dispatch(&self, answering: impl Fn(usize, &Carried) -> Outcome + Send + Sync + 'static) -> Dispatching {
        self.dispatch_protected(answering, |_| Protection::Clear)
    }

    /// The same, by hosts that offer this at that time.
    pub fn dispatch_protected(
        &self,
        answering: impl Fn(usize, &Carried) -> Outcome + Send + Sync + 'static,
        protection: impl Fn(UnixMillis) -> Protection + Send + Sync + 'static,
    ) -> Dispatching {
        let courier = Arc::new(TestCourier {
            answering: Box::new(answering),
            protection: Box::new(protection),
            environment: Arc::clone(&self.environment),
            carried: Mutex::default(),
            under_way: Mutex::default(),
        });
        let dispatcher = Dispatcher::new(Arc::clone(&self.flow), Arc::new(self.dns.clone()), courier.clone());
        let (shutdown, told) = watch::channel(false);
        Dispatching { courier, shutdown, task: tokio::spawn(dispatcher.run(told)) }
    }
}

/// A dispatcher at work.
pub struct Dispatching {
    pub courier: Arc<TestCourier>,
    pub shutdown: watch::Sender<bool>,
    pub task: JoinHandle<()>,
}

impl Dispatching {
    /// What was carried in this time.
    pub async fn carried_within(&self, time: Duration) -> Vec<Carried> {
        tokio::time::sleep(time).await;
        self.courier.carried.lock().clone()
    }

    /// Counts anew how many were under way at once.
    pub fn forget_most_at_once(&self) {
        self.courier.under_way.lock().1 = 0;
    }

    /// Most messages that were under way at once.
    pub fn most_at_once(&self) -> usize {
        self.courier.under_way.lock().1
    }
}
