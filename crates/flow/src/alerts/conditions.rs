//! What is measured from time to time, held against thresholds. Nothing is measured here.
//!
//! Where a figure goes up and down, the alert begins at the threshold and is cleared only well below it.

use std::collections::VecDeque;
use std::time::Duration;

use posthouse_model::UnixMillis;
use posthouse_storage::QueueCounts;

use super::{
    Alerts, CERTIFICATE_ENDED, CERTIFICATE_ENDS, CLOCK_JUMPED, DISK_LOW, QUEUE_GROWS, QUEUE_LONG, QUEUE_OLD,
    RESOLVER_FAILS, STORE_FAILS,
};

/// An alert about a figure is cleared when the figure is at most this part of the threshold, in percent.
const CLEARED_AT_PERCENT: u64 = 80;
/// A certificate with less left than this has as good as ended.
const NEAR_END: Duration = Duration::from_secs(2 * 24 * 60 * 60);
/// Over how long the growth of the queue is looked at.
const GROWTH_TIME: Duration = Duration::from_secs(60 * 60);
/// Over how long unanswered questions to DNS are looked at.
const LOOKUP_TIME: Duration = Duration::from_secs(5 * 60);
/// With fewer questions to DNS in that time nothing can be said.
const LEAST_LOOKUPS: u64 = 10;
/// Most measurements that are remembered: those of an hour, if there is one in half a minute.
const MAX_REMEMBERED: usize = 120;

/// From when on there are alerts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertThresholds {
    /// Entries of the queue.
    pub queue_entries: u64,
    /// So many more entries than at the least in the last hour.
    pub queue_growth: u64,
    /// How long the oldest message waits to be delivered.
    pub queue_age: Duration,
    /// Octets that are free on the disk, at the least.
    pub disk_free_bytes: u64,
    /// The same as a part of the disk, in percent.
    pub disk_free_percent: u64,
    /// What a certificate has left.
    pub certificate_left: Duration,
    /// By how much the clock is set.
    pub clock_jump: Duration,
    /// What part of the questions to DNS goes unanswered, in percent.
    pub resolver_failed_percent: u64,
}

impl Default for AlertThresholds {
    fn default() -> Self {
        Self {
            queue_entries: 10_000,
            queue_growth: 2_000,
            queue_age: Duration::from_secs(2 * 24 * 60 * 60),
            disk_free_bytes: 1 << 30,
            disk_free_percent: 5,
            certificate_left: Duration::from_secs(14 * 24 * 60 * 60),
            clock_jump: Duration::from_secs(30),
            resolver_failed_percent: 80,
        }
    }
}

/// Room on a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskRoom {
    /// The directory that is on it.
    pub directory: String,
    /// Octets that are free for this process.
    pub free_bytes: u64,
    /// Octets in all.
    pub total_bytes: u64,
}

/// When a certificate that the server shows ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateEnd {
    /// The first host it is for.
    pub name: String,
    /// When, in seconds since 1970.
    pub not_after: i64,
}

/// Questions to DNS since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lookups {
    /// All of them.
    pub asked: u64,
    /// Those to which no server gave an answer of any kind.
    pub unanswered: u64,
}

/// What was measured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// By the calendar.
    pub now: UnixMillis,
    /// By a clock that nobody sets, since whenever.
    pub running: Duration,
    /// How much is in the queue, where the store could say.
    pub queue: Option<QueueCounts>,
    /// Since when the oldest message waits to be delivered, if it is old ([`Flow::oldest_waiting`](crate::Flow::oldest_waiting)).
    pub oldest_waiting: Option<UnixMillis>,
    /// The disk, where the system could say.
    pub disk: Option<DiskRoom>,
    /// Each certificate that the server shows.
    pub certificates: Vec<CertificateEnd>,
    /// Why the store could not be written just now.
    pub store_problem: Option<String>,
    /// Questions to DNS.
    pub lookups: Lookups,
}

/// Holds what is measured against thresholds, and against what was measured before.
#[derive(Debug)]
pub struct Conditions {
    thresholds: AlertThresholds,
    /// Earlier clocks: calendar and running.
    clocks: Option<(UnixMillis, Duration)>,
    queue: VecDeque<(Duration, u64)>,
    lookups: VecDeque<(Duration, Lookups)>,
}

impl Conditions {
    /// Nothing was measured yet.
    pub fn new(thresholds: AlertThresholds) -> Self {
        Self { thresholds, clocks: None, queue: VecDeque::new(), lookups: VecDeque::new() }
    }

    /// When mail that waits is old, at `now`.
    pub fn old_before(&self, now: UnixMillis) -> UnixMillis {
        let age_ms = i64::try_from(self.thresholds.queue_age.as_millis()).unwrap_or(i64::MAX);
        UnixMillis(now.0.saturating_sub(age_ms))
    }

    /// Judges what was measured.
    pub fn judge(&mut self, measured: &Measured, alerts: &Alerts) {
        alerts.set(&STORE_FAILS, "", measured.store_problem.clone());
        self.judge_clock(measured, alerts);
        if let Some(counts) = &measured.queue {
            self.judge_queue(counts, measured, alerts);
        }
        if let Some(disk) = &measured.disk {
            self.judge_disk(disk, alerts);
        }
        self.judge_certificates(measured, alerts);
        self.judge_lookups(measured, alerts);
        alerts.settle();
    }

