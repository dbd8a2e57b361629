//! The world outside: DNS, and hosts that behave or do not.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use posthouse_domain_policy::{LookupError, MxRecord, Proof, Records, Resolver};
use posthouse_flow::{
    Carried, Cause, Consignment, Courier, DeliveryResult, Environment, HopFailure, NextHop, PeerReply, Protection,
    RecipientResult,
};
use posthouse_model::{ByMode, DeliverBy, Domain, UnixMillis};

use super::plan::{Chance, Letter};
use super::wards::{Key, Ward, Wards, Why};
use super::world::Clock;

/// Most deliveries at once, and to one destination.
pub const DELIVERIES: usize = 16;
/// Of them, to one destination.
pub const PER_DESTINATION: usize = 6;
/// Messages a minute to a destination with a pace.
pub const PACE: u32 = 30;
/// What may go beyond the pace within a minute: the one with which a rest ends.
const PACE_SLACK: usize = 1;
const MINUTE_MS: i64 = 60_000;
/// How long it takes until nobody has answered.
const DEAD_SECONDS: u64 = 30;
/// How long a slow host takes at least, and at most twice that.
const TARPIT_SECONDS: u64 = 150;

/// How a host is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// It takes everything.
    Good,
    /// Nobody ever answers.
    Dead,
    /// It says 450 for three days, then takes everything.
    Deferring,
    /// It says 421 most of the time.
    Busy,
    /// It takes minutes for each message.
    Tarpit,
    /// It breaks off after the text, half the time before its 250 and half the time after.
    Dropping,
    /// It refuses some recipients for good, some for now.
    Picky,
    /// DNS cannot say where it is, most of the time.
    Lost,
    /// It is no host but a mailbox here.
    Ours,
}

impl Manner {
    /// Longest that an attempt takes.
    pub fn longest_attempt(self) -> Duration {
        Duration::from_secs(match self {
            Self::Dead => DEAD_SECONDS,
            Self::Tarpit => 2 * TARPIT_SECONDS,
            _ => 3,
        })
    }

    /// A third misbehave.
    pub fn of(chance: &Chance) -> Self {
        let bad = [Self::Dead, Self::Deferring, Self::Busy, Self::Tarpit, Self::Dropping, Self::Picky, Self::Lost];
        match chance.below(3) {
            0 => bad[chance.below(bad.len() as u64) as usize],
            _ => Self::Good,
        }
    }
}

#[derive(Default)]
struct Seen {
    under_way: usize,
    under_way_to: HashMap<String, usize>,
    most_under_way_to: HashMap<String, usize>,
    most_in_a_minute: HashMap<String, usize>,
    /// When messages to destinations with a pace were begun in the last minute.
    begun: HashMap<String, VecDeque<i64>>,
    first_attempts: HashMap<Key, UnixMillis>,
    acknowledged: HashMap<Key, usize>,
    wards: Wards,
    violations: Vec<String>,
}

/// All hosts.
pub struct Net {
    clock: Arc<Clock>,
    chance: Chance,
    manners: HashMap<String, Manner>,
    paced: Vec<String>,
    seen: Mutex<Seen>,
}

impl Net {
    pub fn new(clock: Arc<Clock>, chance: Chance, manners: HashMap<String, Manner>, paced: Vec<String>) -> Self {
        Self { clock, chance, manners, paced, seen: Mutex::default() }
    }

    /// Limits that were exceeded.
    pub fn violations(&self) -> Vec<String> {
        self.seen.lock().violations.clone()
    }

    /// Most messages that were under way to a host at once.
    pub fn most_under_way_to(&self, host: &str) -> usize {
        self.seen.lock().most_under_way_to.get(host).copied().unwrap_or(0)
    }

    /// Most messages that were begun to a host with a pace within a minute.
    pub fn most_in_a_minute(&self, host: &str) -> usize {
        self.seen.lock().most_in_a_minute.get(host).copied().unwrap_or(0)
    }

