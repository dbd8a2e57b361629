//! Dates of header fields (RFC 5322 §3.3), read tolerantly and written strictly.

use std::fmt::Write as _;

use crate::header::unfold;
use crate::token::{Cursor, is_white_space};

/// A moment, and the clock on the wall where it was noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DateTime {
    /// Seconds since 1970-01-01 00:00:00 UTC, leap seconds not counted.
    pub unix_seconds: i64,
    /// Minutes by which the local clock is ahead of UTC; within a day either way.
    pub offset_minutes: i16,
}

/// The largest zone that RFC 5322 §3.3 can write is `+9959`; beyond a day no clock is meant.
const MAX_OFFSET_MINUTES: i64 = 24 * 60;
const SECONDS_PER_DAY: i64 = 86_400;
/// Dates are written and read from year 1 on. RFC 5322 §3.3 wants 1900 or later of writers only.
const MIN_YEAR: i64 = 1;
const MAX_YEAR: i64 = 9_999;

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

impl DateTime {
    /// Reads the value of a Date field, folded or not. Accepts RFC 5322 §3.3 and §4.3, and what is common beside it:
    /// no day of the week or a false one, no seconds, no zone (then UTC), full names of months, `asctime` order.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let value = unfold(value);
        Fields::read(&mut Cursor::new(&value))?.resolve()
    }

    /// Year, month (from 1) and day (from 1) on the local clock, time and zone disregarded: what SENTBEFORE, SENTON
    /// and SENTSINCE compare (RFC 9051 §6.4.4).
    #[must_use]
    pub fn local_date(&self) -> (i64, u8, u8) {
        civil_from_days(self.local_seconds().div_euclid(SECONDS_PER_DAY))
    }

    /// `Fri, 21 Nov 1997 09:55:06 -0600`, the form of RFC 5322 §3.3. A moment outside of the years 1 to 9999 is written
    /// as the nearest one within.
    #[must_use]
    pub fn to_rfc5322(&self) -> String {
        let first = days_from_civil(MIN_YEAR, 1, 1) * SECONDS_PER_DAY;
        let last = days_from_civil(MAX_YEAR + 1, 1, 1) * SECONDS_PER_DAY - 1;
        let offset = i64::from(self.offset_minutes).clamp(-MAX_OFFSET_MINUTES, MAX_OFFSET_MINUTES);
        let local = self.local_seconds().clamp(first, last);
        let days = local.div_euclid(SECONDS_PER_DAY);
        let (year, month, day) = civil_from_days(days);
        let second = local.rem_euclid(SECONDS_PER_DAY);
        let mut text = String::with_capacity(32);
        let weekday = WEEKDAYS[usize::try_from(days.rem_euclid(7)).unwrap_or(0)];
        let month = MONTHS[usize::from(month) - 1];
        let sign = if offset < 0 { '-' } else { '+' };
        let (hours, minutes) = (offset.abs() / 60, offset.abs() % 60);
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "{weekday}, {day:02} {month} {year:04} {:02}:{:02}:{:02} {sign}{hours:02}{minutes:02}",
            second / 3_600,
            second / 60 % 60,
            second % 60
        );
        text
    }

    fn local_seconds(&self) -> i64 {
        self.unix_seconds.saturating_add(i64::from(self.offset_minutes) * 60)
    }
}

/// What the words of a date were found to be.
#[derive(Default)]
struct Fields {
    day: Option<i64>,
    month: Option<i64>,
    year: Option<i64>,
    /// Seconds since midnight.
    time: Option<i64>,
    offset_minutes: Option<i64>,
}

impl Fields {
    /// Takes the words one by one: a day or year is a number, a time has colons, a month is a name, a zone has a sign
    /// or is a name. So order does not matter, and what is not understood is passed over.
    fn read(cursor: &mut Cursor<'_>) -> Option<Self> {
        let mut fields = Self::default();
        for _ in 0..MAX_WORDS {
            cursor.skip_cfws();
            if cursor.is_at_end() {
                break;
            }
            let word = cursor.take_while(|octet| !is_white_space(octet) && octet != b',' && octet != b'(');
            if word.is_empty() {
                cursor.bump();
                continue;
            }
            let mut word = word.to_vec();
            // RFC 5322 §4.3: white space may stand around the colons of a time.
            while word.len() <= MAX_TIME_BYTES {
                let mut ahead = cursor.clone();
                ahead.skip_cfws();
                let continues = ahead.peek() == Some(b':') || (word.ends_with(b":") && !ahead.is_at_end());
                if !continues {
                    break;
                }
                let more = ahead.take_while(|octet| !is_white_space(octet) && octet != b',' && octet != b'(');
                if more.is_empty() {
                    break;
                }
                word.extend(more);
                *cursor = ahead;
            }
            fields.take(&word);
        }
        fields.day?;
        Some(fields)
    }

