//! Sign-ins that failed, by address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use parking_lot::Mutex;
use posthouse_model::Instant;

/// Addresses that are remembered. When there are more, those whose failures are forgiven are forgotten, and if none
/// is, all.
const MAX_ADDRESSES: usize = 65_536;
/// Time in which as many failures are forgiven as there may be.
const FORGIVEN_IN: Duration = Duration::from_secs(15 * 60);

/// Counts sign-ins that failed, so that guessing gets slow.
///
/// An office behind one address has many people in it, and one phone with an old password must not lock out the others:
/// so the bound is generous, and failures are forgiven at a steady rate. Signing in forgives nothing, or whoever has an
/// account could guess the passwords of others for ever.
#[derive(Debug)]
pub(crate) struct FailedLogins {
    max_failures: u32,
    failures: Mutex<HashMap<IpAddr, Failures>>,
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    /// Failures that are not forgiven yet, in thousandths.
    thousandths: u64,
    counted_at: Instant,
}

impl Failures {
    fn unforgiven(self, max_failures: u32, now: Instant) -> u64 {
        let elapsed_ms = u64::try_from(now.since(self.counted_at).as_millis()).unwrap_or(u64::MAX);
        let forgiven = u128::from(elapsed_ms) * u128::from(max_failures) * 1000 / FORGIVEN_IN.as_millis();
        self.thousandths.saturating_sub(u64::try_from(forgiven).unwrap_or(u64::MAX))
    }
}

impl FailedLogins {
    /// Refuses further attempts of an address after `max_failures`.
    pub(crate) fn new(max_failures: u32) -> Self {
        Self { max_failures, failures: Mutex::default() }
    }

    /// Whether so many have failed from there that the next is not even tried.
    pub(crate) fn is_throttled(&self, address: IpAddr, now: Instant) -> bool {
        let known = self.failures.lock().get(&address.to_canonical()).copied();
        // One more must fit.
        let bound = u64::from(self.max_failures.saturating_sub(1)) * 1000;
        known.is_some_and(|known| known.unforgiven(self.max_failures, now) > bound)
    }

    /// One more has failed; says how many did lately.
    pub(crate) fn failed(&self, address: IpAddr, now: Instant) -> u64 {
        let mut failures = self.failures.lock();
        if failures.len() >= MAX_ADDRESSES {
            failures.retain(|_, known| known.unforgiven(self.max_failures, now) > 0);
            if failures.len() >= MAX_ADDRESSES {
                failures.clear();
            }
        }
        let known = failures.entry(address.to_canonical()).or_insert(Failures { thousandths: 0, counted_at: now });
        known.thousandths = known.unforgiven(self.max_failures, now) + 1000;
        known.counted_at = now;
        known.thousandths.div_ceil(1000)
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
        assert!(logins.is_throttled(address, Instant(0) + FORGIVEN_IN / 4));
        assert!(!logins.is_throttled(address, Instant(0) + FORGIVEN_IN / 2));
        assert_eq!(logins.failed(address, Instant(0) + FORGIVEN_IN), 1);
    }

    #[test]
    fn an_old_phone_does_not_lock_out_an_office() {
        let logins = FailedLogins::new(100);
        let address = IpAddr::from([192, 0, 2, 1]);
        for minute in 0..10_000 {
            let now = Instant(minute * 60_000);
            assert!(!logins.is_throttled(address, now));
            logins.failed(address, now);
        }
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
