//! INTERNALDATE: `"17-Jul-1996 02:44:25 -0700"` (RFC 9051 §9, date-time).

use posthouse_model::UnixMillis;
use posthouse_model::time::UnixDay;

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Reads a date.
pub(super) fn read(text: &[u8]) -> Option<UnixMillis> {
    let text = std::str::from_utf8(text).ok()?;
    let mut words = text.split_ascii_whitespace();
    let (date, time, zone) = (words.next()?, words.next()?, words.next()?);
    let mut date = date.split('-');
    let (day, month, year) = (date.next()?.parse().ok()?, date.next()?, date.next()?.parse().ok()?);
    let month = MONTHS.iter().position(|one| one.eq_ignore_ascii_case(month))?;
    let mut clock = time.split(':').map(|part| part.parse::<u32>().ok().filter(|number| *number < 61));
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    let (sign, digits) = zone.split_at_checked(1)?;
    let offset: i64 = digits.parse::<u16>().ok().filter(|_| digits.len() == 4)?.into();
    let offset = (offset / 100 * 3600 + offset % 100 * 60) * if sign == "-" { -1 } else { 1 };
    let day = UnixDay::from_date(year, u32::try_from(month).ok()? + 1, day)?;
    let seconds = i64::from(day.0) * 86_400 + i64::from(hour * 3600 + minute * 60 + second) - offset;
    Some(UnixMillis::from_seconds(seconds))
}

/// Writes a date, in UTC.
pub(super) fn written(at: UnixMillis) -> String {
    let seconds = at.seconds();
    let day = i32::try_from(seconds.div_euclid(86_400)).unwrap_or(0);
    let (year, month, day_of_month) = UnixDay(day).to_date();
    let month = MONTHS[usize::try_from(month).unwrap_or(1).clamp(1, 12) - 1];
    let time = seconds.rem_euclid(86_400);
    let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
    format!("{day_of_month:02}-{month}-{year:04} {hour:02}:{minute:02}:{second:02} +0000")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_and_written() {
        for (text, expected) in [
            ("17-Jul-1996 02:44:25 -0700", Some(837_596_665)),
            (" 1-Jan-1970 00:00:00 +0000", Some(0)),
            ("17-Jul-1996 02:44 -0700", None),
            ("17-Xxx-1996 02:44:25 -0700", None),
            ("", None),
        ] {
            assert_eq!(read(text.as_bytes()).map(UnixMillis::seconds), expected, "{text}");
        }
        let at = UnixMillis::from_seconds(837_596_665);
        assert_eq!(written(at), "17-Jul-1996 09:44:25 +0000");
        assert_eq!(read(written(at).as_bytes()), Some(at));
    }
}
