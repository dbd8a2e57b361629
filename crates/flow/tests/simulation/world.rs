//! A server in a world, and what is done there.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use posthouse_flow::{
    Arrival, DestinationRate, Dispatcher, Door, Environment, Flow, FlowOptions, MessageRefusal, QueueAction,
    SendingRefusal, SpoolLimits, SpoolRoom,
};
use posthouse_identity::{HashCost, Identity, IdentityOptions, LoginScope, Service};
use posthouse_mailbox::Mailboxes;
use posthouse_model::session::Peer;
use posthouse_model::{
    AccountId, Address, DeliverBy, Domain, Envelope, FutureRelease, HoldRequest, JourneyId, MailboxName, Recipient,
    ReversePath, UnixMillis,
};
use posthouse_storage::{
    Directory, FreezeCause, HeldMail, MemoryStorage, NewAccount, NewDomain, Queue, QueueEntry, QueueFilter,
};
use tokio::sync::watch;

use super::hosts::{DELIVERIES, Manner, Net, PACE, PER_DESTINATION};
use super::plan::{Act, BURST_SENDER, BURST_TO, Chance, DAY, DAYS, Letter, OURS, SENDERS, Size, domain_of, plan};
use super::wards::{Key, Ward, Why};

/// When it begins: 2023-11-14T22:13:20Z.
const BEGIN: UnixMillis = UnixMillis(1_700_000_000_000);
/// Every seventh destination has a pace.
const PACED_STEP: usize = 7;

/// The clock of the runtime, and chance.
pub struct Clock {
    began: tokio::time::Instant,
    chance: Chance,
}

impl Clock {
    /// Whole days since the beginning.
    pub fn days(&self) -> u64 {
        self.began.elapsed().as_secs() / DAY
    }
}

impl Environment for Clock {
    fn now(&self) -> UnixMillis {
        BEGIN + self.began.elapsed()
    }

    fn random(&self) -> u64 {
        self.chance.next()
    }
}

/// A message that was sent.
pub struct Sent {
    pub letter: Letter,
    pub journey: JourneyId,
    pub at: UnixMillis,
    pub deliver_by: Option<DeliverBy>,
    /// When its time comes, unless an administrator lets it go before.
    pub release_at: Option<UnixMillis>,
}

/// A world with a server in it.
pub struct Simulation {
    pub seed: u64,
    pub store: Arc<MemoryStorage>,
    pub net: Arc<Net>,
    pub messages: Vec<Sent>,
    clock: Arc<Clock>,
    identity: Arc<Identity>,
    flow: Arc<Flow>,
    spool: Arc<SpoolRoom>,
    accounts: HashMap<String, AccountId>,
    frozen: Vec<String>,
    plan: Vec<(u64, Act)>,
    _directory: tempfile::TempDir,
}

impl Simulation {
    /// Decides all there is to decide.
    pub async fn begin(seed: u64, size: Size) -> Self {
        let chance = Chance::new(seed);
        let clock = Arc::new(Clock { began: tokio::time::Instant::now(), chance: Chance::new(chance.next()) });
        let mut manners: HashMap<String, Manner> =
            (0..size.destinations).map(|at| (domain_of(at), Manner::of(&chance))).collect();
        manners.extend(BURST_TO.map(|at| (domain_of(at), Manner::Good)));
        let paced: Vec<String> = (0..size.destinations).step_by(PACED_STEP).map(domain_of).collect();
        let store = MemoryStorage::new();
        let accounts = settle_in(&store).await;
        let identity_options =
            IdentityOptions { hash_cost: HashCost::dangerous_minimum(), hashing_threads: 1, ..Default::default() };
        let identity = Arc::new(Identity::open(store.clone(), identity_options).await.unwrap());
        let mut options = FlowOptions::new(Domain::parse("mx.ours.example").unwrap());
        options.max_deliveries = DELIVERIES;
        options.max_deliveries_per_destination = PER_DESTINATION;
        for one in &paced {
            let rate = DestinationRate::per_minute(NonZeroU32::new(PACE).unwrap());
            options.destination_rates.insert(Domain::parse(one).unwrap(), rate);
        }
        let mailboxes = Arc::new(Mailboxes::new(store.clone()));
        let flow = Arc::new(Flow::new(Arc::clone(&identity), mailboxes, clock.clone(), options));
        let plan = plan(&chance, size, &manners);
        let net = Arc::new(Net::new(clock.clone(), Chance::new(chance.next()), manners, paced));
        let directory = tempfile::tempdir().unwrap();
        let spool = SpoolRoom::new(SpoolLimits::new(directory.path().into()));
        Self {
            seed,
            store,
            net,
            messages: Vec::new(),
            clock,
            identity,
            flow,
            spool,
            accounts,
            frozen: Vec::new(),
            plan,
            _directory: directory,
        }
    }

