//! Ten days of mail on its way out, in a world of hosts of which a third misbehave, on a clock that only moves when
//! everybody sleeps.
//!
//! A seed decides everything: who sends what to whom and when, what administrators do about it, what hosts do, how long
//! they take. At every moment no limit is exceeded; at the end each recipient's mail is delivered, returned, dropped, or
//! in the queue within its lifetime, and nobody got anything twice whose `250` was seen. Hosts that behave get their mail
//! soon, whatever the others do.
//!
//! What is held, or whose sender is frozen, is not tried, and ends as all mail does once it is released. What is to wait
//! (RFC 4865) goes in its time and not before. What is to be delivered within a time (RFC 2852) is returned when that is
//! over, and not tried afterwards, or its sender is told once.
//!
//! `POSTHOUSE_SIMULATION_SEEDS=1000` runs so many seeds, `POSTHOUSE_SIMULATION_FIRST` is the first of them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod check;
mod hosts;
mod plan;
mod wards;
mod world;

use check::{Ends, check};
use plan::Size;
use world::Simulation;

/// Seeds in an ordinary run, of worlds small and large.
const SMALL_WORLDS: u64 = 4;
const LARGE_WORLDS: u64 = 1;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn many_small_worlds() {
    run_all(SMALL_WORLDS, Size { destinations: 60, messages: 500 });
}

#[test]
fn a_thousand_destinations() {
    run_all(LARGE_WORLDS, Size { destinations: 1000, messages: 1500 });
}

fn run_all(usual_seeds: u64, size: Size) {
    let first = number("POSTHOUSE_SIMULATION_FIRST", 1);
    let mut ends = Ends::default();
    for seed in first..first + number("POSTHOUSE_SIMULATION_SEEDS", usual_seeds) {
        ends += run(seed, size);
    }
    ends.are_of_all_kinds();
}

fn run(seed: u64, size: Size) -> Ends {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let mut simulation = Simulation::begin(seed, size).await;
        simulation.pass().await;
        check(&simulation).await
    })
}
