//! How many reports one reader gets, so that what makes very many does not bury anybody, nor make us a nuisance to those
//! whose addresses others forged.

use std::collections::HashMap;

use parking_lot::Mutex;
use posthouse_model::{JourneyId, UnixMillis};

/// Most reports in an hour for somebody here, who handed the messages in.
const MAX_HOURLY_HERE: u32 = 500;
/// Most reports in an hour for somebody elsewhere.
const MAX_HOURLY_ELSEWHERE: u32 = 30;
/// Readers that are remembered; with one more, those of the hour before go, and else all.
const MAX_READERS: usize = 10_000;
const HOUR_SECONDS: i64 = 60 * 60;

/// Reports of late, by reader.
#[derive(Debug, Default)]
pub(crate) struct ReportRates {
    readers: Mutex<HashMap<String, Reader>>,
}

#[derive(Debug)]
struct Reader {
    hour: i64,
    reports: u32,
    /// What the last one was about: telling it again, since the store did not take it, costs nothing.
    about: JourneyId,
}

impl ReportRates {
    /// Whether one more report is within bounds; it is counted if so.
    pub fn admit(&self, reader: &str, is_here: bool, about: JourneyId, now: UnixMillis) -> bool {
        let hour = now.seconds().div_euclid(HOUR_SECONDS);
        let mut readers = self.readers.lock();
        if readers.len() >= MAX_READERS && !readers.contains_key(reader) {
            readers.retain(|_, one| one.hour == hour);
            if readers.len() >= MAX_READERS {
                readers.clear();
            }
        }
        let entry = readers.entry(reader.to_owned()).or_insert(Reader { hour, reports: 0, about });
        if entry.hour != hour {
            (entry.hour, entry.reports) = (hour, 0);
        }
        if entry.reports > 0 && entry.about == about {
            return true;
        }
        let limit = if is_here { MAX_HOURLY_HERE } else { MAX_HOURLY_ELSEWHERE };
        if entry.reports >= limit {
            return false;
        }
        entry.reports += 1;
        entry.about = about;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

    #[test]
    fn so_many_in_an_hour() {
        for (is_here, limit) in [(true, u64::from(MAX_HOURLY_HERE)), (false, u64::from(MAX_HOURLY_ELSEWHERE))] {
            let rates = ReportRates::default();
            let admitted = (0..2 * limit).filter(|at| rates.admit("a@b", is_here, JourneyId(*at), NOW)).count();
            assert_eq!(admitted as u64, limit);
            assert!(rates.admit("other@b", is_here, JourneyId(1), NOW));
            let later = UnixMillis(NOW.0 + HOUR_SECONDS * 1000);
            assert!(rates.admit("a@b", is_here, JourneyId(1), later));
        }
    }

    #[test]
    fn a_report_that_is_tried_again_counts_once() {
        let rates = ReportRates::default();
        assert!((0..1000).all(|_| rates.admit("a@b", false, JourneyId(7), NOW)));
        let others = (0..100).filter(|at| rates.admit("a@b", false, JourneyId(100 + at), NOW)).count();
        assert_eq!(others as u32, MAX_HOURLY_ELSEWHERE - 1);
    }

    #[test]
    fn readers_are_bounded() {
        let rates = ReportRates::default();
        for number in 0..2 * MAX_READERS {
            rates.admit(&number.to_string(), false, JourneyId(1), NOW);
        }
        assert!(rates.readers.lock().len() <= MAX_READERS);
    }
}
