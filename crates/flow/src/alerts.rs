//! Alerts: the one place where something that is not as it should be is said, until it is again.
//!
//! Whoever notices a condition calls [`Alerts::raise`] with an [`AlertKind`], what it is about, and the evidence, as
//! often as it likes; when the condition is gone, [`Alerts::clear`]. Both cost a lock and wait for nothing. An alert
//! that is raised again while it stands is the same alert. A kind says how long a condition has to be gone before the
//! alert ends, so that what comes and goes is told once.
//!
//! An alert is told by the log when it begins and when it ends; `tell` (in a file of its own) brings the same to the
//! postmaster, and keeps alerts in the store, so that a restart neither forgets nor repeats them. [`Conditions`] holds
//! what is measured against thresholds.

mod book;
mod conditions;
mod kind;
mod tell;
mod waiting;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use posthouse_model::UnixMillis;
use tokio::sync::Notify;

use crate::Environment;

pub use conditions::{AlertThresholds, CertificateEnd, Conditions, DiskRoom, Lookups, Measured};
pub use kind::*;
pub use tell::AlertMail;

/// Most alerts of one kind that stand at once; further ones are counted and not told one by one.
pub const MAX_OF_ONE_KIND: usize = 16;
/// Most alerts that are kept after their end; where there is one more, the oldest goes.
pub const MAX_PAST: usize = 64;
/// Longest evidence, in octets; longer ones are cut.
pub const MAX_EVIDENCE_BYTES: usize = 300;
/// Longest text that says what an alert is about, in octets.
pub const MAX_SUBJECT_BYTES: usize = 320;
/// Most beginnings and ends that wait to be mailed; where there is one more, the oldest goes.
const MAX_NEWS: usize = 128;

/// An alert that stands, or stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// What it is.
    pub kind: &'static AlertKind,
    /// What it is about: a domain, an account, a listener; empty where it is about the whole server.
    pub subject: String,
    /// What was seen, in words for people: the latest.
    pub evidence: String,
    /// Since when.
    pub raised_at: UnixMillis,
    /// When it was raised for the last time.
    pub seen_at: UnixMillis,
    /// How often.
    pub times: u64,
    /// When it ended; `None` for one that stands.
    pub ended_at: Option<UnixMillis>,
}

/// What there is to tell the postmaster.
#[derive(Clone, Debug, PartialEq, Eq)]
struct News {
    alert: Alert,
    /// Whether it ended, rather than began.
    is_end: bool,
}

