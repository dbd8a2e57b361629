//! Files that say to which folders somebody is subscribed.

use std::collections::BTreeSet;

use posthouse_model::MailboxName;
use posthouse_model::mailbox_name::HIERARCHY_DELIMITER;

use super::layout::Layout;
use crate::names::{self, Found};

/// Dovecot's file.
pub(crate) const FILE_NAME: &str = "subscriptions";
/// Courier's file.
pub(super) const COURIER_FILE_NAME: &str = "courierimapsubscribed";
/// What the newer form of Dovecot's file begins with; in it levels are separated by tabs.
const SECOND_FORM: &str = "V\t2";

/// Names in Dovecot's file, of either form, or in Courier's, in which every name begins with `INBOX.`.
pub(crate) fn read(text: &[u8], layout: Layout, is_couriers: bool) -> Vec<Found> {
    let line = |line: &'_ [u8]| line.strip_suffix(b"\r").unwrap_or(line).to_vec();
    let mut lines = text.split(|&octet| octet == b'\n').map(line).peekable();
    let separator = match (layout, lines.peek().is_some_and(|first| first == SECOND_FORM.as_bytes())) {
        (_, true) => {
            lines.next();
            '\t'
        }
        (Layout::SideBySide(separator), false) => separator,
        (Layout::Nested, false) => HIERARCHY_DELIMITER,
    };
    let names = lines.filter(|line| !line.is_empty()).map(|line| {
        let line = match line.strip_prefix(b"INBOX.") {
            Some(below) if is_couriers => below,
            _ => &line,
        };
        let text = String::from_utf8_lossy(line);
        let levels: Vec<String> = text.split(separator).map(|level| names::decode_level(level.as_bytes())).collect();
        names::from_levels(&levels)
    });
    names.collect()
}

/// Names in a file that [`written`] made; those that cannot be a mailbox's are passed over.
pub(crate) fn names(text: &[u8]) -> BTreeSet<MailboxName> {
    let found = read(text, Layout::Nested, false);
    found.into_iter().filter(|found| !found.is_mended).map(|found| found.name).collect()
}

/// Dovecot's file, in its newer form.
pub(crate) fn written<'a>(subscribed: impl Iterator<Item = &'a MailboxName>) -> String {
    let mut text = format!("{SECOND_FORM}\n\n");
    for name in subscribed {
        let levels: Vec<String> = name.as_str().split(HIERARCHY_DELIMITER).map(names::level_name).collect();
        text.push_str(&levels.join("\t"));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, layout: Layout, is_couriers: bool, expected: &[&str]) {
        let found = read(text.as_bytes(), layout, is_couriers);
        let names: Vec<&str> = found.iter().map(|found| found.name.as_str()).collect();
        assert_eq!(names, expected, "{text:?}");
    }

    #[test]
    fn every_form_is_read() {
        let side_by_side = Layout::SideBySide('.');
        check("INBOX\nWork.2024\nEntw&APw-rfe\n", side_by_side, false, &["INBOX", "Work/2024", "Entwürfe"]);
        check("Work/2024.1\r\n", Layout::Nested, false, &["Work/2024.1"]);
        check("V\t2\n\nWork\t2024.1\nINBOX\n", side_by_side, false, &["Work/2024.1", "INBOX"]);
        check("INBOX\nINBOX.Sent\n", side_by_side, true, &["INBOX", "Sent"]);
        check("", side_by_side, false, &[]);
    }

    #[test]
    fn what_is_written_is_read() {
        let names: Vec<MailboxName> =
            ["INBOX", "a.b/c", "Größe", "..", "a&b"].iter().map(|name| MailboxName::parse(name).unwrap()).collect();
        let text = written(names.iter());
        let found: Vec<MailboxName> =
            read(text.as_bytes(), Layout::SideBySide('.'), false).into_iter().map(|found| found.name).collect();
        assert_eq!(found, names);
    }
}