    fn judge_clock(&mut self, measured: &Measured, alerts: &Alerts) {
        let now = (measured.now, measured.running);
        let Some((then, running_then)) = self.clocks.replace(now) else { return };
        let passed = measured.running.saturating_sub(running_then);
        let expected = then + passed;
        let off_ms = measured.now.0.saturating_sub(expected.0);
        if Duration::from_millis(off_ms.unsigned_abs()) >= self.thresholds.clock_jump {
            let way = if off_ms > 0 { "forward" } else { "back" };
            alerts.raise(&CLOCK_JUMPED, "", format!("it was set {way} by {} s", off_ms.unsigned_abs() / 1000));
        }
    }

    fn judge_queue(&mut self, counts: &QueueCounts, measured: &Measured, alerts: &Alerts) {
        let held = match counts.held {
            0 => String::new(),
            held => format!(", {held} of them held"),
        };
        let limit = self.thresholds.queue_entries;
        figure(alerts, &QUEUE_LONG, "", counts.entries, limit, || format!("{} recipients{held}", counts.entries));

        remember(&mut self.queue, measured.running, GROWTH_TIME, counts.entries);
        let least = self.queue.iter().map(|(_, entries)| *entries).min().unwrap_or(counts.entries);
        let grown = counts.entries.saturating_sub(least);
        figure(alerts, &QUEUE_GROWS, "", grown, self.thresholds.queue_growth, || {
            format!("from {least} to {} recipients within an hour{held}", counts.entries)
        });

        // What is held does not count: somebody knows of it.
        let age = measured.oldest_waiting.map_or(Duration::ZERO, |at| between(at, measured.now));
        let is_old = measured.oldest_waiting.is_some() && age >= self.thresholds.queue_age;
        let evidence = || format!("the oldest message has been waiting for {} hours", age.as_secs() / 3600);
        alerts.set(&QUEUE_OLD, "", is_old.then(evidence));
    }

    fn judge_disk(&self, disk: &DiskRoom, alerts: &Alerts) {
        let share = u128::from(disk.total_bytes) * u128::from(self.thresholds.disk_free_percent) / 100;
        // On a large disk a few percent are plenty, and on a small one many gigabytes are more than there is.
        let least = self.thresholds.disk_free_bytes.min(u64::try_from(share).unwrap_or(u64::MAX));
        let mebibytes = |octets: u64| octets >> 20;
        let words = || format!("{} of {} MiB are free", mebibytes(disk.free_bytes), mebibytes(disk.total_bytes));
        alerts.clear_others(&DISK_LOW, &[&disk.directory]);
        if disk.free_bytes < least {
            alerts.raise(&DISK_LOW, &disk.directory, words());
        } else if disk.free_bytes - least >= least / 100 * (100 - CLEARED_AT_PERCENT) {
            alerts.clear(&DISK_LOW, &disk.directory);
        }
    }

    fn judge_certificates(&self, measured: &Measured, alerts: &Alerts) {
        let left = |one: &CertificateEnd| one.not_after.saturating_sub(measured.now.seconds());
        let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        let (mut ending, mut ended) = (Vec::new(), Vec::new());
        for one in &measured.certificates {
            let left = left(one);
            let (kind, list) = match left {
                _ if left <= seconds(NEAR_END) => (&CERTIFICATE_ENDED, &mut ended),
                _ if left <= seconds(self.thresholds.certificate_left) => (&CERTIFICATE_ENDS, &mut ending),
                _ => continue,
            };
            list.push(one.name.as_str());
            let words = match left {
                ..=0 => format!("it ended {} hours ago", left.unsigned_abs() / 3600),
                _ => format!("it ends in {} hours", left / 3600),
            };
            alerts.raise(kind, &one.name, words);
        }
        alerts.clear_others(&CERTIFICATE_ENDS, &ending);
        alerts.clear_others(&CERTIFICATE_ENDED, &ended);
    }

    fn judge_lookups(&mut self, measured: &Measured, alerts: &Alerts) {
        remember(&mut self.lookups, measured.running, LOOKUP_TIME, measured.lookups);
        let first = self.lookups.front().map_or(measured.lookups, |(_, lookups)| *lookups);
        let asked = measured.lookups.asked.saturating_sub(first.asked);
        let unanswered = measured.lookups.unanswered.saturating_sub(first.unanswered);
        if asked < LEAST_LOOKUPS {
            return;
        }
        let percent = unanswered.saturating_mul(100) / asked;
        figure(alerts, &RESOLVER_FAILS, "", percent, self.thresholds.resolver_failed_percent, || {
            format!("{unanswered} of {asked} questions of the last minutes were not answered")
        });
    }
}

/// Raises at the limit, clears well below it, and between the two leaves things as they are.
fn figure(
    alerts: &Alerts,
    kind: &'static super::AlertKind,
    subject: &str,
    value: u64,
    limit: u64,
    words: impl FnOnce() -> String,
) {
    if value >= limit {
        alerts.raise(kind, subject, words());
    } else if u128::from(value) * 100 <= u128::from(limit) * u128::from(CLEARED_AT_PERCENT) {
        alerts.clear(kind, subject);
    }
}

/// Remembers a measurement, and forgets those that are too long ago.
fn remember<T>(list: &mut VecDeque<(Duration, T)>, running: Duration, time: Duration, value: T) {
    while list.front().is_some_and(|(at, _)| running.saturating_sub(*at) > time) || list.len() >= MAX_REMEMBERED {
        list.pop_front();
    }
    list.push_back((running, value));
}

fn between(earlier: UnixMillis, later: UnixMillis) -> Duration {
    Duration::from_millis(u64::try_from(later.0.saturating_sub(earlier.0)).unwrap_or(0))
}
