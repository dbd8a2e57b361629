//! Who sends what to whom, and when.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use posthouse_flow::{DestinationRate, Dispatcher, Environment, Flow, FlowOptions};
use posthouse_identity::{HashCost, Identity, IdentityOptions};
use posthouse_mailbox::Mailboxes;
use posthouse_model::{Address, BodyType, Domain, JourneyId, Recipient, ReversePath, UnixMillis};
use posthouse_storage::{
    Body, Delivery, Mail, MemoryStorage, ParsedMessage, QueueSubmission, QueuedMessage, QueuedRecipient,
};
use tokio::sync::watch;

use super::hosts::{DELIVERIES, Manner, Net, PACE, PER_DESTINATION};

/// When it begins: 2023-11-14T22:13:20Z.
const BEGIN: UnixMillis = UnixMillis(1_700_000_000_000);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const DAYS: u32 = 10;
const SENDERS: u64 = 12;
/// The sender of these many messages at once, in turns to two destinations that behave; everybody else sends one here and
/// one there. It is enough for each to come to its limit.
const BURST: u64 = 300;
/// Every seventh destination has a pace.
const PACED_STEP: usize = 7;
/// Whom the burst goes to: one with a pace, and one without.
pub const BURST_TO: [u64; 2] = [0, 1];

/// How large a world is.
#[derive(Clone, Copy)]
pub struct Size {
    pub destinations: u64,
    pub messages: u64,
}

/// Numbers that a seed decides (SplitMix64).
pub struct Chance(Mutex<u64>);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }

    pub fn next(&self) -> u64 {
        let mut state = self.0.lock();
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = *state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// The clock of the runtime, and chance.
pub struct Clock {
    began: tokio::time::Instant,
    chance: Chance,
}

impl Clock {
    /// Whole days since the beginning.
    pub fn days(&self) -> u64 {
        self.began.elapsed().as_secs() / DAY.as_secs()
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
    pub number: u64,
    pub journey: JourneyId,
    pub sent_at: UnixMillis,
    pub is_in_burst: bool,
    pub recipients: Vec<(String, Manner)>,
}

/// A world with a server in it.
pub struct Simulation {
    pub seed: u64,
    pub store: Arc<MemoryStorage>,
    pub net: Arc<Net>,
    pub messages: Vec<Sent>,
    clock: Arc<Clock>,
    /// What is to be sent when, in seconds after the beginning.
    plan: Vec<(u64, Delivery)>,
    flow: Arc<Flow>,
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
        let lifetime = options.schedule.lifetime;
        let mailboxes = Arc::new(Mailboxes::new(store.clone()));
        let flow = Arc::new(Flow::new(identity, mailboxes, clock.clone(), options));
        let (messages, plan) = plan(&chance, size, &manners, lifetime);
        let net = Arc::new(Net::new(clock.clone(), Chance::new(chance.next()), manners, paced));
        Self { seed, store, net, messages, clock, plan, flow }
    }

    pub fn now(&self) -> UnixMillis {
        self.clock.now()
    }

    /// Lets ten days pass.
    pub async fn pass(&self) {
        let resolver = Arc::clone(&self.net) as _;
        let dispatcher = Dispatcher::new(Arc::clone(&self.flow), resolver, Arc::clone(&self.net) as _);
        let (_shutdown, told) = watch::channel(false);
        let working = tokio::spawn(dispatcher.run(told));
        for (second, delivery) in &self.plan {
            tokio::time::sleep_until(self.clock.began + Duration::from_secs(*second)).await;
            self.store.deliver(delivery.clone()).await.unwrap();
        }
        tokio::time::sleep_until(self.clock.began + DAY * DAYS).await;
        assert!(!working.is_finished());
    }
}

pub fn domain_of(number: u64) -> String {
    format!("d{number}.example")
}

fn plan(
    chance: &Chance,
    size: Size,
    manners: &HashMap<String, Manner>,
    lifetime: Duration,
) -> (Vec<Sent>, Vec<(u64, Delivery)>) {
    let mut times: Vec<u64> =
        (0..size.messages).map(|_| chance.below(u64::from(DAYS) * DAY.as_secs() * 9 / 10)).collect();
    times.sort_unstable();
    let burst = chance.below(size.messages - BURST - 20);
    // The burst comes at once, and right after it something of everybody else, as much of it as fits for its destination.
    let (from, to) = (burst as usize, (burst + BURST) as usize);
    let at = times[from];
    times[from..to + 20].fill(at);
    let (mut messages, mut plan) = (Vec::new(), Vec::new());
    for (number, second) in (0..).zip(times) {
        let in_burst = (burst..burst + BURST).contains(&number);
        let count = if in_burst { 1 } else { 1 + chance.below(4) };
        let mut recipients = Vec::new();
        for at in 0..count {
            let is_beside = number >= burst + BURST && number < burst + BURST + 4 && at == 0;
            let burst_to = BURST_TO[number as usize % BURST_TO.len()];
            let domain = domain_of(if in_burst || is_beside { burst_to } else { chance.below(size.destinations) });
            recipients.push((format!("u{number}-{at}@{domain}"), manners[&domain]));
        }
        let sender = if in_burst { "burst".to_owned() } else { format!("user{}", chance.below(SENDERS)) };
        let sent_at = BEGIN + Duration::from_secs(second);
        let journey = JourneyId((number + 1) << 22);
        plan.push((second, delivery(number, journey, &sender, sent_at, lifetime, &recipients)));
        messages.push(Sent { number, journey, sent_at, is_in_burst: in_burst, recipients });
    }
    (messages, plan)
}

fn delivery(
    number: u64,
    journey: JourneyId,
    sender: &str,
    sent_at: UnixMillis,
    lifetime: Duration,
    recipients: &[(String, Manner)],
) -> Delivery {
    let text = format!("Subject: {number}\r\n\r\nhello\r\n");
    let message = QueuedMessage {
        journey,
        sender: ReversePath::Address(Address::parse(&format!("{sender}@senders.example")).unwrap()),
        body_type: BodyType::SevenBit,
        smtputf8: false,
        tls: posthouse_model::TlsWish::None,
        may_sign: false,
        forwarded_by: None,
        submitter: None,
        dsn_return: None,
        envelope_id: Some(number.to_string()),
        size_bytes: text.len() as u64,
        received_at: sent_at,
        future_release: None,
        awaits_release: false,
        deliver_by: None,
    };
    let recipient = |(text, _): &(String, Manner)| {
        let address = Address::parse(text).unwrap();
        QueuedRecipient {
            destination: address.domain.clone(),
            recipient: Recipient::new(address),
            due_at: sent_at,
            expires_at: sent_at + lifetime,
            deadline: None,
            held: None,
        }
    };
    let queue = Some(QueueSubmission { message, recipients: recipients.iter().map(recipient).collect() });
    let body = Body::from_bytes(text);
    Delivery { body, parsed: ParsedMessage::default(), placements: Vec::new(), queue, trail: Vec::new() }
}
