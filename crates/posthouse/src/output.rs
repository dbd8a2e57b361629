//! What the command line prints.

use std::io::{self, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

/// Prints a line. A reader that has gone away (`| head`) is no error.
pub fn say(line: impl AsRef<str>) {
    let _ = writeln!(io::stdout().lock(), "{}", line.as_ref());
}

/// Prints JSON, on one line.
///
/// # Errors
/// When the value has no JSON form.
pub fn say_json(value: &impl Serialize) -> anyhow::Result<()> {
    say(serde_json::to_string(value)?);
    Ok(())
}

/// Prints a table, the columns aligned, without trailing blanks. With no rows it says so.
pub fn say_table(head: &[&str], rows: &[Vec<String>], if_empty: &str) {
    if rows.is_empty() {
        return say(if_empty);
    }
    for line in aligned(head, rows) {
        say(line);
    }
}

fn aligned(head: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let head: Vec<String> = head.iter().map(|&title| title.to_owned()).collect();
    let all = || std::iter::once(&head).chain(rows);
    let widths: Vec<usize> = (0..head.len())
        .map(|at| all().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max().unwrap_or(0))
        .collect();
    let line = |row: &Vec<String>| {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    all().map(line).collect()
}

/// Longest string of a TXT record (RFC 1035 §3.3).
const MAX_TXT_STRING_OCTETS: usize = 255;

/// A TXT record as zone files have it: in strings that are not too long.
pub fn txt_strings(text: &str) -> Vec<String> {
    let pieces = text.as_bytes().chunks(MAX_TXT_STRING_OCTETS);
    pieces.map(|piece| format!("\"{}\"", String::from_utf8_lossy(piece))).collect()
}

/// A point in time as people here read it, to the second.
pub fn date(unix_millis: i64) -> String {
    formatted(unix_millis, "%Y-%m-%d %H:%M:%S")
}

/// A point in time as people here read it, to the millisecond and with its zone.
pub fn exact_date(unix_millis: i64) -> String {
    formatted(unix_millis, "%Y-%m-%d %H:%M:%S%.3f %:z")
}

fn formatted(unix_millis: i64, format: &str) -> String {
    match Timestamp::from_millisecond(unix_millis) {
        Ok(at) => at.to_zoned(TimeZone::system()).strftime(format).to_string(),
        Err(_) => "-".to_owned(),
    }
}

/// Text from elsewhere as it can go to a terminal: control characters are shown, not obeyed.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_into_strings() {
        assert_eq!(txt_strings("v=spf1 mx -all"), ["\"v=spf1 mx -all\""]);
        let long = txt_strings(&"x".repeat(300));
        assert_eq!(long, [format!("\"{}\"", "x".repeat(255)), format!("\"{}\"", "x".repeat(45))]);
    }

    #[test]
    fn columns_are_aligned() {
        let rows = [vec!["a".to_owned(), "bö".to_owned()], vec!["long".to_owned(), String::new()]];
        assert_eq!(aligned(&["X", "Y"], &rows), ["X     Y", "a     bö", "long"]);
    }

    #[test]
    fn escape_sequences_do_not_reach_the_terminal() {
        assert_eq!(printable("a\x1b[31mb\r"), "a\u{fffd}[31mb\u{fffd}");
    }
}