type Key = (&'static str, String);

#[derive(Debug)]
struct Standing {
    alert: Alert,
    /// Since when the condition is gone.
    quiet_since: Option<UnixMillis>,
}

#[derive(Debug, Default)]
struct State {
    standing: BTreeMap<Key, Standing>,
    past: VecDeque<Alert>,
    news: VecDeque<News>,
    /// How often an alert of each kind began, since the start.
    begun: BTreeMap<&'static str, u64>,
    /// Beginnings for which there was no room, since the start.
    passed_over: u64,
    /// Whether something is not in the store yet.
    is_unwritten: bool,
}

/// All alerts.
pub struct Alerts {
    environment: Arc<dyn Environment>,
    state: Mutex<State>,
    /// Told when there is news.
    changed: Notify,
}

impl Alerts {
    pub(crate) fn new(environment: Arc<dyn Environment>) -> Self {
        Self { environment, state: Mutex::default(), changed: Notify::new() }
    }

    /// Says that a condition holds. `subject` is what it is about, or empty; `evidence` what was seen.
    pub fn raise(&self, kind: &'static AlertKind, subject: &str, evidence: impl Into<String>) {
        let now = self.environment.now();
        let subject = one_line(subject, MAX_SUBJECT_BYTES);
        let evidence = one_line(&evidence.into(), MAX_EVIDENCE_BYTES);
        let mut state = self.state.lock();
        let key = (kind.name, subject.clone());
        if let Some(standing) = state.standing.get_mut(&key) {
            standing.alert.evidence = evidence;
            standing.alert.seen_at = now;
            standing.alert.times = standing.alert.times.saturating_add(1);
            standing.quiet_since = None;
            return;
        }
        let of_kind = state.standing.range((kind.name, String::new())..).take_while(|(key, _)| key.0 == kind.name);
        if of_kind.count() >= MAX_OF_ONE_KIND {
            state.passed_over = state.passed_over.saturating_add(1);
            return;
        }
        let alert = Alert { kind, subject, evidence, raised_at: now, seen_at: now, times: 1, ended_at: None };
        log_beginning(&alert);
        *state.begun.entry(kind.name).or_default() += 1;
        state.tell(News { alert: alert.clone(), is_end: false });
        state.standing.insert(key, Standing { alert, quiet_since: None });
        state.is_unwritten = true;
        drop(state);
        self.changed.notify_one();
    }

    /// Says that a condition does not hold, or no longer. Where there is no such alert, nothing happens.
    pub fn clear(&self, kind: &'static AlertKind, subject: &str) {
        let now = self.environment.now();
        let key = (kind.name, one_line(subject, MAX_SUBJECT_BYTES));
        if let Some(standing) = self.state.lock().standing.get_mut(&key) {
            standing.quiet_since.get_or_insert(now);
        } else {
            return;
        }
        self.settle();
    }

    /// Raises where there is evidence, else clears.
    pub fn set(&self, kind: &'static AlertKind, subject: &str, evidence: Option<String>) {
        match evidence {
            Some(evidence) => self.raise(kind, subject, evidence),
            None => self.clear(kind, subject),
        }
    }

    /// Clears all alerts of a kind but those about these subjects: for whoever looks at all of them at once.
    pub fn clear_others(&self, kind: &'static AlertKind, subjects: &[&str]) {
        let gone: Vec<String> = {
            let state = self.state.lock();
            let of_kind = state.standing.keys().filter(|key| key.0 == kind.name);
            of_kind.filter(|key| !subjects.contains(&key.1.as_str())).map(|key| key.1.clone()).collect()
        };
        gone.iter().for_each(|subject| self.clear(kind, subject));
    }

    /// Ends what has been quiet for long enough.
    pub fn settle(&self) {
        let now = self.environment.now();
        let mut state = self.state.lock();
        let ended: Vec<Key> =
            state.standing.iter().filter(|(_, one)| one.is_over(now)).map(|(key, _)| key.clone()).collect();
        for key in &ended {
            let Some(Standing { mut alert, .. }) = state.standing.remove(key) else { continue };
            alert.ended_at = Some(now);
            tracing::info!(
                alert = alert.kind.name,
                subject = alert.subject,
                times = alert.times,
                lasted_ms = now.0.saturating_sub(alert.raised_at.0),
                "an alert is over"
            );
            state.tell(News { alert: alert.clone(), is_end: true });
            state.keep_past(alert);
            state.is_unwritten = true;
        }
        drop(state);
        if !ended.is_empty() {
            self.changed.notify_one();
        }
    }

    /// Those that stand: the worst first, and of these the newest.
    pub fn active(&self) -> Vec<Alert> {
        let mut alerts: Vec<Alert> = self.state.lock().standing.values().map(|one| one.alert.clone()).collect();
        alerts.sort_by_key(|alert| (std::cmp::Reverse(alert.kind.severity), std::cmp::Reverse(alert.raised_at)));
        alerts
    }

    /// Those that ended, the newest first.
    pub fn past(&self) -> Vec<Alert> {
        self.state.lock().past.iter().rev().cloned().collect()
    }

    /// How many of a kind stand, and how often one began since the start.
    pub fn figures(&self, kind: &AlertKind) -> (u64, u64) {
        let state = self.state.lock();
        let standing = state.standing.keys().filter(|key| key.0 == kind.name).count() as u64;
        (standing, state.begun.get(kind.name).copied().unwrap_or(0))
    }

    /// Beginnings for which there was no room, since the start ([`MAX_OF_ONE_KIND`]).
    pub fn passed_over(&self) -> u64 {
        self.state.lock().passed_over
    }
}

impl Standing {
    fn is_over(&self, now: UnixMillis) -> bool {
        let lasts = |since: UnixMillis, time: Duration| now >= since + time;
        match self.alert.kind.ending {
            Ending::Cleared(time) => self.quiet_since.is_some_and(|since| lasts(since, time)),
            // Whoever clears it all the same means it.
            Ending::Quiet(time) => self.quiet_since.is_some() || lasts(self.alert.seen_at, time),
        }
    }
}

impl State {
    fn tell(&mut self, news: News) {
        if !news.alert.kind.is_mailed {
            return;
        }
        if self.news.len() >= MAX_NEWS {
            self.news.pop_front();
        }
        self.news.push_back(news);
    }

    fn keep_past(&mut self, alert: Alert) {
        if self.past.len() >= MAX_PAST {
            self.past.pop_front();
        }
        self.past.push_back(alert);
    }
}

fn log_beginning(alert: &Alert) {
    let AlertKind { name, severity, meaning, advice, .. } = alert.kind;
    let Alert { subject, evidence, .. } = alert;
    if *severity == Severity::Critical {
        tracing::error!(alert = name, subject, evidence, advice, "{meaning}");
    } else {
        tracing::warn!(alert = name, subject, evidence, advice, "{meaning}");
    }
}

/// A text without control characters, cut to so many octets: what others sent may be part of it.
fn one_line(text: &str, max_bytes: usize) -> String {
    let mut line = String::with_capacity(text.len().min(max_bytes));
    for c in text.chars() {
        if line.len() + c.len_utf8() > max_bytes {
            break;
        }
        line.push(if c.is_control() { ' ' } else { c });
    }
    line
}
