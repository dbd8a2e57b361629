//! What is usual for an account: the busiest hour and day of this month and the one before.

use posthouse_model::UnixMillis;

use super::HeldMail;
use crate::sending_quotas::Period;

/// What an account has sent of late, and what is usual for it. All figures are of recipients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Watched {
    /// When something was counted last.
    pub counted_at: UnixMillis,
    /// Sent in this hour, since the account was released last.
    pub hour: u64,
    /// Sent in this day, likewise.
    pub day: u64,
    /// Of what was sent, come back in this hour.
    pub hour_bounced: u64,
    /// Likewise in this day.
    pub day_bounced: u64,
    /// In the busiest hour of this month that is over, and of the month before.
    pub busiest_hours: [u64; 2],
    /// In the busiest day, likewise.
    pub busiest_days: [u64; 2],
}

impl Watched {
    /// What it comes to at `at`. A clock that is set back ends no period.
    #[must_use]
    pub fn as_of(self, at: UnixMillis) -> Self {
        let mut now = self;
        now.counted_at = at.max(self.counted_at);
        let is_over = |period: Period| period.began(now.counted_at) != period.began(self.counted_at);
        if is_over(Period::Hour) {
            now.busiest_hours[0] = now.busiest_hours[0].max(now.hour);
            (now.hour, now.hour_bounced) = (0, 0);
        }
        if is_over(Period::Day) {
            now.busiest_days[0] = now.busiest_days[0].max(now.day);
            (now.day, now.day_bounced) = (0, 0);
        }
        if is_over(Period::Month) {
            let is_next = Period::Month.ends(self.counted_at) == Period::Month.began(now.counted_at);
            let former = |busiest: [u64; 2]| [0, if is_next { busiest[0] } else { 0 }];
            now.busiest_hours = former(now.busiest_hours);
            now.busiest_days = former(now.busiest_days);
        }
        now
    }

    /// With so many more recipients, sent at [`Self::counted_at`].
    #[must_use]
    pub fn plus_sent(mut self, recipients: u64) -> Self {
        self.hour = self.hour.saturating_add(recipients);
        self.day = self.day.saturating_add(recipients);
        self
    }

    /// With so many more that came back.
    #[must_use]
    pub fn plus_bounced(mut self, recipients: u64) -> Self {
        self.hour_bounced = self.hour_bounced.saturating_add(recipients);
        self.day_bounced = self.day_bounced.saturating_add(recipients);
        self
    }

    /// As it is when the account is released at `at`. Whether what it sent is usual is for who releases it to say; that
    /// it was frozen on is not held against it again.
    #[must_use]
    pub fn released(mut self, held: HeldMail, at: UnixMillis) -> Self {
        if held == HeldMail::IsDropped {
            (self.hour, self.day) = (0, 0);
        }
        self.busiest_hours[0] = self.busiest_hours[0].max(self.hour);
        self.busiest_days[0] = self.busiest_days[0].max(self.day);
        (self.hour_bounced, self.day_bounced) = (0, 0);
        self.as_of(at)
    }

    /// Recipients in the busiest hour that is remembered.
    pub fn usual_hour(&self) -> u64 {
        self.busiest_hours[0].max(self.busiest_hours[1])
    }

    /// Recipients in the busiest day that is remembered.
    pub fn usual_day(&self) -> u64 {
        self.busiest_days[0].max(self.busiest_days[1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;
    const DAY: i64 = 24 * HOUR;
    /// 2023-11-14 00:00:00.
    const BEGIN: i64 = 1_699_920_000_000;

    /// What is usual in an hour and a day after sending so much at these times.
    fn check(sent: &[(i64, u64)], at: i64, expected: (u64, u64)) {
        let mut watched = Watched::default();
        for &(later, recipients) in sent {
            watched = watched.as_of(UnixMillis(BEGIN + later)).plus_sent(recipients);
        }
        let watched = watched.as_of(UnixMillis(BEGIN + at));
        assert_eq!((watched.usual_hour(), watched.usual_day()), expected, "{sent:?} at {at}");
    }

    #[test]
    fn what_is_over_becomes_usual() {
        check(&[(0, 5)], 0, (0, 0));
        check(&[(0, 5), (1, 6)], HOUR, (11, 0));
        check(&[(0, 5), (HOUR, 6), (2 * HOUR, 1)], DAY, (6, 12));
        check(&[(0, 5), (DAY, 3)], 2 * DAY, (5, 5));
    }

    #[test]
    fn months_are_forgotten() {
        let until_december = 17 * DAY;
        check(&[(0, 5)], until_december, (5, 5));
        check(&[(0, 5), (until_december, 2)], until_december + 30 * DAY, (5, 5));
        check(&[(0, 5), (until_december, 2)], until_december + 31 * DAY, (2, 2));
        check(&[(0, 5)], until_december + 32 * DAY, (0, 0));
    }

    #[test]
    fn a_release_wipes_the_slate() {
        let at = |later: i64| UnixMillis(BEGIN + later);
        let flood = Watched::default().as_of(at(0)).plus_sent(1000).plus_bounced(300);
        let released = flood.released(HeldMail::GoesOn, at(1));
        assert_eq!((released.usual_hour(), released.usual_day(), released.hour), (1000, 1000, 1000));
        assert_eq!((released.hour_bounced, released.day_bounced), (0, 0));
        for later in [1, 3 * HOUR, 2 * DAY] {
            let dropped = flood.released(HeldMail::IsDropped, at(later)).as_of(at(10 * DAY));
            assert_eq!((dropped.usual_hour(), dropped.usual_day(), dropped.hour_bounced), (0, 0, 0), "{later}");
        }
    }
}
