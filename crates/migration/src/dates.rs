//! When a message came in, where that has to be found out.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use posthouse_mime::{Structure, Summary};
use posthouse_model::UnixMillis;

/// Before this, in milliseconds, nobody received mail: 1971. Files that nobody dated have 1970.
const EARLIEST: i64 = 365 * 24 * 60 * 60 * 1000;
/// How far a clock may be wrong.
const TOLERANCE: Duration = Duration::from_secs(24 * 60 * 60);

/// The first of `told` that can be true; else when the message says that it was written; else now.
pub(crate) fn received(told: impl IntoIterator<Item = Option<UnixMillis>>, octets: &[u8]) -> UnixMillis {
    let now = unix_millis(SystemTime::now());
    let can_be = |at: &UnixMillis| (EARLIEST..=(now + TOLERANCE).0).contains(&at.0);
    let written = || {
        let structure = Structure::parse(octets);
        Summary::new(&structure, octets).sent.map(|date| UnixMillis::from_seconds(date.unix_seconds))
    };
    told.into_iter().flatten().find(can_be).or_else(|| written().filter(can_be)).unwrap_or(now)
}

pub(crate) fn unix_millis(at: SystemTime) -> UnixMillis {
    let millis = match at.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_millis()).unwrap_or(i64::MAX),
    };
    UnixMillis(millis)
}

pub(crate) fn system_time(at: UnixMillis) -> SystemTime {
    let distance = Duration::from_millis(at.0.unsigned_abs());
    let time = if at.0 < 0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) };
    time.unwrap_or(UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_date_that_can_be_true_is_taken() {
        let good = UnixMillis(1_000_000_000_000);
        let bad = [UnixMillis(0), UnixMillis(-5), UnixMillis(i64::MAX)].map(Some);
        assert_eq!(received([None, bad[0], bad[1], bad[2], Some(good)], b""), good);
        let dated = b"Date: Tue, 14 Nov 2023 23:30:00 -0500\r\n\r\n";
        assert_eq!(received(bad, dated), UnixMillis(1_700_022_600_000));
        assert!(received([], b"Date: Thu, 1 Jan 1970 00:00:00 +0000\r\n\r\n") > good);
    }

    #[test]
    fn times_go_there_and_back() {
        for at in [0, 1, -1, 1_700_000_000_123, -62_000_000_000_000] {
            assert_eq!(unix_millis(system_time(UnixMillis(at))), UnixMillis(at));
        }
    }
}
