//! What deliveries have shown of a domain's TLS: counted for the reports that it wants (RFC 8460), and remembered, so
//! that a domain whose hosts have always proven who they are is not served worse without anybody noticing.
//!
//! Outcomes are gathered in memory and written together, so that a delivery costs no transaction of its own. What was
//! not written when the process is killed is lost.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use posthouse_domain_policy::transport::{StsMode, StsPolicy, TlsaSet};
use posthouse_model::{Domain, UnixMillis};
use posthouse_storage::{StorageError, TlsCountKey, TlsHistory, TlsHistoryDelta};
use tokio::sync::watch;

use super::courier::Protection;
use super::tls_problem::TlsProblemKind;
use crate::Flow;
use crate::alerts::TLS_FLOOR_LOST;

/// Most domains, and most kinds of sessions, that are gathered before they are written; what is beyond is left out.
const MAX_GATHERED: usize = 10_000;
/// How often what was gathered is written.
const WRITE_INTERVAL: Duration = Duration::from_secs(60);
/// A day, in milliseconds.
const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;

/// What is done where a domain's hosts, which have always proven who they are, do not any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FloorMode {
    /// Nothing.
    Off,
    /// The log, the trail and the figures tell.
    Warn,
    /// They get no mail until they do again.
    Refuse,
}

/// When a domain's hosts have always proven who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Floor {
    /// What is done where they do not.
    pub mode: FloorMode,
    /// After so many deliveries in a row.
    pub deliveries: u64,
    /// Over so long.
    pub time: Duration,
}

impl Default for Floor {
    fn default() -> Self {
        Self { mode: FloorMode::Warn, deliveries: 20, time: Duration::from_secs(7 * 24 * 60 * 60) }
    }
}

impl Floor {
    /// Whether a history is long enough.
    pub fn is_reached(&self, history: &TlsHistory) -> bool {
        let since = history.last_at.0.saturating_sub(history.streak_since.0);
        history.streak >= self.deliveries && since >= i64::try_from(self.time.as_millis()).unwrap_or(i64::MAX)
    }
}

/// The policy that a session was under (RFC 8460 §4.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct SessionPolicy {
    kind: &'static str,
    text: String,
    /// Whether a session that does not fulfil the policy is a failure, even where it carried the mail.
    is_tested: bool,
}

impl SessionPolicy {
    /// None was found.
    pub fn none() -> Self {
        Self { kind: "no-policy-found", text: String::new(), is_tested: false }
    }

    /// That of TLSA records.
    pub fn tlsa(set: &TlsaSet) -> Self {
        let records: Vec<_> = set.records().iter().map(posthouse_domain_policy::transport::TlsaRecord::words).collect();
        Self { kind: "tlsa", text: records.join("\n"), is_tested: false }
    }

    /// That of MTA-STS.
    pub fn sts(policy: &StsPolicy) -> Self {
        let text = policy.text().lines().collect::<Vec<_>>().join("\n");
        Self { kind: "sts", text, is_tested: policy.mode == StsMode::Testing }
    }
}

/// What became of a session.
pub(super) struct Session<'a> {
    pub domain: &'a Domain,
    pub policy: &'a SessionPolicy,
    pub mx_host: &'a Domain,
    pub receiving_ip: String,
    pub result: Result<Protection, TlsProblemKind>,
}

#[derive(Default)]
struct Gathered {
    histories: HashMap<Domain, TlsHistoryDelta>,
    counts: HashMap<TlsCountKey, u64>,
}

/// What was gathered, and how often mail went with less than a domain has always had.
#[derive(Default)]
pub(crate) struct TlsOutcomes {
    gathered: Mutex<Gathered>,
    downgrades: AtomicU64,
}

impl Flow {
    /// Takes note of a session.
    pub(super) fn note_session(&self, session: &Session<'_>) {
        let now = self.environment.now();
        let mut gathered = self.tls_outcomes.gathered.lock();
        let (result, detail) = match &session.result {
            Ok(Protection::Encrypted(Some(problem))) if session.policy.is_tested => {
                (problem.report_result(), problem.code())
            }
            Ok(Protection::Clear) if session.policy.is_tested => {
                (TlsProblemKind::NoStartTls.report_result(), TlsProblemKind::NoStartTls.code())
            }
            Ok(_) => ("", ""),
            Err(kind) => (kind.report_result(), kind.code()),
        };
        let key = TlsCountKey {
            day: day_of(now),
            domain: session.domain.clone(),
            policy_type: session.policy.kind.to_owned(),
            policy: session.policy.text.clone(),
            mx_host: session.mx_host.to_string(),
            receiving_ip: session.receiving_ip.clone(),
            result: result.to_owned(),
            detail: detail.to_owned(),
        };
        let has_room = gathered.counts.len() < MAX_GATHERED;
        match gathered.counts.get_mut(&key) {
            Some(count) => *count += 1,
            None if has_room => drop(gathered.counts.insert(key, 1)),
            None => {}
        }
        if let Ok(protection) = &session.result {
            gathered.note_delivery(session.domain, *protection, now);
        }
    }

    /// Counts mail that went, or would have gone, with less than its domain has always had. `words` say how.
    pub(super) fn note_downgrade(&self, domain: &Domain, words: String) {
        self.alerts.raise(&TLS_FLOOR_LOST, domain.as_str(), words);
        self.tls_outcomes.downgrades.fetch_add(1, Ordering::Relaxed);
    }

    /// How often mail went, or would have gone, with less than its domain has always had.
    pub fn tls_downgrades(&self) -> u64 {
        self.tls_outcomes.downgrades.load(Ordering::Relaxed)
    }

