//! How long the disk takes, and what that makes worth doing.

use std::time::Duration;

/// What a sync is taken to last before there was any.
const ASSUMED: Duration = Duration::from_micros(250);
/// Octets whose copy into the index costs what a millisecond of waiting does: to write and add them up twice, and to move
/// them into the database later. Measured at about twice as many.
const COPIED_BYTES_PER_MILLISECOND: u128 = 128 * 1024;
/// How much of the mean is the last sync: one in so many.
const SHARE: u32 = 8;

/// The time that a sync of a segment took of late.
#[derive(Debug)]
pub(super) struct SyncTime {
    mean: Duration,
}

impl Default for SyncTime {
    fn default() -> Self {
        Self { mean: ASSUMED }
    }
}

impl SyncTime {
    /// A sync took so long.
    pub(super) fn took(&mut self, time: Duration) {
        self.mean = (self.mean * (SHARE - 1) + time) / SHARE;
    }

    /// Most octets that are copied in less time than a sync takes.
    pub(super) fn worth_copying(&self) -> usize {
        let bytes = self.mean.as_micros() * COPIED_BYTES_PER_MILLISECOND / 1000;
        usize::try_from(bytes).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slower_the_disk_the_more_is_worth_copying() {
        let mut time = SyncTime::default();
        assert_eq!(time.worth_copying(), 32 * 1024);
        for _ in 0..100 {
            time.took(Duration::from_millis(8));
        }
        assert!((900_000..=1_048_576).contains(&time.worth_copying()), "{time:?}");
        for _ in 0..200 {
            time.took(Duration::ZERO);
        }
        assert_eq!(time.worth_copying(), 0);
    }
}
