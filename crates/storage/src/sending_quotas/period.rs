//! Periods of the calendar.

use posthouse_model::UnixMillis;
use posthouse_model::time::UnixDay;

/// An hour, in milliseconds.
const HOUR_MS: i64 = 60 * 60 * 1000;
/// A day, in milliseconds.
const DAY_MS: i64 = 24 * HOUR_MS;

/// A period of the calendar, in UTC. It begins at the full hour, at midnight, or on the first of the month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// A month.
    Month,
}

impl Period {
    /// All of them, the shortest first.
    pub const EACH: [Self; 3] = [Self::Hour, Self::Day, Self::Month];

    /// When the period began into which `at` falls.
    pub fn began(self, at: UnixMillis) -> UnixMillis {
        match self {
            Self::Hour => UnixMillis(at.0 - at.0.rem_euclid(HOUR_MS)),
            Self::Day => UnixMillis(at.0 - at.0.rem_euclid(DAY_MS)),
            Self::Month => first_of_month(at, 0),
        }
    }

    /// When it ends, and the next one begins.
    pub fn ends(self, at: UnixMillis) -> UnixMillis {
        match self {
            Self::Hour => UnixMillis(self.began(at).0 + HOUR_MS),
            Self::Day => UnixMillis(self.began(at).0 + DAY_MS),
            Self::Month => first_of_month(at, 1),
        }
    }
}

/// The first moment of the month of `at`, or of the one so many months later. Beyond the year 9999 it is `at`.
fn first_of_month(at: UnixMillis, later: u32) -> UnixMillis {
    let day = i32::try_from(at.0.div_euclid(DAY_MS)).unwrap_or(i32::MAX / 2);
    let (year, month, _) = UnixDay(day).to_date();
    let months = month - 1 + later;
    let first = UnixDay::from_date(year + (months / 12) as i32, months % 12 + 1, 1);
    first.map_or(at, |day| UnixMillis(i64::from(day.0) * DAY_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(year: i32, month: u32, day: u32, millis: i64) -> UnixMillis {
        UnixMillis(i64::from(UnixDay::from_date(year, month, day).unwrap().0) * DAY_MS + millis)
    }

    #[test]
    fn periods_follow_the_calendar() {
        let moment = at(2024, 2, 29, 13 * HOUR_MS + 5);
        assert_eq!(Period::Hour.began(moment), at(2024, 2, 29, 13 * HOUR_MS));
        assert_eq!(Period::Hour.ends(moment), at(2024, 2, 29, 14 * HOUR_MS));
        assert_eq!(Period::Day.ends(moment), at(2024, 3, 1, 0));
        assert_eq!((Period::Month.began(moment), Period::Month.ends(moment)), (at(2024, 2, 1, 0), at(2024, 3, 1, 0)));
        assert_eq!(Period::Month.ends(at(2026, 12, 31, DAY_MS - 1)), at(2027, 1, 1, 0));
        for period in Period::EACH {
            let end = period.ends(moment);
            assert_eq!(period.began(end), end, "{period:?}");
            assert_eq!(period.began(UnixMillis(end.0 - 1)), period.began(moment), "{period:?}");
        }
    }
}