    fn take(&mut self, word: &[u8]) {
        let Ok(word) = std::str::from_utf8(word) else { return };
        let first = word.as_bytes()[0];
        if matches!(first, b'+' | b'-') {
            if self.offset_minutes.is_none() && self.time.is_some() {
                self.offset_minutes = numeric_zone(word);
            }
        } else if word.contains(':') {
            self.time = self.time.or_else(|| self.take_time(word));
        } else if first.is_ascii_digit() && word.contains('-') {
            // `1-Jan-2020`, as IMAP writes dates and some programs copy it.
            word.split('-').filter(|part| !part.is_empty()).for_each(|part| self.take(part.as_bytes()));
        } else if first.is_ascii_digit() {
            self.take_number(word);
        } else if self.month.is_none()
            && let Some(month) = month(word)
        {
            self.month = Some(month);
        } else if self.offset_minutes.is_none() && self.time.is_some() {
            self.offset_minutes = named_zone(word);
        }
    }

    fn take_number(&mut self, word: &str) {
        let Ok(number) = word.parse::<u16>() else { return };
        let number = i64::from(number);
        if self.day.is_none() && word.len() <= 2 {
            self.day = Some(number);
        } else if self.year.is_none() {
            // RFC 5322 §4.3.
            self.year = Some(match word.len() {
                1 | 2 if number < 50 => number + 2_000,
                1..=3 => number + 1_900,
                _ => number,
            });
        }
    }

    /// `hour ":" minute [":" second]`, perhaps with a zone stuck to it.
    fn take_time(&mut self, word: &str) -> Option<i64> {
        let zone_at = word.find(['+', '-', 'Z']).unwrap_or(word.len());
        let (time, zone) = word.split_at(zone_at);
        if !zone.is_empty() {
            self.offset_minutes = numeric_zone(zone).or(Some(0));
        }
        let mut numbers = time.split(':').map(|part| {
            // Fractions of a second are not kept.
            part.split('.').next().unwrap_or_default().parse::<u8>().ok().map(i64::from)
        });
        let (hour, minute) = (numbers.next()??, numbers.next()??);
        let second = numbers.next().unwrap_or(Some(0))?;
        // RFC 5322 §3.3: the sixtieth second is a leap second.
        (hour <= 23 && minute <= 59 && second <= 60).then_some(hour * 3_600 + minute * 60 + second)
    }

    fn resolve(self) -> Option<DateTime> {
        let (year, month, day) = (self.year?, self.month?, self.day?);
        if !(MIN_YEAR..=MAX_YEAR).contains(&year) || day < 1 || day > days_in_month(year, month) {
            return None;
        }
        let offset = self.offset_minutes.unwrap_or(0);
        let offset_minutes = i16::try_from(offset).ok()?;
        let local = days_from_civil(year, month, day) * SECONDS_PER_DAY + self.time.unwrap_or(0);
        Some(DateTime { unix_seconds: local - offset * 60, offset_minutes })
    }
}

/// Words of a date that are looked at: a sound one has seven.
const MAX_WORDS: usize = 24;

/// Octets of a time of the day.
const MAX_TIME_BYTES: usize = 32;

fn month(word: &str) -> Option<i64> {
    let prefix = word.get(..3)?;
    let at = MONTHS.iter().position(|month| month.eq_ignore_ascii_case(prefix))?;
    i64::try_from(at + 1).ok()
}

/// `( "+" / "-" ) 4DIGIT`, also `+01:00` and `+1`.
fn numeric_zone(zone: &str) -> Option<i64> {
    let (sign, digits) = match zone.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let digits: String = digits.chars().filter(|character| *character != ':').collect();
    let number = i64::from(digits.parse::<u16>().ok()?);
    let minutes = if digits.len() <= 2 { number * 60 } else { number / 100 * 60 + number % 100 };
    (minutes <= MAX_OFFSET_MINUTES).then_some(sign * minutes)
}

