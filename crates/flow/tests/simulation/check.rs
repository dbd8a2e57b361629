//! What has to hold, whatever happened.

use std::collections::HashMap;
use std::time::Duration;

use posthouse_model::{ByMode, TrailEvent, TrailKind, UnixMillis};
use posthouse_storage::{Queue, QueueEntry, QueueFilter, Trail};

use super::hosts::{Manner, PACE, PER_DESTINATION};
use super::plan::{BURST_TO, domain_of};
use super::wards::{UNDER_WAY, Why};
use super::world::{Sent, Simulation};

/// Mail to a host that behaves is begun within such a time, whatever others send there and wherever else mail goes.
const SOON: Duration = Duration::from_secs(60);
/// What it may take to be awake when something is to be done.
const WAKING: Duration = Duration::from_secs(1);
/// What the trail says when the time is over within which a message was to be delivered.
const OVERDUE: &str = "not delivered by the time its sender set";

/// What became of recipients' mail.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ends {
    relayed: usize,
    delivered: usize,
    failed: usize,
    waiting: usize,
    /// Of what failed, that which had a time in which to be delivered, and was returned then.
    returned: usize,
    /// Not delivered in time, and not returned for it.
    overdue: usize,
    /// Of what waits, what is held.
    held: usize,
    dropped: usize,
    /// Of what was relayed or delivered, what had been held, and what had to wait for its time.
    released: usize,
    in_its_time: usize,
    /// How far the burst came, where nothing limits it but the number under way, and where a pace does.
    most_under_way: usize,
    most_in_a_minute: usize,
}

impl Ends {
    /// A simulation in which nothing goes wrong, or nothing well, says little, and limits that are never reached would
    /// not be seen to be broken. One world may be so.
    pub fn are_of_all_kinds(self) {
        let Self {
            relayed, delivered, failed, waiting, returned, overdue, held, dropped, released, in_its_time, ..
        } = self;
        let all = [relayed, delivered, failed, waiting, returned, overdue, held, dropped, released, in_its_time];
        assert!(all.iter().all(|count| *count > 0), "{self:?}");
        assert_eq!(self.most_under_way, PER_DESTINATION);
        assert!(self.most_in_a_minute >= PACE as usize, "{self:?}");
    }
}

impl std::ops::AddAssign for Ends {
    fn add_assign(&mut self, other: Self) {
        self.relayed += other.relayed;
        self.delivered += other.delivered;
        self.failed += other.failed;
        self.waiting += other.waiting;
        self.returned += other.returned;
        self.overdue += other.overdue;
        self.held += other.held;
        self.dropped += other.dropped;
        self.released += other.released;
        self.in_its_time += other.in_its_time;
        self.most_under_way = self.most_under_way.max(other.most_under_way);
        self.most_in_a_minute = self.most_in_a_minute.max(other.most_in_a_minute);
    }
}

/// Holds what happened against what may happen.
pub async fn check(simulation: &Simulation) -> Ends {
    let seed = simulation.seed;
    let now = simulation.now();
    let net = &simulation.net;
    assert_eq!(net.violations(), Vec::<String>::new(), "seed {seed}");
    let mut waiting = HashMap::new();
    for entry in simulation.store.queue_entries(&QueueFilter::default(), None, usize::MAX).await.unwrap() {
        // It is given up at the last attempt within its time; the longest wait, with its jitter, may pass before that.
        // What is held is not tried, and so not given up.
        let is_in_time = entry.held || entry.expires_at >= now;
        assert!(is_in_time, "seed {seed}: {} should have been given up", entry.recipient.address);
        waiting.insert((entry.message.journey, entry.recipient.address.to_string()), entry);
    }
    let [paced, unpaced] = BURST_TO.map(domain_of);
    let mut ends_of_all = Ends {
        most_under_way: net.most_under_way_to(&unpaced),
        most_in_a_minute: net.most_in_a_minute(&paced),
        ..Ends::default()
    };
    for message in &simulation.messages {
        let trail = simulation.store.trail(message.journey).await.unwrap();
        for (recipient, manner) in &message.letter.recipients {
            let is_about = |event: &&TrailEvent| event.addresses.iter().any(|one| one.to_string() == *recipient);
            let one = One {
                simulation,
                message,
                recipient,
                manner: *manner,
                trail: trail.iter().filter(is_about).collect(),
                waiting: waiting.get(&(message.journey, recipient.clone())),
            };
            ends_of_all += one.check();
        }
    }
    assert_eq!(simulation.store.queue_counts().await.unwrap().leased as usize, net.under_way(), "seed {seed}");
    ends_of_all
}

/// A message and one of its recipients.
struct One<'a> {
    simulation: &'a Simulation,
    message: &'a Sent,
    recipient: &'a str,
    manner: Manner,
    /// What the trail tells of the two.
    trail: Vec<&'a TrailEvent>,
    waiting: Option<&'a QueueEntry>,
}

