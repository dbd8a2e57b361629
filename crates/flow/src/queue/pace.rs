//! How fast mail may go to one destination.
//!
//! The rule is the generic cell rate algorithm (a token bucket without a timer): for each destination that had mail
//! lately, one point in time says when all that was started would have been due at an even pace. Mail may run ahead of
//! it by what [`BURST`] holds.

use std::collections::HashMap;
use std::num::NonZeroU32;

use posthouse_model::{Domain, UnixMillis};

/// How much may go at once after a rest: what an even pace would send in so many milliseconds, and one message at
/// least.
const BURST: i64 = 1000;
/// Microseconds, in which pace is reckoned so that fast rates are kept exactly.
const MICROS_PER_MILLI: i64 = 1000;
/// A minute, in them.
const MICROS_PER_MINUTE: i64 = 60 * 1000 * MICROS_PER_MILLI;
/// Most destinations whose pace is kept in mind. Further ones wait until one of these has had its rest, a matter of a
/// minute at most.
const MAX_PACED_DESTINATIONS: usize = 10_000;
/// How long a destination waits for which there is no place, in milliseconds.
const NO_PLACE_PAUSE: i64 = 1000;

/// How many messages may begin their way to one destination in a minute. A message to several of its recipients counts
/// once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DestinationRate {
    /// Messages a minute; at most [`DestinationRate::HIGHEST`].
    messages_per_minute: NonZeroU32,
}

impl DestinationRate {
    /// The highest rate that is worth a name: a thousand a second.
    pub const HIGHEST: u32 = 60_000;

    /// So many messages a minute; more than [`Self::HIGHEST`] is as much as that.
    pub fn per_minute(messages: NonZeroU32) -> Self {
        let highest = NonZeroU32::new(Self::HIGHEST).unwrap_or(NonZeroU32::MIN);
        Self { messages_per_minute: messages.min(highest) }
    }

    /// The time from one message to the next.
    fn interval(self) -> i64 {
        MICROS_PER_MINUTE / i64::from(self.messages_per_minute.get())
    }

    /// How many may go at once.
    fn burst(self) -> i64 {
        (BURST * MICROS_PER_MILLI / self.interval()).max(1)
    }
}

/// The pace of each destination that had mail lately.
#[derive(Debug, Default)]
pub(super) struct Paces {
    /// When what was started would have been due at an even pace, in microseconds since 1970. In the past: forgotten.
    even_at: HashMap<Domain, i64>,
}

impl Paces {
    /// How many messages may go to `destination` now.
    pub(super) fn allowance(&mut self, destination: &Domain, rate: DestinationRate, now: UnixMillis) -> usize {
        let now = micros(now);
        if !self.even_at.contains_key(destination) && self.even_at.len() >= MAX_PACED_DESTINATIONS {
            self.even_at.retain(|_, even_at| *even_at > now);
            if self.even_at.len() >= MAX_PACED_DESTINATIONS {
                return 0;
            }
        }
        let allowed = (now + rate.burst() * rate.interval() - self.even_at(destination, rate, now)) / rate.interval();
        usize::try_from(allowed).unwrap_or(0)
    }

    /// So many messages go.
    pub(super) fn spend(&mut self, destination: &Domain, rate: DestinationRate, now: UnixMillis, messages: usize) {
        let even_at = self.even_at(destination, rate, micros(now));
        let spent = i64::try_from(messages).unwrap_or(i64::MAX).saturating_mul(rate.interval());
        self.even_at.insert(destination.clone(), even_at.saturating_add(spent));
    }

    /// When the next message may go.
    pub(super) fn ready_at(&self, destination: &Domain, rate: DestinationRate, now: UnixMillis) -> UnixMillis {
        if !self.even_at.contains_key(destination) && self.even_at.len() >= MAX_PACED_DESTINATIONS {
            return UnixMillis(now.0 + NO_PLACE_PAUSE);
        }
        let even_at = self.even_at(destination, rate, micros(now));
        let at = even_at + rate.interval() - rate.burst() * rate.interval();
        // Rounded up: a moment too early there is nothing to be had yet.
        UnixMillis(at.div_euclid(MICROS_PER_MILLI) + i64::from(at.rem_euclid(MICROS_PER_MILLI) > 0)).max(now)
    }

