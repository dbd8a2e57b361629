//! What has been sent in the periods that are under way.

use posthouse_model::UnixMillis;

use super::{Counted, Period};

/// What has been sent in one period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Messages.
    pub messages: u64,
    /// Recipients of their envelopes.
    pub recipients: u64,
}

/// What one unit has sent in the hour, day and month into which `counted_at` falls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// When something was counted last.
    pub counted_at: UnixMillis,
    /// In the hour.
    pub hour: Figures,
    /// In the day.
    pub day: Figures,
    /// In the month.
    pub month: Figures,
}

impl Sent {
    /// What it comes to at `at`: a period that is over counts nothing. A clock that is set back begins no period anew.
    #[must_use]
    pub fn as_of(self, at: UnixMillis) -> Self {
        let at = at.max(self.counted_at);
        let left = |period: Period, figures: Figures| {
            if period.began(at) == period.began(self.counted_at) { figures } else { Figures::default() }
        };
        Self {
            counted_at: at,
            hour: left(Period::Hour, self.hour),
            day: left(Period::Day, self.day),
            month: left(Period::Month, self.month),
        }
    }

    /// With so much more, sent at [`Self::counted_at`].
    #[must_use]
    pub fn plus(self, more: Figures) -> Self {
        let sum = |figures: Figures| Figures {
            messages: figures.messages.saturating_add(more.messages),
            recipients: figures.recipients.saturating_add(more.recipients),
        };
        Self { counted_at: self.counted_at, hour: sum(self.hour), day: sum(self.day), month: sum(self.month) }
    }

    /// What has been sent in a period.
    pub fn in_period(&self, period: Period) -> Figures {
        match period {
            Period::Hour => self.hour,
            Period::Day => self.day,
            Period::Month => self.month,
        }
    }
}

impl Figures {
    /// One of the two.
    pub fn of(&self, counted: Counted) -> u64 {
        match counted {
            Counted::Messages => self.messages,
            Counted::Recipients => self.recipients,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2023-11-14 22:13:20.
    const AT: i64 = 1_700_000_000_000;
    const HOUR: i64 = 3_600_000;

    fn check(later: i64, expected: [u64; 3]) {
        let one = Figures { messages: 1, recipients: 2 };
        let sent = Sent::default().as_of(UnixMillis(AT)).plus(one).as_of(UnixMillis(AT + later)).plus(one);
        assert_eq!(Period::EACH.map(|period| sent.in_period(period).of(Counted::Recipients)), expected, "{later}");
    }

    #[test]
    fn periods_end_one_by_one() {
        check(0, [4, 4, 4]);
        check(HOUR, [2, 4, 4]);
        check(2 * HOUR, [2, 2, 4]);
        check(20 * 24 * HOUR, [2, 2, 2]);
        check(-30 * 24 * HOUR, [4, 4, 4]);
    }
}
