//! Ten days of mail on its way out, in a world of hosts of which a third misbehave, on a clock that only moves when
//! everybody sleeps.
//!
//! A seed decides everything: who sends what to whom and when, what hosts do, how long they take. At every moment no
//! limit is exceeded; at the end each recipient's mail is delivered, returned, or in the queue within its lifetime, and
//! nobody got anything twice whose `250` was seen. Hosts that behave get their mail soon, whatever the others do.
//!
//! `POSTHOUSE_SIMULATION_SEEDS=1000` runs so many seeds, `POSTHOUSE_SIMULATION_FIRST` is the first of them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod hosts;
mod world;

use std::collections::HashMap;

use posthouse_model::TrailKind;
use posthouse_storage::{Queue, QueueFilter, Trail};

use hosts::{Manner, PACE, PER_DESTINATION};
use world::{BURST_TO, Simulation, Size, domain_of};

/// Seeds in an ordinary run.
const SEEDS: u64 = 4;
/// Mail to a host that behaves is begun within so many seconds, whatever others send there and wherever else mail goes.
const SOON_SECONDS: i64 = 60;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn many_small_worlds() {
    let first = number("POSTHOUSE_SIMULATION_FIRST", 1);
    let mut ends = Ends::default();
    for seed in first..first + number("POSTHOUSE_SIMULATION_SEEDS", SEEDS) {
        ends += run(seed, Size { destinations: 60, messages: 500 });
    }
    ends.are_of_all_kinds();
}

#[test]
fn a_thousand_destinations() {
    run(number("POSTHOUSE_SIMULATION_FIRST", 1), Size { destinations: 1000, messages: 1500 }).are_of_all_kinds();
}

/// What became of recipients' mail.
#[derive(Clone, Copy, Debug, Default)]
struct Ends {
    relayed: usize,
    failed: usize,
    waiting: usize,
}

impl Ends {
    /// A simulation in which nothing goes wrong, or nothing well, says little. One small world may be so.
    fn are_of_all_kinds(self) {
        assert!(self.relayed > 0 && self.failed > 0 && self.waiting > 0, "{self:?}");
    }
}

impl std::ops::AddAssign for Ends {
    fn add_assign(&mut self, other: Self) {
        self.relayed += other.relayed;
        self.failed += other.failed;
        self.waiting += other.waiting;
    }
}

fn run(seed: u64, size: Size) -> Ends {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let simulation = Simulation::begin(seed, size).await;
        simulation.pass().await;
        check(&simulation).await
    })
}

/// Holds what happened against what may happen.
async fn check(simulation: &Simulation) -> Ends {
    let seed = simulation.seed;
    let now = simulation.now();
    let net = &simulation.net;
    assert_eq!(net.violations(), Vec::<String>::new(), "seed {seed}");
    // Limits that are never reached would not be seen to be broken.
    let [paced, unpaced] = BURST_TO.map(domain_of);
    assert_eq!(net.most_under_way_to(&unpaced), PER_DESTINATION, "seed {seed}");
    assert!(net.most_in_a_minute(&paced) >= PACE as usize, "seed {seed}: {}", net.most_in_a_minute(&paced));
    let mut waiting = HashMap::new();
    for entry in simulation.store.queue_entries(&QueueFilter::default(), None, usize::MAX).await.unwrap() {
        // It is given up at the last attempt within its time; the longest wait, with its jitter, may pass before that.
        assert!(entry.expires_at >= now, "seed {seed}: {} should have been given up", entry.recipient.address);
        waiting.insert((entry.message.journey, entry.recipient.address.to_string()), entry);
    }
    let mut ends_of_all = Ends::default();
    for message in &simulation.messages {
        let trail = simulation.store.trail(message.journey).await.unwrap();
        for (recipient, manner) in &message.recipients {
            let ends = |kind| {
                let about = |event: &&posthouse_model::TrailEvent| {
                    event.kind == kind && event.addresses.iter().any(|one| one.to_string() == *recipient)
                };
                trail.iter().filter(about).count()
            };
            let is_waiting = usize::from(waiting.contains_key(&(message.journey, recipient.clone())));
            let (relayed, failed) = (ends(TrailKind::Relayed), ends(TrailKind::Failed));
            assert_eq!(relayed + failed + is_waiting, 1, "seed {seed}: {recipient}: {relayed} {failed} {is_waiting}");
            let acknowledged = net.acknowledged(message.number, recipient);
            assert_eq!(acknowledged, relayed, "seed {seed}: {recipient}");
            if *manner == Manner::Good && !message.is_in_burst {
                let begun = net.first_attempt(message.number, recipient);
                let wait = begun.map(|at| (at.0 - message.sent_at.0) / 1000);
                assert!(wait.is_some_and(|wait| wait <= SOON_SECONDS), "seed {seed}: {recipient} waited {wait:?}");
            }
            ends_of_all += Ends { relayed, failed, waiting: is_waiting };
        }
    }
    assert_eq!(simulation.store.queue_counts().await.unwrap().leased as usize, net.under_way(), "seed {seed}");
    ends_of_all
}