    pub fn now(&self) -> UnixMillis {
        self.clock.now()
    }

    /// Lets ten days pass.
    pub async fn pass(&mut self) {
        let resolver = Arc::clone(&self.net) as _;
        let dispatcher = Dispatcher::new(Arc::clone(&self.flow), resolver, Arc::clone(&self.net) as _);
        let (_shutdown, told) = watch::channel(false);
        let working = tokio::spawn(dispatcher.run(told));
        let end = DAYS * DAY;
        for (second, act) in std::mem::take(&mut self.plan).into_iter().filter(|(second, _)| *second < end) {
            tokio::time::sleep_until(self.clock.began + Duration::from_secs(second)).await;
            self.act(act).await;
        }
        tokio::time::sleep_until(self.clock.began + Duration::from_secs(end)).await;
        assert!(!working.is_finished());
    }

    async fn act(&mut self, act: Act) {
        match act {
            Act::Send(letter) => self.send(letter).await,
            Act::Hold(number) => self.hold(number).await,
            Act::Release(number) => self.release(number).await,
            Act::Drop(number) => self.drop_message(number).await,
            Act::Freeze(sender) => self.freeze(sender).await,
            Act::Thaw(sender, held) => self.thaw(&sender, held).await,
        }
    }

    async fn send(&mut self, letter: Letter) {
        let now = self.now();
        let release_at = letter.waits.map(|waits| now + waits);
        let deliver_by = letter.deliver_within.map(|(time, mode)| DeliverBy { at: now + time, mode, trace: false });
        let request = |waits: Duration| HoldRequest::For(u32::try_from(waits.as_secs()).unwrap());
        let future_release =
            letter.waits.zip(release_at).map(|(waits, at)| FutureRelease { request: request(waits), at });
        let sender = address_of(&letter.sender);
        let recipient = |(text, _): &(String, Manner)| Recipient::new(Address::parse(text).unwrap());
        let envelope = Envelope {
            envelope_id: Some(letter.number.to_string()),
            future_release,
            deliver_by,
            recipients: letter.recipients.iter().map(recipient).collect(),
            ..Envelope::new(ReversePath::Address(sender.clone()))
        };
        self.net.expect(&letter, now, release_at, deliver_by);
        let scope = LoginScope { service: Service::Submission, default_domain: None };
        let permit = self.identity.authorize(&sender.to_string(), None, &scope).await.unwrap();
        let peer = Peer { remote: "192.0.2.7:4711".parse().unwrap(), local: "192.0.2.1:587".parse().unwrap() };
        let helo = "client.example".to_owned();
        let arrival = Arrival { door: Door::Submission(permit), peer, helo, with: "ESMTPSA", tls: None };
        let number = letter.number;
        let mut spool = self.spool.spool();
        let text = format!("From: {sender}\r\nMessage-ID: <{number}@{OURS}>\r\nSubject: {number}\r\n\r\nhello\r\n");
        spool.push(text.as_bytes()).unwrap();
        let received = self.flow.receive(arrival, envelope, spool.finish().await.unwrap()).await;
        if self.frozen.contains(&letter.sender) {
            let refusal = MessageRefusal::Sending(SendingRefusal::Frozen(FreezeCause::Administrator));
            assert_eq!(received, Err(refusal), "seed {}: message {number}", self.seed);
            return self.net.forget(number);
        }
        let journey = received.unwrap().journey;
        self.messages.push(Sent { letter, journey, at: now, deliver_by, release_at });
    }

    async fn hold(&self, number: u64) {
        let Some(filter) = self.message(number) else { return };
        let done = self.steer(&filter, &QueueAction::Hold).await;
        let held = self.entries(&QueueFilter { held: Some(true), ..filter }).await;
        assert_eq!(held.len(), done, "seed {}: message {number} is to be held", self.seed);
        held.iter().for_each(|entry| self.ward(entry, Why::Held));
    }

    async fn release(&self, number: u64) {
        let Some(filter) = self.message(number) else { return };
        let entries = self.entries(&filter).await;
        if entries.first().and_then(|entry| entry.message.submitter).is_some_and(|one| self.is_frozen(one)) {
            // It would be held again after one attempt.
            return;
        }
        self.steer(&filter, &QueueAction::Release).await;
        for entry in entries {
            // What waits besides goes on waiting.
            let why = if entry.held { Why::Held } else { Why::Later };
            self.net.free(&key_of(&entry), why, self.now());
        }
    }

