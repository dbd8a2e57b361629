//! What is measured. A scenario puts one load on one server and returns one figure for each of its columns.

mod append;
mod delivery;
mod fetch;
mod fill;
mod handshakes;
mod idle_latency;
mod idle_memory;
mod idling;
mod large;
mod mixed;
mod retrieve;
mod tell_all;

use std::time::Duration;

use anyhow::Result;
use async_trait::async_trait;

use crate::server::Server;

/// How long and how often is measured.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// How long a load lasts.
    pub load: Duration,
    /// Messages in the mailbox from which IMAP fetches.
    pub fetched_messages: u64,
    /// Messages in the large mailbox.
    pub large_messages: u64,
    /// Messages in the mailbox from which POP3 reads.
    pub retrieved_messages: u64,
    /// Connections that idle.
    pub idle_connections: usize,
    /// Deliveries of which IDLE tells.
    pub pushes: usize,
}

/// One column of a table.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// What it says, with the unit.
    pub name: &'static str,
    /// Digits behind the point.
    pub decimals: usize,
    /// What Posthouse is to reach.
    pub target: Option<Target>,
}

/// What Posthouse is to reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    /// This many times the figure of the peer, or more.
    TimesAtLeast(f64),
    /// This many times the figure of the peer, or less.
    TimesAtMost(f64),
    /// This figure, or less.
    AtMost(f64),
}

/// Something to measure.
#[async_trait]
pub trait Scenario: Send + Sync {
    /// The table it belongs to.
    fn group(&self) -> &'static str;

    /// What this row of the table is called.
    fn name(&self) -> String;

    /// The columns of its table, with the targets of this row.
    fn columns(&self) -> Vec<Column>;

    /// Whether a server has the doors that it goes through.
    fn is_possible(&self, server: &Server) -> bool;

    /// Whether one round is enough, because a round is long and its figure does not vary.
    fn is_measured_once(&self) -> bool {
        false
    }

    /// Measures; one figure a column.
    async fn run(&self, server: &Server, effort: &Effort) -> Result<Vec<f64>>;
}

/// Every scenario, in the order in which it runs.
pub fn all() -> Vec<Box<dyn Scenario>> {
    // Memory comes first, while the servers are fresh: what a load has left behind would be used by the connections.
    let mut all: Vec<Box<dyn Scenario>> = vec![boxed(idle_memory::IdleMemory)];
    all.extend(delivery::all().map(boxed));
    all.push(boxed(handshakes::Handshakes));
    all.extend(fetch::all().map(boxed));
    all.extend(retrieve::all().map(boxed));
    all.push(boxed(idle_latency::IdleLatency));
    all.push(boxed(tell_all::TellAll));
    all.extend(append::all().map(boxed));
    all.push(boxed(mixed::Mixed));
    all.extend(large::all().map(boxed));
    all
}

fn boxed(scenario: impl Scenario + 'static) -> Box<dyn Scenario> {
    Box::new(scenario)
}

fn column(name: &'static str, decimals: usize, target: Option<Target>) -> Column {
    Column { name, decimals, target }
}

/// The value below which `percent` of the values lie, in milliseconds.
fn percentile_ms(times: &mut [f64], percent: usize) -> f64 {
    times.sort_by(f64::total_cmp);
    let last = times.len().saturating_sub(1);
    times.get((times.len() * percent / 100).min(last)).map_or(f64::NAN, |seconds| seconds * 1000.0)
}

/// CPU time of the server in milliseconds for each of `count` things.
fn cpu_ms_each(spent: Duration, count: f64) -> f64 {
    spent.as_secs_f64() * 1000.0 / count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let check = |count: u32, percent, expected: f64| {
            let mut times: Vec<f64> = (1..=count).rev().map(|n| f64::from(n) / 1000.0).collect();
            assert!((percentile_ms(&mut times, percent) - expected).abs() < 1e-9, "{percent} of {count}");
        };
        check(100, 50, 51.0);
        check(100, 99, 100.0);
        check(1, 99, 1.0);
        assert!(percentile_ms(&mut [], 50).is_nan());
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<String> = all().iter().map(|one| format!("{} {}", one.group(), one.name())).collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