/// RFC 5322 §4.3: the named zones; all others, the military letters included, are -0000.
fn named_zone(name: &str) -> Option<i64> {
    let hours = match name.to_ascii_uppercase().as_str() {
        "EDT" => -4,
        "EST" | "CDT" => -5,
        "CST" | "MDT" => -6,
        "MST" | "PDT" => -7,
        "PST" => -8,
        "CET" | "MEZ" => 1,
        "CEST" | "MESZ" | "EET" => 2,
        "UT" | "UTC" | "GMT" | "Z" => 0,
        // A weekday that stands after the time, as in `asctime`, is no zone.
        name if name.len() == 1 || name.ends_with('T') => 0,
        _ => return None,
    };
    Some(hours * 60)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar. Years are counted from March, so that the leap
/// day is the last of a year, in eras of 400 years (146,097 days).
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The reverse of [`days_from_civil`].
fn civil_from_days(days: i64) -> (i64, u8, u8) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, u8::try_from(month).unwrap_or(1), u8::try_from(day).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(value: &str, expected: Option<(i64, i16)>) {
        let parsed = DateTime::parse(value.as_bytes()).map(|date| (date.unix_seconds, date.offset_minutes));
        assert_eq!(parsed, expected, "{value}");
    }

    #[test]
    fn standard_dates() {
        check("Fri, 21 Nov 1997 09:55:06 -0600", Some((880_127_706, -360)));
        check(" Tue, 1 Jul 2003 10:52:37 +0200", Some((1_057_049_557, 120)));
        check("1 Jul 2003 10:52 +0200", Some((1_057_049_520, 120)));
        check("Tue, 1 Jul 2003\r\n 10:52:37 +0200 (CEST)", Some((1_057_049_557, 120)));
        check("Thu, 01 Jan 1970 00:00:00 -0000", Some((0, 0)));
        check("Sat, 31 Dec 2016 23:59:60 +0000", Some((1_483_228_800, 0)));
    }

    #[test]
    fn obsolete_dates() {
        check("21 Nov 97 09:55:06 GMT", Some((880_106_106, 0)));
        check("Fri, 21 Nov 97 09(comment):   55  :  06 -0600", Some((880_127_706, -360)));
        check("Fri, 21 Nov 1997 09:55:06 EST", Some((880_124_106, -300)));
        check("1 Jan 49 00:00:00 Z", Some((2_493_072_000, 0)));
        check("1 Jan 104 00:00:00 +0000", Some((1_072_915_200, 0)));
        check("1 Jan 2004 00:00:00 X", Some((1_072_915_200, 0)));
    }

    #[test]
    fn sloppy_dates() {
        check("Thu Jan  1 00:00:00 2004", Some((1_072_915_200, 0)));
        check("Thu, 1-Jan-2004 00:00:00 GMT", Some((1_072_915_200, 0)));
        check("Thu, 1 January 2004 00:00:00 +01:00", Some((1_072_911_600, 60)));
        check("1 Jan 2004", Some((1_072_915_200, 0)));
        check("1 Jan 2004 00:00:00.123 +0000", Some((1_072_915_200, 0)));
        check("1 Jan 2004 00:00:00+0100", Some((1_072_911_600, 60)));
    }

    #[test]
    fn no_dates() {
        for value in ["", "yesterday", "32 Jan 2004", "31 Feb 2004 00:00:00 +0000", "1 Foo 2004", "0 Jan 2004", ",,,,"]
        {
            check(value, None);
        }
        check(&"1 ".repeat(10_000), None);
        check("1:,", None);
        check("1: (x) ,2", None);
    }

    #[test]
    fn writing() {
        let text = |unix_seconds, offset_minutes| DateTime { unix_seconds, offset_minutes }.to_rfc5322();
        assert_eq!(text(880_127_706, -360), "Fri, 21 Nov 1997 09:55:06 -0600");
        assert_eq!(text(0, 0), "Thu, 01 Jan 1970 00:00:00 +0000");
        assert_eq!(text(951_782_400, 330), "Tue, 29 Feb 2000 05:30:00 +0530");
        assert_eq!(text(i64::MAX, 0), "Fri, 31 Dec 9999 23:59:59 +0000");
        assert_eq!(text(i64::MIN, -1), "Mon, 01 Jan 0001 00:00:00 -0001");
    }

    #[test]
    fn local_dates() {
        let date = DateTime { unix_seconds: 1_072_915_200, offset_minutes: -60 };
        assert_eq!(date.local_date(), (2003, 12, 31));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(unix_seconds in -60_000_000_000_i64..250_000_000_000, offset_minutes in -720_i16..=840) {
            let date = DateTime { unix_seconds, offset_minutes };
            prop_assert_eq!(DateTime::parse(date.to_rfc5322().as_bytes()), Some(date));
        }

        #[test]
        fn meaningful_octets_end(value in "[0-9:,+( )a-zJ-]{0,40}") {
            let _ = DateTime::parse(value.as_bytes());
        }

        #[test]
        fn nothing_panics(value in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = DateTime::parse(&value);
        }
    }
}