    /// Not before now, since rest beyond the burst earns nothing; and not so far ahead as only a clock that was set back
    /// can make it.
    fn even_at(&self, destination: &Domain, rate: DestinationRate, now: i64) -> i64 {
        let furthest = now + rate.burst() * rate.interval();
        self.even_at.get(destination).map_or(now, |&even_at| even_at.clamp(now, furthest))
    }
}

fn micros(time: UnixMillis) -> i64 {
    time.0.saturating_mul(MICROS_PER_MILLI)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 1_700_000_000_000;

    fn rate(messages: u32) -> DestinationRate {
        DestinationRate::per_minute(NonZeroU32::new(messages).unwrap())
    }

    fn destination() -> Domain {
        Domain::parse("far.example").unwrap()
    }

    /// Takes all that is allowed at each of these milliseconds; says how much that was.
    #[track_caller]
    fn check(per_minute: u32, expected: &[(i64, usize)]) {
        let mut paces = Paces::default();
        for &(millis, expected) in expected {
            let now = UnixMillis(NOW + millis);
            let allowed = paces.allowance(&destination(), rate(per_minute), now);
            assert_eq!(allowed, expected, "{per_minute} a minute, after {millis} ms");
            paces.spend(&destination(), rate(per_minute), now, allowed);
        }
    }

    #[test]
    fn slow_rates_are_an_interval() {
        check(10, &[(0, 1), (0, 0), (5_999, 0), (6_000, 1), (12_000, 1), (60_000, 1)]);
        check(1, &[(0, 1), (59_999, 0), (60_000, 1)]);
    }

    #[test]
    fn fast_rates_have_a_burst() {
        check(600, &[(0, 10), (99, 0), (100, 1), (200, 1), (100_000, 10)]);
        check(60_000, &[(0, 1000), (1, 1), (2, 1), (500, 498)]);
        check(u32::MAX, &[(0, 1000)]);
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_stop_mail() {
        check(10, &[(0, 1), (-86_400_000, 0), (-86_394_000, 1)]);
    }

    #[test]
    fn destinations_without_a_place_wait() {
        let mut paces = Paces::default();
        for number in 0..MAX_PACED_DESTINATIONS {
            let destination = Domain::parse(&format!("d{number}.example")).unwrap();
            assert_eq!(paces.allowance(&destination, rate(1), UnixMillis(NOW)), 1);
            paces.spend(&destination, rate(1), UnixMillis(NOW), 1);
        }
        assert_eq!(paces.allowance(&destination(), rate(1), UnixMillis(NOW)), 0);
        assert_eq!(paces.ready_at(&destination(), rate(1), UnixMillis(NOW)), UnixMillis(NOW + NO_PLACE_PAUSE));
        assert_eq!(paces.allowance(&destination(), rate(1), UnixMillis(NOW + 60_000)), 1);
    }

    proptest! {
        /// Whoever comes when told gets something, and in no minute does more go than the rate and one burst.
        #[test]
        fn the_rate_is_kept(per_minute in 1..=DestinationRate::HIGHEST, waits in prop::collection::vec(0..5000_i64, 1..60)) {
            let (mut paces, rate) = (Paces::default(), rate(per_minute));
            let mut now = UnixMillis(NOW);
            let mut sent = 0_i64;
            for wait in waits {
                now = paces.ready_at(&destination(), rate, UnixMillis(now.0 + wait));
                let allowed = paces.allowance(&destination(), rate, now);
                prop_assert!(allowed >= 1);
                paces.spend(&destination(), rate, now, allowed);
                sent += i64::try_from(allowed).unwrap();
                let most = (now.0 - NOW) * i64::from(per_minute) / 60_000 + rate.burst() + 1;
                // The interval is cut to whole microseconds, a thousandth of the fastest.
                prop_assert!(sent <= most + most / 1000, "{sent} of {most}");
            }
        }
    }
}