impl One<'_> {
    fn check(&self) -> Ends {
        let name = self.name();
        let net = &self.simulation.net;
        let key = (self.message.letter.number, self.recipient.to_owned());
        let count = |kind| self.trail.iter().filter(|event| event.kind == kind).count();
        let (relayed, delivered, failed) =
            (count(TrailKind::Relayed), count(TrailKind::Delivered), count(TrailKind::Failed));
        let (dropped, waiting) = (self.dropped().count(), usize::from(self.waiting.is_some()));
        let ends = (relayed, delivered, failed, waiting, dropped);
        assert_eq!(relayed + delivered + failed + waiting + dropped, 1, "{name}: {ends:?}");
        assert_eq!(net.acknowledged(&key), relayed, "{name}");
        assert!(delivered == 0 || self.manner == Manner::Ours, "{name}");
        let has_waited = self.check_its_time();
        let (returned, overdue) = self.check_deliver_by();
        if !self.message.letter.is_in_burst && self.manner == Manner::Good {
            self.check_soon();
        }
        let wards = net.wards(&key);
        let is_held = self.waiting.is_some_and(|entry| entry.held);
        let should_be = wards.iter().any(|ward| matches!(ward.why, Why::Held | Why::Frozen) && ward.until.is_none());
        assert!(!is_held || should_be, "{name}: was released, and is held");
        let was_held = wards.iter().any(|ward| ward.why == Why::Held && ward.until.is_some());
        let is_there = relayed + delivered;
        Ends {
            relayed,
            delivered,
            failed,
            waiting,
            returned,
            overdue,
            held: usize::from(is_held),
            dropped,
            released: if was_held { is_there } else { 0 },
            in_its_time: if has_waited { is_there } else { 0 },
            ..Ends::default()
        }
    }

    fn name(&self) -> String {
        format!("seed {}: {} to {}", self.simulation.seed, self.message.letter.number, self.recipient)
    }

    fn dropped(&self) -> impl Iterator<Item = &TrailEvent> {
        let is_drop = |(name, value): &(String, String)| name == "action" && value == "drop";
        let dropped =
            move |event: &&TrailEvent| event.kind == TrailKind::Administered && event.facts.iter().any(is_drop);
        self.trail.iter().copied().filter(dropped)
    }

    /// When it ended, if it did.
    fn ended_at(&self) -> Option<UnixMillis> {
        let is_end =
            |event: &&&TrailEvent| matches!(event.kind, TrailKind::Relayed | TrailKind::Delivered | TrailKind::Failed);
        self.trail.iter().find(is_end).map(|event| event.at).or_else(|| self.dropped().next().map(|event| event.at))
    }

    /// What is to wait is in no mailbox before its time, and goes then. Tells whether it had to.
    fn check_its_time(&self) -> bool {
        if self.message.release_at.is_none() {
            return false;
        }
        let key = (self.message.letter.number, self.recipient.to_owned());
        let wards = self.simulation.net.wards(&key);
        let Some(later) = wards.iter().find(|ward| ward.why == Why::Later) else { return false };
        let released = later.until.unwrap_or(later.from);
        let delivered = self.trail.iter().find(|event| event.kind == TrailKind::Delivered);
        assert!(delivered.is_none_or(|event| event.at >= released), "{}: delivered before its time", self.name());
        let is_free = wards.iter().all(|ward| matches!(ward.why, Why::Later | Why::Over));
        let still_waits = self.waiting.is_some_and(|entry| entry.message.awaits_release);
        let should_go = is_free && self.simulation.now() > released + SOON;
        assert!(!(still_waits && should_go), "{}: its time has come, and it has not gone", self.name());
        true
    }

    /// A time in which to be delivered is kept, or the message returned, or its sender told. Tells whether it was
    /// returned, and whether it was late otherwise.
    fn check_deliver_by(&self) -> (usize, usize) {
        let name = self.name();
        let told: Vec<_> =
            self.trail.iter().filter(|event| event.facts.iter().any(|(_, fact)| fact == OVERDUE)).collect();
        let Some(by) = self.message.deliver_by else {
            assert_eq!(told.len(), 0, "{name}");
            return (0, 0);
        };
        // What is under way then, or about to be, is seen to when that ends.
        let bound = by.at + WAKING + UNDER_WAY + self.manner.longest_attempt();
        let ended_at = self.ended_at();
        let is_late = ended_at.map_or(self.simulation.now() > bound, |at| at > bound);
        let is_in_time = ended_at.is_some_and(|at| at < by.at);
        assert!(told.len() <= 1, "{name}: told more than once");
        assert!(told.iter().all(|event| event.at >= by.at && event.at <= bound), "{name}: {told:?}, {by}");
        assert!(!is_in_time || told.is_empty(), "{name}: it was in time");
        match by.mode {
            ByMode::Return => {
                assert!(!is_late, "{name}: should have been returned at {by}, and ended at {ended_at:?}");
                assert!(told.iter().all(|event| event.kind == TrailKind::Failed), "{name}: {told:?}");
                (told.len(), 0)
            }
            ByMode::Notify => {
                assert!(told.iter().all(|event| event.kind == TrailKind::Deferred), "{name}: {told:?}");
                assert!(!is_late || told.len() == 1, "{name}: its sender should have been told at {by}");
                (0, told.len())
            }
        }
    }

    /// A host that behaves is tried as soon as nothing is in the way.
    fn check_soon(&self) {
        let key = (self.message.letter.number, self.recipient.to_owned());
        let net = &self.simulation.net;
        let first = net.first_attempt(&key);
        let mut free_at = self.message.at;
        for ward in net.wards(&key).into_iter().filter(|ward| ward.from <= self.simulation.now()) {
            if first.is_some_and(|at| at <= ward.from || ward.why == Why::Frozen && at <= ward.from + UNDER_WAY) {
                break;
            }
            assert!(ward.from <= free_at + SOON, "{} waited from {free_at} to {}", self.name(), ward.from);
            match ward.until {
                Some(until) => free_at = free_at.max(until),
                None => return assert_eq!(first, None, "{}", self.name()),
            }
        }
        let is_soon = first.is_some_and(|at| at <= free_at + SOON);
        assert!(
            is_soon || self.simulation.now() < free_at + SOON,
            "{} waited from {free_at} to {first:?}",
            self.name()
        );
    }
}
