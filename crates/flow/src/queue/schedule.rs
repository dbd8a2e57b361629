//! When to try again.

use std::time::Duration;

use posthouse_model::UnixMillis;

use crate::options::DAY;

/// How far chance moves a wait, in either direction: one part in so many.
const JITTER_PART: u64 = 10;

/// When to try again, and when to give up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetrySchedule {
    /// The wait after the first attempt, the second, and so on; the last one repeats.
    pub waits: Vec<Duration>,
    /// How long a message is tried (RFC 5321 §4.5.4.1 asks for four to five days at least).
    pub lifetime: Duration,
    /// After how long the sender is told that it takes longer than usual.
    pub report_delay_after: Duration,
}

impl Default for RetrySchedule {
    fn default() -> Self {
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        Self {
            waits: [5, 10, 20, 30, 60, 120, 180, 240].map(minutes).to_vec(),
            lifetime: 5 * DAY,
            report_delay_after: Duration::from_secs(4 * 60 * 60),
        }
    }
}

impl RetrySchedule {
    /// When to try again after `attempts` attempts, the last of them at `now`. `random` moves it by up to a tenth, so
    /// that what failed together is not tried together.
    pub fn next(&self, attempts: u32, now: UnixMillis, random: u64) -> UnixMillis {
        let index = (attempts.max(1) as usize - 1).min(self.waits.len().saturating_sub(1));
        let wait = self.waits.get(index).copied().unwrap_or(Duration::from_secs(3600));
        let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1);
        let span = (millis / JITTER_PART).max(1);
        let moved = millis - span + random % (2 * span + 1);
        now + Duration::from_millis(moved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_stay_within_a_tenth() {
        let schedule = RetrySchedule::default();
        let now = UnixMillis(1_000);
        for attempts in 1..20 {
            let wait = schedule.waits[(attempts as usize - 1).min(schedule.waits.len() - 1)].as_millis() as i64;
            for random in [0, 1, u64::MAX / 2, u64::MAX, 12_345_678_901_234_567] {
                let moved = schedule.next(attempts, now, random).0 - now.0;
                assert!((moved - wait).abs() <= wait / 10, "{attempts}: {moved} for {wait}");
            }
        }
    }

    #[test]
    fn an_empty_schedule_is_an_hour() {
        let schedule = RetrySchedule { waits: Vec::new(), ..RetrySchedule::default() };
        assert!(schedule.next(3, UnixMillis(0), 0).0 >= 3_000_000);
    }
}