    /// Recipients whose mail is under way.
    pub fn under_way(&self) -> usize {
        self.seen.lock().under_way
    }

    /// How often the sender saw a 250 for this recipient.
    pub fn acknowledged(&self, key: &Key) -> usize {
        self.seen.lock().acknowledged.get(key).copied().unwrap_or(0)
    }

    /// When a host was first tried for this recipient.
    pub fn first_attempt(&self, key: &Key) -> Option<UnixMillis> {
        self.seen.lock().first_attempts.get(key).copied()
    }

    /// Learns what its sender wants of a message.
    pub fn expect(
        &self,
        letter: &Letter,
        now: UnixMillis,
        release_at: Option<UnixMillis>,
        deliver_by: Option<DeliverBy>,
    ) {
        let later = release_at.map(|at| Ward { why: Why::Later, from: now, until: Some(at) });
        // RFC 2852 §4.1.3: what is returned is not tried any more.
        let returned = deliver_by.filter(|by| by.mode == ByMode::Return);
        let over = returned.map(|by| Ward { why: Why::Over, from: by.at, until: None });
        for (recipient, _) in &letter.recipients {
            let key = (letter.number, recipient.clone());
            later.into_iter().chain(over).for_each(|ward| self.ward(&key, ward));
        }
    }

    /// A message was not taken in.
    pub fn forget(&self, message: u64) {
        self.seen.lock().wards.forget(message);
    }

    /// From now on a recipient's mail may not be tried.
    pub fn ward(&self, key: &Key, ward: Ward) {
        self.seen.lock().wards.begin(key, ward);
    }

    /// For this reason it may be tried again.
    pub fn free(&self, key: &Key, why: Why, now: UnixMillis) {
        self.seen.lock().wards.end(key, why, now);
    }

    /// When it might not be tried.
    pub fn wards(&self, key: &Key) -> Vec<Ward> {
        self.seen.lock().wards.of(key)
    }

    fn begin(&self, host: &str, consignment: &Consignment) {
        let now = self.clock.now();
        let mut seen = self.seen.lock();
        seen.under_way += 1;
        let to_host = {
            let count = seen.under_way_to.entry(host.to_owned()).or_default();
            *count += 1;
            *count
        };
        let most = seen.most_under_way_to.entry(host.to_owned()).or_default();
        *most = to_host.max(*most);
        if seen.under_way > DELIVERIES || to_host > PER_DESTINATION {
            let text = format!("{} under way, {to_host} to {host}", seen.under_way);
            seen.violations.push(text);
        }
        if self.paced.iter().any(|one| one == host) {
            let begun = seen.begun.entry(host.to_owned()).or_default();
            begun.push_back(now.0);
            while begun.front().is_some_and(|at| now.0 - at >= MINUTE_MS) {
                begun.pop_front();
            }
            let count = begun.len();
            let most = seen.most_in_a_minute.entry(host.to_owned()).or_default();
            *most = count.max(*most);
            if count > PACE as usize + PACE_SLACK {
                seen.violations.push(format!("{count} messages to {host} in a minute"));
            }
        }
        for key in keys(consignment) {
            if let Some(ward) = seen.wards.forbidding(&key, now) {
                seen.violations.push(format!("{key:?} was tried at {now}: {ward:?}"));
            }
            seen.first_attempts.entry(key).or_insert(now);
        }
    }

    fn end(&self, host: &str) {
        let mut seen = self.seen.lock();
        seen.under_way -= 1;
        if let Some(count) = seen.under_way_to.get_mut(host) {
            *count -= 1;
        }
    }

    fn acknowledge(&self, consignment: &Consignment, results: &[RecipientResult]) {
        let mut seen = self.seen.lock();
        for (key, result) in keys(consignment).zip(results) {
            if matches!(result, RecipientResult::Accepted(_)) {
                *seen.acknowledged.entry(key).or_default() += 1;
            }
        }
    }

