//! How much may go by way of a route: periods of the calendar (UTC), so that a count is one row.

use posthouse_model::UnixMillis;

use super::RouteLimits;

const MINUTE_MS: i64 = 60 * 1000;

/// A period for which a route may have a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoutePeriod {
    /// A minute.
    Minute,
    /// An hour.
    Hour,
    /// A day.
    Day,
}

impl RoutePeriod {
    /// All of them, the shortest first.
    pub const EACH: [Self; 3] = [Self::Minute, Self::Hour, Self::Day];

    /// How long it is, in milliseconds.
    pub fn length_ms(self) -> i64 {
        match self {
            Self::Minute => MINUTE_MS,
            Self::Hour => 60 * MINUTE_MS,
            Self::Day => 24 * 60 * MINUTE_MS,
        }
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    fn number(self, at: UnixMillis) -> i64 {
        at.0.div_euclid(self.length_ms())
    }

    /// When the one of `at` ends.
    pub fn ends(self, at: UnixMillis) -> UnixMillis {
        UnixMillis((self.number(at) + 1) * self.length_ms())
    }
}

impl RouteLimits {
    /// Messages that may go in a period.
    pub fn in_period(&self, period: RoutePeriod) -> Option<u32> {
        match period {
            RoutePeriod::Minute => self.per_minute,
            RoutePeriod::Hour => self.per_hour,
            RoutePeriod::Day => self.per_day,
        }
    }

    /// Whether anything is limited by period.
    pub fn has_pace(&self) -> bool {
        RoutePeriod::EACH.into_iter().any(|period| self.in_period(period).is_some())
    }
}

/// Messages that have gone, in the minute, hour and day of `counted_at`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RouteCounts {
    /// When the last one went.
    pub counted_at: UnixMillis,
    /// In its minute, hour and day.
    pub counts: [u64; 3],
}

/// Whether a message may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteTurn {
    /// It may, and is counted.
    Go,
    /// None may until the period ends.
    Wait {
        /// Of which so many may go as have gone.
        period: RoutePeriod,
        /// When it ends.
        until: UnixMillis,
    },
}

impl RouteCounts {
    /// What they come to at `at`. A clock that is set back begins no period anew.
    #[must_use]
    pub fn as_of(self, at: UnixMillis) -> Self {
        let at = at.max(self.counted_at);
        let mut counts = self.counts;
        for (count, period) in counts.iter_mut().zip(RoutePeriod::EACH) {
            if period.number(at) != period.number(self.counted_at) {
                *count = 0;
            }
        }
        Self { counted_at: at, counts }
    }

    /// Lets one more go, if it may.
    pub fn take(&mut self, limits: &RouteLimits, at: UnixMillis) -> RouteTurn {
        let mut now = self.as_of(at);
        // The longest wait first.
        for (count, period) in now.counts.into_iter().zip(RoutePeriod::EACH).rev() {
            if limits.in_period(period).is_some_and(|most| count >= u64::from(most)) {
                return RouteTurn::Wait { period, until: period.ends(now.counted_at) };
            }
        }
        now.counts.iter_mut().for_each(|count| *count += 1);
        *self = now;
        RouteTurn::Go
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2023-11-14 22:13:20.
    const AT: i64 = 1_700_000_000_000;

    #[test]
    fn what_has_gone_is_not_passed() {
        let limits = RouteLimits { per_minute: Some(2), per_day: Some(3), ..RouteLimits::default() };
        let mut counts = RouteCounts::default();
        let at = |seconds: i64| UnixMillis(AT + seconds * 1000);
        assert_eq!([0, 1].map(|second| counts.take(&limits, at(second))), [RouteTurn::Go; 2]);
        let wait = RouteTurn::Wait { period: RoutePeriod::Minute, until: at(40) };
        assert_eq!(counts.take(&limits, at(2)), wait);
        assert_eq!(counts.take(&limits, at(-3600)), wait);
        assert_eq!(counts.take(&limits, at(40)), RouteTurn::Go);
        let midnight = at(3600 + 46 * 60 + 40);
        assert_eq!(counts.take(&limits, at(400)), RouteTurn::Wait { period: RoutePeriod::Day, until: midnight });
        assert_eq!(counts.take(&limits, midnight), RouteTurn::Go);
        let none = RouteLimits { per_hour: Some(0), ..RouteLimits::default() };
        assert!(matches!(counts.take(&none, midnight), RouteTurn::Wait { period: RoutePeriod::Hour, .. }));
    }
}
