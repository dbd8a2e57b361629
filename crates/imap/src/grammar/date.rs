//! Dates and times (RFC 9051 §9 `date`, `date-time`).

use posthouse_model::{UnixDay, UnixMillis};

use super::cursor::Cursor;
use super::{CommandError, Parsed};

/// Month names, as IMAP writes them.
pub(crate) const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const SECONDS_PER_DAY: i64 = 86_400;
const BAD_DATE: CommandError = CommandError::Expected("a date");
const BAD_DATE_TIME: CommandError = CommandError::Expected("a date and time");

/// ```text
/// date      = date-text / DQUOTE date-text DQUOTE
/// date-text = date-day "-" date-month "-" date-year
/// date-day  = 1*2DIGIT
/// ```
pub(crate) fn date(cursor: &mut Cursor<'_>) -> Parsed<UnixDay> {
    let quoted = cursor.take(b'"');
    let day = digits(cursor, 1..=2).ok_or(BAD_DATE)?;
    let date = rest_of_date(cursor, day).ok_or(BAD_DATE)?;
    if quoted && !cursor.take(b'"') {
        return Err(BAD_DATE);
    }
    Ok(date)
}

/// ```text
/// date-time      = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE
/// date-day-fixed = (SP DIGIT) / 2DIGIT
/// time           = 2DIGIT ":" 2DIGIT ":" 2DIGIT
/// zone           = ("+" / "-") 4DIGIT
/// ```
///
/// One digit without the space before it is taken too; real clients write it.
pub(crate) fn date_time(cursor: &mut Cursor<'_>) -> Parsed<UnixMillis> {
    read_date_time(cursor).ok_or(BAD_DATE_TIME)
}

fn read_date_time(cursor: &mut Cursor<'_>) -> Option<UnixMillis> {
    cursor.take(b'"').then_some(())?;
    let width = if cursor.take(b' ') { 1..=1 } else { 1..=2 };
    let day = digits(cursor, width)?;
    let date = rest_of_date(cursor, day)?;
    cursor.take(b' ').then_some(())?;
    let hour = digits(cursor, 2..=2).filter(|hour| *hour < 24)?;
    cursor.take(b':').then_some(())?;
    let minute = digits(cursor, 2..=2).filter(|minute| *minute < 60)?;
    cursor.take(b':').then_some(())?;
    // A leap second is the first of the next minute.
    let second = digits(cursor, 2..=2).filter(|second| *second <= 60)?;
    cursor.take(b' ').then_some(())?;
    let sign = if cursor.take(b'+') { 1 } else { cursor.take(b'-').then_some(-1)? };
    let zone = digits(cursor, 4..=4).filter(|zone| zone / 100 < 24 && zone % 100 < 60)?;
    cursor.take(b'"').then_some(())?;
    let offset_minutes = sign * i64::from(zone / 100 * 60 + zone % 100);
    let local = i64::from(date.0) * SECONDS_PER_DAY + i64::from(hour * 3_600 + minute * 60 + second);
    Some(UnixMillis::from_seconds(local - offset_minutes * 60))
}

fn rest_of_date(cursor: &mut Cursor<'_>, day: u32) -> Option<UnixDay> {
    cursor.take(b'-').then_some(())?;
    let month = (1..).zip(MONTHS).find(|(_, name)| cursor.take_word(name)).map(|(number, _)| number)?;
    cursor.take(b'-').then_some(())?;
    let year = i32::try_from(digits(cursor, 4..=4)?).ok()?;
    UnixDay::from_date(year, month, day)
}

fn digits(cursor: &mut Cursor<'_>, width: std::ops::RangeInclusive<usize>) -> Option<u32> {
    let digits = cursor.take_while(|byte| byte.is_ascii_digit());
    let value = digits.iter().take(*width.end()).fold(0, |value, digit| value * 10 + u32::from(digit - b'0'));
    width.contains(&digits.len()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<i64>) {
        let mut cursor = Cursor::new(text.as_bytes());
        assert_eq!(date_time(&mut cursor).ok().map(UnixMillis::seconds), expected, "{text}");
    }

    #[test]
    fn dates_and_times() {
        check("\"17-Jul-1996 02:44:25 -0700\"", Some(837_596_665));
        check("\" 1-jan-1970 00:00:00 +0000\"", Some(0));
        check("\"1-Jan-1970 01:00:00 +0100\"", Some(0));
        check("\"31-Feb-2020 00:00:00 +0000\"", None);
        check("\"01-Jan-1970 24:00:00 +0000\"", None);
        check("\"01-Jan-1970 00:00:00 0000\"", None);
        check("\"01-Jan-1970 00:00:00 +0000", None);
        check("\"001-Jan-1970 00:00:00 +0000\"", None);
        check("01-Jan-1970", None);
    }

    #[test]
    fn dates() {
        for text in ["1-Feb-1994", "\"01-FEB-1994\""] {
            assert_eq!(date(&mut Cursor::new(text.as_bytes())), Ok(UnixDay::from_date(1994, 2, 1).unwrap()));
        }
        for text in ["", "1-Foo-1994", "1-Feb-94", "\"1-Feb-1994", "30-Feb-1994", "1 Feb 1994"] {
            assert!(date(&mut Cursor::new(text.as_bytes())).is_err(), "{text}");
        }
    }
}