    async fn drop_message(&self, number: u64) {
        let Some(filter) = self.message(number) else { return };
        let before = self.entries(&filter).await;
        self.steer(&filter, &QueueAction::Drop).await;
        let left = self.entries(&filter).await;
        // What is under way is left alone.
        before.iter().filter(|one| left.iter().all(|left| left.id != one.id)).for_each(|one| self.ward(one, Why::Over));
    }

    async fn freeze(&mut self, sender: String) {
        let account = self.accounts[&sender];
        let frozen = self.flow.freeze_sending(account, FreezeCause::Administrator, String::new()).await.unwrap();
        assert!(frozen.is_some(), "seed {}", self.seed);
        for message in self.messages.iter().filter(|message| message.letter.sender == sender) {
            for (recipient, _) in &message.letter.recipients {
                let ward = Ward { why: Why::Frozen, from: self.now(), until: None };
                self.net.ward(&(message.letter.number, recipient.clone()), ward);
            }
        }
        for entry in self.entries(&of_sender(account, true)).await {
            self.ward(&entry, Why::Held);
        }
        self.frozen.push(sender);
    }

    async fn thaw(&mut self, sender: &str, held: HeldMail) {
        let account = self.accounts[sender];
        let entries = self.entries(&of_sender(account, true)).await;
        self.flow.release_sending(account, held).await.unwrap();
        self.frozen.retain(|one| one != sender);
        for message in self.messages.iter().filter(|message| message.letter.sender == sender) {
            for (recipient, _) in &message.letter.recipients {
                self.net.free(&(message.letter.number, recipient.clone()), Why::Frozen, self.now());
            }
        }
        for entry in entries {
            match held {
                HeldMail::GoesOn if entry.held_with_account => {
                    self.net.free(&key_of(&entry), Why::Held, self.now());
                }
                // An administrator holds it besides.
                HeldMail::GoesOn => {}
                HeldMail::IsDropped => self.ward(&entry, Why::Over),
            }
        }
    }

    fn is_frozen(&self, account: AccountId) -> bool {
        self.frozen.iter().any(|sender| self.accounts[sender] == account)
    }

    /// The entries of a message, if it was taken in.
    fn message(&self, number: u64) -> Option<QueueFilter> {
        let sent = self.messages.iter().find(|message| message.letter.number == number)?;
        Some(QueueFilter { journey: Some(sent.journey), ..QueueFilter::default() })
    }

    async fn entries(&self, filter: &QueueFilter) -> Vec<QueueEntry> {
        self.store.queue_entries(filter, None, usize::MAX).await.unwrap()
    }

    /// Tells to how many entries it was done.
    async fn steer(&self, filter: &QueueFilter, action: &QueueAction) -> usize {
        self.flow.steer_queue(filter, action, None, usize::MAX).await.unwrap().done
    }

    fn ward(&self, entry: &QueueEntry, why: Why) {
        self.net.ward(&key_of(entry), Ward { why, from: self.now(), until: None });
    }
}

/// Gives everybody who sends an account.
async fn settle_in(store: &MemoryStorage) -> HashMap<String, AccountId> {
    let name = Domain::parse(OURS).unwrap();
    let domain = NewDomain { name, catch_all: None, subaddress_separator: None, created_at: BEGIN };
    store.create_domain(domain).await.unwrap();
    let mut accounts = HashMap::new();
    for sender in (0..SENDERS).map(|number| format!("user{number}")).chain([BURST_SENDER.to_owned()]) {
        let account = NewAccount {
            address: address_of(&sender),
            display_name: String::new(),
            administrator: false,
            credential: None,
            mailboxes: vec![(MailboxName::inbox(), None)],
            created_at: BEGIN,
        };
        accounts.insert(sender, store.create_account(account).await.unwrap().id);
    }
    accounts
}

fn address_of(sender: &str) -> Address {
    Address::parse(&format!("{sender}@{OURS}")).unwrap()
}

fn of_sender(account: AccountId, held: bool) -> QueueFilter {
    QueueFilter { submitter: Some(account), held: Some(held), ..QueueFilter::default() }
}

fn key_of(entry: &QueueEntry) -> Key {
    let number = entry.message.envelope_id.as_ref().and_then(|id| id.parse().ok()).unwrap_or(u64::MAX);
    (number, entry.recipient.address.to_string())
}
