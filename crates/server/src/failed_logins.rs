//! Sign-ins that failed, by address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use parking_lot::Mutex;
use posthouse_model::Instant;

/// Addresses that are remembered. When there are more, those whose time is over are forgotten, and if none is, all.
const MAX_ADDRESSES: usize = 65_536;
/// How long a failure counts after the last one.
const REMEMBERED: Duration = Duration::from_secs(15 * 60);

/// Counts sign-ins that failed, so that guessing gets slow. An office behind one address has many people in it, so the
/// bound is generous, and a sign-in that succeeds wipes it away.
#[derive(Debug)]
pub(crate) struct FailedLogins {
    max_failures: u32,
    failures: Mutex<HashMap<IpAddr, Failures>>,
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    last_at: Instant,
}

impl FailedLogins {
    /// Refuses further attempts of an address after `max_failures`.
    pub(crate) fn new(max_failures: u32) -> Self {
        Self { max_failures, failures: Mutex::default() }
    }

    /// Whether so many have failed from there that the next is not even tried.
    pub(crate) fn is_throttled(&self, address: IpAddr, now: Instant) -> bool {
        let failures = self.failures.lock();
        let known = failures.get(&address.to_canonical());
        known.is_some_and(|known| known.count >= self.max_failures && now.since(known.last_at) < REMEMBERED)
    }

    /// One more has failed; says how many did lately.
    pub(crate) fn failed(&self, address: IpAddr, now: Instant) -> u32 {
        let mut failures = self.failures.lock();
        if failures.len() >= MAX_ADDRESSES {
            failures.retain(|_, known| now.since(known.last_at) < REMEMBERED);
            if failures.len() >= MAX_ADDRESSES {
                failures.clear();
            }
        }
        let known = failures.entry(address.to_canonical()).or_insert(Failures { count: 0, last_at: now });
        if now.since(known.last_at) >= REMEMBERED {
            known.count = 0;
        }
        known.count = known.count.saturating_add(1);
        known.last_at = now;
        known.count
    }

    /// Somebody has signed in from there.
    pub(crate) fn succeeded(&self, address: IpAddr) {
        self.failures.lock().remove(&address.to_canonical());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guessing_gets_slow_and_is_forgiven() {
        let logins = FailedLogins::new(2);
        let address = IpAddr::from([192, 0, 2, 1]);
        assert_eq!(logins.failed(address, Instant(0)), 1);
        assert!(!logins.is_throttled(address, Instant(0)));
        assert_eq!(logins.failed(address, Instant(0)), 2);
        assert!(logins.is_throttled(address, Instant(0)));
        assert!(!logins.is_throttled(IpAddr::from([192, 0, 2, 2]), Instant(0)));
        assert!(!logins.is_throttled(address, Instant(0) + REMEMBERED));
        assert_eq!(logins.failed(address, Instant(0) + REMEMBERED), 1);
        logins.failed(address, Instant(0) + REMEMBERED);
        logins.succeeded(address);
        assert!(!logins.is_throttled(address, Instant(0) + REMEMBERED));
    }

    #[test]
    fn the_table_is_bounded() {
        let logins = FailedLogins::new(2);
        for n in 0..(MAX_ADDRESSES as u32 + 10) {
            logins.failed(IpAddr::from(n.to_be_bytes()), Instant(0));
        }
        assert!(logins.failures.lock().len() <= MAX_ADDRESSES);
    }
}