    /// Whether a domain's hosts have always proven who they are.
    pub(super) async fn has_floor(&self, domain: &Domain) -> bool {
        let floor = &self.options.floor;
        if floor.mode == FloorMode::Off {
            return false;
        }
        match self.store.tls_history(domain).await {
            Ok(history) => history.is_some_and(|history| floor.is_reached(&history)),
            Err(error) => {
                tracing::error!(%domain, %error, "how deliveries went cannot be read");
                false
            }
        }
    }

    /// Writes what was gathered. What cannot be written now is tried again with the next.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn write_tls_outcomes(&self) -> Result<(), StorageError> {
        let gathered = std::mem::take(&mut *self.tls_outcomes.gathered.lock());
        if gathered.counts.is_empty() {
            return Ok(());
        }
        let histories = gathered.histories.values().cloned().collect();
        let counts = gathered.counts.iter().map(|(key, count)| (key.clone(), *count)).collect();
        let written = self.store.add_tls_outcomes(histories, counts).await;
        if written.is_err() {
            self.tls_outcomes.gathered.lock().put_back(gathered);
        }
        written
    }

    /// Writes what was gathered from time to time, and once more at the end.
    pub async fn run_tls_outcomes(&self, mut is_over: watch::Receiver<bool>) {
        loop {
            let ends = tokio::select! {
                () = tokio::time::sleep(WRITE_INTERVAL) => false,
                changed = is_over.changed() => changed.is_err() || *is_over.borrow(),
            };
            if let Err(error) = self.write_tls_outcomes().await {
                tracing::error!(%error, "how deliveries went cannot be stored now");
            }
            if ends {
                return;
            }
        }
    }
}

impl Gathered {
    fn note_delivery(&mut self, domain: &Domain, protection: Protection, now: UnixMillis) {
        if self.histories.len() >= MAX_GATHERED && !self.histories.contains_key(domain) {
            return;
        }
        let delta = self.histories.entry(domain.clone()).or_insert_with(|| TlsHistoryDelta {
            domain: domain.clone(),
            clear: 0,
            encrypted: 0,
            verified: 0,
            breaks: false,
            streak: 0,
            streak_since: now,
            last_at: now,
        });
        delta.last_at = now;
        match protection {
            Protection::Clear => delta.clear += 1,
            Protection::Encrypted(_) => delta.encrypted += 1,
            Protection::Verified => delta.verified += 1,
        }
        if protection != Protection::Verified {
            (delta.breaks, delta.streak) = (true, 0);
            return;
        }
        if delta.streak == 0 {
            delta.streak_since = now;
        }
        delta.streak += 1;
    }

    /// What could not be written joins what came meanwhile, as far as there is room.
    fn put_back(&mut self, earlier: Self) {
        for (key, count) in earlier.counts {
            if self.counts.len() < MAX_GATHERED || self.counts.contains_key(&key) {
                *self.counts.entry(key).or_default() += count;
            }
        }
        for (domain, delta) in earlier.histories {
            let later = self.histories.remove(&domain);
            let mut joined = TlsHistory::from(&delta);
            let mut breaks = delta.breaks;
            if let Some(later) = later {
                joined.add(&later);
                breaks |= later.breaks;
            }
            if self.histories.len() < MAX_GATHERED {
                let TlsHistory { domain, clear, encrypted, verified, streak, streak_since, last_at } = joined;
                let joined = TlsHistoryDelta {
                    domain: domain.clone(),
                    clear,
                    encrypted,
                    verified,
                    breaks,
                    streak,
                    streak_since,
                    last_at,
                };
                self.histories.insert(domain, joined);
            }
        }
    }
}

/// The day of a time in UTC, counted from 1970-01-01.
pub fn day_of(time: UnixMillis) -> u32 {
    u32::try_from(time.0.div_euclid(DAY_MILLIS)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_verified_deliveries() {
        let domain = Domain::parse("far.example").unwrap();
        let mut gathered = Gathered::default();
        let mut note = |protection, at| {
            gathered.note_delivery(&domain, protection, UnixMillis(at));
            let delta = &gathered.histories[&domain];
            (delta.breaks, delta.streak, delta.streak_since.0)
        };
        assert_eq!(note(Protection::Verified, 1), (false, 1, 1));
        assert_eq!(note(Protection::Verified, 2), (false, 2, 1));
        assert_eq!(note(Protection::Clear, 3), (true, 0, 1));
        assert_eq!(note(Protection::Verified, 4), (true, 1, 4));
        assert_eq!(note(Protection::Encrypted(None), 5), (true, 0, 4));
    }

    #[test]
    fn what_is_put_back_is_not_lost() {
        let domain = Domain::parse("far.example").unwrap();
        let (mut earlier, mut later) = (Gathered::default(), Gathered::default());
        earlier.note_delivery(&domain, Protection::Verified, UnixMillis(1));
        later.note_delivery(&domain, Protection::Verified, UnixMillis(2));
        later.put_back(earlier);
        let delta = &later.histories[&domain];
        assert_eq!((delta.verified, delta.streak, delta.streak_since.0, delta.last_at.0), (2, 2, 1, 2));
    }

    #[test]
    fn a_floor_needs_deliveries_and_time() {
        let floor = Floor { mode: FloorMode::Warn, deliveries: 3, time: Duration::from_millis(100) };
        let history = |streak, since, last| TlsHistory {
            domain: Domain::parse("far.example").unwrap(),
            clear: 0,
            encrypted: 0,
            verified: 99,
            streak,
            streak_since: UnixMillis(since),
            last_at: UnixMillis(last),
        };
        assert!(floor.is_reached(&history(3, 0, 100)));
        assert!(!floor.is_reached(&history(2, 0, 100)));
        assert!(!floor.is_reached(&history(3, 1, 100)));
    }
}