    async fn answer(&self, host: &str, consignment: &Consignment) -> Result<Vec<RecipientResult>, Cause> {
        let millis = |most: u64| Duration::from_millis(50 + self.chance.below(most));
        let all = |result: RecipientResult| Ok(vec![result; consignment.recipients.len()]);
        match self.manners.get(host).copied().unwrap_or(Manner::Good) {
            Manner::Dead => {
                tokio::time::sleep(Duration::from_secs(DEAD_SECONDS)).await;
                Err(Cause::Connect("nobody answers".to_owned()))
            }
            Manner::Busy if self.chance.below(4) > 0 => {
                tokio::time::sleep(millis(500)).await;
                Err(Cause::Reply(reply(421)))
            }
            Manner::Tarpit => {
                let seconds = TARPIT_SECONDS + self.chance.below(TARPIT_SECONDS);
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                all(said(250))
            }
            manner => {
                tokio::time::sleep(millis(2000)).await;
                match manner {
                    Manner::Deferring if self.clock.days() < 3 => all(said(450)),
                    Manner::Dropping if self.chance.below(2) == 0 => {
                        all(RecipientResult::Refused(Cause::Lost("it ended after the text".to_owned())))
                    }
                    Manner::Picky => {
                        let one = |_| said([250, 250, 450, 550][self.chance.below(4) as usize]);
                        Ok(consignment.recipients.iter().map(one).collect())
                    }
                    _ => all(said(250)),
                }
            }
        }
    }
}

/// The message and each of its recipients.
fn keys(consignment: &Consignment) -> impl Iterator<Item = Key> {
    let message = consignment.envelope_id.as_ref().and_then(|id| id.parse().ok()).unwrap_or(u64::MAX);
    consignment.recipients.iter().map(move |one| (message, one.address.to_string()))
}

fn reply(code: u16) -> PeerReply {
    PeerReply { code, enhanced: None, text: "said so".to_owned() }
}

fn said(code: u16) -> RecipientResult {
    match code {
        250 => RecipientResult::Accepted(reply(code)),
        _ => RecipientResult::Refused(Cause::Reply(reply(code))),
    }
}

#[async_trait]
impl Courier for Net {
    async fn carry(&self, hop: &NextHop, consignments: Vec<Consignment>) -> Result<Carried, HopFailure> {
        let host = hop.host.as_str();
        let mut results = Vec::new();
        for consignment in &consignments {
            self.begin(host, consignment);
            let answer = self.answer(host, consignment).await;
            self.end(host);
            match answer {
                Ok(recipients) => {
                    self.acknowledge(consignment, &recipients);
                    results.push(DeliveryResult {
                        recipients,
                        tls: None,
                        protection: Protection::Clear,
                        host: host.to_owned(),
                        offers_dsn: false,
                        offers_deliver_by: true,
                    });
                }
                Err(cause) => return Err(HopFailure { cause, host: host.to_owned() }),
            }
        }
        Ok(results.into())
    }
}

#[async_trait]
impl Resolver for Net {
    async fn mx(&self, domain: &Domain) -> Result<Records<MxRecord>, LookupError> {
        let is_lost = self.manners.get(domain.as_str()) == Some(&Manner::Lost);
        match is_lost && self.chance.below(5) > 0 {
            true => Err(LookupError::Unavailable("no server answers".to_owned())),
            false => Err(LookupError::NoRecords),
        }
    }

    async fn addresses(&self, _: &Domain) -> Result<Records<IpAddr>, LookupError> {
        Ok(Records { records: vec![[192, 0, 2, 1].into()], proof: Proof::Insecure })
    }

    async fn texts(&self, _: &Domain) -> Result<Records<String>, LookupError> {
        Err(LookupError::NoRecords)
    }

    async fn current_texts(&self, _: &Domain) -> Result<Records<String>, LookupError> {
        Err(LookupError::NoRecords)
    }
}
