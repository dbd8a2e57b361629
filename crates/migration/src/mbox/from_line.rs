//! The line before each message: `From ann@example.org Sat Jan  3 01:05:34 1996` (RFC 4155, appendix A).

use posthouse_model::UnixMillis;
use posthouse_model::time::UnixDay;

/// What every such line begins with.
pub(super) const MARK: &[u8] = b"From ";
/// Who sent it, where that is not said: the envelope is not kept with a message.
const SENDER: &str = "MAILER-DAEMON";
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

/// The date of such a line, which is meant in UTC unless it has a zone in digits; `None` if the line has no date, and
/// so is a line of a message.
pub(super) fn date(line: &[u8]) -> Option<UnixMillis> {
    let text = String::from_utf8_lossy(line.strip_prefix(MARK)?);
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    // The sender comes first, and may look like anything.
    (0..words.len()).rev().find_map(|at| date_at(&words[at..]))
}

/// `Jan 3 01:05:34 1996`, with a zone before or after the year.
fn date_at(words: &[&str]) -> Option<UnixMillis> {
    let [month, day, time, rest @ ..] = words else { return None };
    let month = MONTHS.iter().position(|one| one.eq_ignore_ascii_case(month))?;
    let year: i32 =
        rest.iter().find(|word| word.len() == 4 && word.bytes().all(|b| b.is_ascii_digit()))?.parse().ok()?;
    let offset = rest.iter().find_map(|word| zone_seconds(word)).unwrap_or(0);
    let mut clock = time.split(':').map(|part| part.parse::<u32>().ok());
    let (hour, minute) = (clock.next()??, clock.next()??);
    let second = clock.next().unwrap_or(Some(0))?;
    if hour > 23 || minute > 59 || second > 60 || clock.next().is_some() {
        return None;
    }
    let day = UnixDay::from_date(year, u32::try_from(month).ok()? + 1, day.parse().ok()?)?;
    let seconds = i64::from(day.0) * 86_400 + i64::from(hour * 3600 + minute * 60 + second) - offset;
    Some(UnixMillis::from_seconds(seconds))
}

/// Seconds east of Greenwich, of `+0130`.
fn zone_seconds(word: &str) -> Option<i64> {
    let (sign, digits) = match word.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let number: i64 = digits.parse().ok().filter(|_| digits.len() == 4 && !digits.starts_with('+'))?;
    Some(sign * ((number / 100) * 3600 + (number % 100) * 60))
}

/// Whether this is a line that was written here, or the beginning of one.
pub(super) fn is_ours(line: &[u8]) -> bool {
    let begin = format!("From {SENDER} ");
    line.starts_with(begin.as_bytes()) || begin.as_bytes().starts_with(line)
}

/// The line for a message that came in then.
pub(super) fn written(at: UnixMillis) -> String {
    let seconds = at.seconds();
    let day = i32::try_from(seconds.div_euclid(86_400)).unwrap_or(0);
    let (year, month, day_of_month) = UnixDay(day).to_date();
    let month = MONTHS[usize::try_from(month).unwrap_or(1).clamp(1, 12) - 1];
    let weekday = WEEKDAYS[usize::try_from(day.rem_euclid(7)).unwrap_or(0)];
    let time = seconds.rem_euclid(86_400);
    let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
    format!("From {SENDER} {weekday} {month} {day_of_month:2} {hour:02}:{minute:02}:{second:02} {year:04}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: Option<i64>) {
        assert_eq!(date(line.as_bytes()).map(UnixMillis::seconds), expected, "{line}");
    }

    #[test]
    fn dates_are_read_in_every_form() {
        check("From ann@example.org Sat Jan  3 01:05:34 1996", Some(820_631_134));
        check("From ann@example.org Sat Jan  3 01:05:34 1996\r\n", Some(820_631_134));
        check("From ann Sat Jan 3 01:05 1996", Some(820_631_100));
        check("From - Sat Jan  3 01:05:34 1996", Some(820_631_134));
        check("From 17@xxx Sat Jan  3 02:05:34 +0100 1996", Some(820_631_134));
        check("From ann Sat Jan  3 01:05:34 MET 1996", Some(820_631_134));
        check("From ann Sat Jan  3 01:05:34 1996 -0130", Some(820_636_534));
        check("From May Sat Jan  3 01:05:34 1996 remote from x", Some(820_631_134));
        check("From what I hear, Jan is ill", None);
        check("From here to there", None);
        check("From ", None);
        check("From x Sat Jan 32 01:05:34 1996", None);
        check("From x Sat Jan  3 25:05:34 1996", None);
        check(">From x Sat Jan  3 01:05:34 1996", None);
        check("From \u{fffd} Feb 30 1:2:3:4 1996", None);
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(written(UnixMillis(820_631_134_999)), "From MAILER-DAEMON Wed Jan  3 01:05:34 1996\n");
        for seconds in [0, 951_782_400, 1_700_000_000, 4_102_444_799] {
            check(&written(UnixMillis::from_seconds(seconds)), Some(seconds));
        }
    }
}
