//! Dates as the Internet writes them (RFC 3339 §5.6).
//!
//! ```text
//! date-time    = full-date "T" full-time
//! full-date    = date-fullyear "-" date-month "-" date-mday
//! full-time    = partial-time time-offset
//! partial-time = time-hour ":" time-minute ":" time-second [time-secfrac]
//! time-secfrac = "." 1*DIGIT
//! time-offset  = "Z" / ( ( "+" / "-" ) time-hour ":" time-minute )
//! ```

use std::fmt::Write as _;

use crate::time::{UnixDay, UnixMillis};

/// Longest text that is read: whoever writes more digits of a second means nothing by them.
const MAX_TEXT_BYTES: usize = 40;
const SECONDS_PER_DAY: i64 = 24 * 60 * 60;

impl UnixMillis {
    /// Reads a `date-time`, in any zone. Digits of a second beyond the third are left out.
    #[must_use]
    pub fn from_rfc3339(text: &str) -> Option<Self> {
        if text.len() > MAX_TEXT_BYTES || !text.is_ascii() {
            return None;
        }
        let date = text.get(..10)?;
        let (year, month, day) = (number(date, 0, 4)?, number(date, 5, 2)?, number(date, 8, 2)?);
        let time = text.get(11..19)?;
        let (hour, minute, second) = (number(time, 0, 2)?, number(time, 3, 2)?, number(time, 6, 2)?);
        let marks = [date.as_bytes()[4], date.as_bytes()[7], time.as_bytes()[2], time.as_bytes()[5]];
        if marks != *b"--::" || !matches!(text.as_bytes()[10], b'T' | b't') {
            return None;
        }
        // RFC 3339 §5.7: 60 is a leap second.
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let (millis, zone) = fraction(text.get(19..)?)?;
        let day = UnixDay::from_date(i32::try_from(year).ok()?, u32::try_from(month).ok()?, u32::try_from(day).ok()?)?;
        let local = i64::from(day.0) * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second;
        Some(Self((local - offset_seconds(zone)?) * 1000 + millis))
    }

    /// Writes a `date-time` in UTC, with a fraction only where there is one; years have four digits up to 9999.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        let (seconds, millis) = (self.seconds(), self.0.rem_euclid(1000));
        let day = i32::try_from(seconds.div_euclid(SECONDS_PER_DAY)).unwrap_or(i32::MAX);
        let (year, month, day) = UnixDay(day).to_date();
        let of_day = seconds.rem_euclid(SECONDS_PER_DAY);
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        let mut text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
        if millis > 0 {
            let _ = write!(text, ".{millis:03}");
        }
        text.push('Z');
        text
    }
}

/// The number of `digits` digits at `from`.
fn number(text: &str, from: usize, digits: usize) -> Option<i64> {
    let text = text.get(from..from + digits)?;
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// Splits `[time-secfrac] time-offset`; gives milliseconds and the offset.
fn fraction(text: &str) -> Option<(i64, &str)> {
    let Some(rest) = text.strip_prefix('.') else { return Some((0, text)) };
    let end = rest.find(|c: char| !c.is_ascii_digit())?;
    let (digits, zone) = rest.split_at(end);
    let first: String = digits.chars().chain("00".chars()).take(3).collect();
    if digits.is_empty() { None } else { Some((first.parse().ok()?, zone)) }
}

fn offset_seconds(zone: &str) -> Option<i64> {
    if matches!(zone, "Z" | "z") {
        return Some(0);
    }
    let sign = match zone.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hour, minute) = (number(zone, 1, 2)?, number(zone, 4, 2)?);
    let is_valid = zone.len() == 6 && zone.as_bytes()[3] == b':' && hour <= 23 && minute <= 59;
    is_valid.then_some(sign * (hour * 3600 + minute * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<i64>) {
        assert_eq!(UnixMillis::from_rfc3339(text).map(|at| at.0), expected, "{text}");
    }

    #[test]
    fn dates_are_read() {
        check("1970-01-01T00:00:00Z", Some(0));
        check("2023-11-14T22:13:20Z", Some(1_700_000_000_000));
        check("2023-11-14t23:13:20+01:00", Some(1_700_000_000_000));
        check("2023-11-14T17:43:20-04:30", Some(1_700_000_000_000));
        check("2023-11-14T22:13:20.5z", Some(1_700_000_000_500));
        check("2023-11-14T22:13:20.123456Z", Some(1_700_000_000_123));
        check("1990-12-31T23:59:60Z", Some(662_688_000_000));
    }

    #[test]
    fn what_is_no_date_is_not_read() {
        for text in [
            "",
            "2023-11-14",
            "2023-11-14T22:13:20",
            "2023-11-14 22:13:20Z",
            "2023-11-14T22:13:20.Z",
            "2023-11-14T22:13:20Zx",
            "2023-11-14T22:13:20+0100",
            "2023-11-14T22:13:20+24:00",
            "2023-11-14T24:13:20Z",
            "2023-11-14T22:60:20Z",
            "2023-11-14T22:13:61Z",
            "2023-02-29T22:13:20Z",
            "2023-13-01T22:13:20Z",
            "+023-11-14T22:13:20Z",
            "2023/11/14T22:13:20Z",
            "2023-11-14T22:13:20.0000000000000000000000Z",
            "2023-11-14T22:13:2\u{e9}Z",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn dates_are_written_as_they_are_read() {
        for millis in [0, 1, 951_782_400_000, 1_700_000_000_000, 1_700_000_000_045, 253_402_300_799_000, -1] {
            assert_eq!(UnixMillis::from_rfc3339(&UnixMillis(millis).to_rfc3339()), Some(UnixMillis(millis)));
        }
        assert_eq!(UnixMillis(1_700_000_000_000).to_rfc3339(), "2023-11-14T22:13:20Z");
        assert_eq!(UnixMillis(1_700_000_000_045).to_rfc3339(), "2023-11-14T22:13:20.045Z");
    }
}
