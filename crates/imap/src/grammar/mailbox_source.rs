//! Mailboxes named by what they are (RFC 5465 §6, with the changes of RFC 7377 §2.2).

use posthouse_model::MailboxName;
use posthouse_model::mailbox_name::HIERARCHY_DELIMITER;

use super::cursor::Cursor;
use super::mailbox::{NameEncoding, mailbox};
use super::{CommandError, Parsed};
use crate::answer::MailboxRow;

/// Most mailboxes that one command names.
const MAX_NAMED_MAILBOXES: usize = 1_000;
/// Most groups of mailboxes in one command.
const MAX_SOURCES: usize = 64;

/// Some mailboxes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MailboxSource {
    /// The one that is open.
    Selected,
    /// Those into which mail is delivered.
    Inboxes,
    /// All of the account.
    Personal,
    Subscribed,
    /// These and all below them.
    Subtree(Vec<MailboxName>),
    /// These and those one level below them.
    SubtreeOne(Vec<MailboxName>),
    Mailboxes(Vec<MailboxName>),
}

/// `source-mbox = filter-mailboxes *(SP filter-mailboxes)`, up to the closing parenthesis.
pub(crate) fn mailbox_sources(cursor: &mut Cursor<'_>, names: NameEncoding) -> Parsed<Vec<MailboxSource>> {
    let mut sources = Vec::new();
    loop {
        if sources.len() == MAX_SOURCES {
            return Err(CommandError::TooMany("groups of mailboxes"));
        }
        sources.push(mailbox_source(cursor, names)?);
        if !cursor.take(b' ') {
            return Ok(sources);
        }
    }
}

/// ```text
/// filter-mailboxes-selected = "selected"
/// filter-mailboxes-other    = "inboxes" / "personal" / "subscribed" / ("subtree" SP one-or-more-mailbox)
///                           / ("subtree-one" SP one-or-more-mailbox) / ("mailboxes" SP one-or-more-mailbox)
/// ```
fn mailbox_source(cursor: &mut Cursor<'_>, names: NameEncoding) -> Parsed<MailboxSource> {
    let name = cursor.atom()?.to_ascii_lowercase();
    Ok(match name.as_str() {
        "selected" => MailboxSource::Selected,
        "inboxes" => MailboxSource::Inboxes,
        "personal" => MailboxSource::Personal,
        "subscribed" => MailboxSource::Subscribed,
        "subtree" => MailboxSource::Subtree(one_or_more_mailbox(cursor, names)?),
        "subtree-one" => MailboxSource::SubtreeOne(one_or_more_mailbox(cursor, names)?),
        "mailboxes" => MailboxSource::Mailboxes(one_or_more_mailbox(cursor, names)?),
        _ => return Err(CommandError::Expected("a known group of mailboxes")),
    })
}

/// ```text
/// one-or-more-mailbox = mailbox / many-mailboxes
/// many-mailboxes      = "(" mailbox *(SP mailbox) ")"
/// ```
fn one_or_more_mailbox(cursor: &mut Cursor<'_>, names: NameEncoding) -> Parsed<Vec<MailboxName>> {
    cursor.space()?;
    if !cursor.take(b'(') {
        return Ok(vec![mailbox(cursor, names)?]);
    }
    let mut named = Vec::new();
    loop {
        if named.len() == MAX_NAMED_MAILBOXES {
            return Err(CommandError::TooMany("mailboxes"));
        }
        named.push(mailbox(cursor, names)?);
        if !cursor.take(b' ') {
            break;
        }
    }
    cursor.close()?;
    Ok(named)
}

impl MailboxSource {
    /// Whether a mailbox, which can be opened, is meant. Which one is selected is not known here.
    pub(crate) fn includes(&self, row: &MailboxRow) -> bool {
        match self {
            Self::Selected => false,
            Self::Inboxes => row.name == MailboxName::inbox(),
            Self::Personal => !row.name.is_of_others(),
            Self::Subscribed => row.subscribed,
            Self::Mailboxes(names) => names.contains(&row.name),
            Self::Subtree(names) => names.iter().any(|name| *name == row.name || levels_below(name, row).is_some()),
            Self::SubtreeOne(names) => names.iter().any(|name| *name == row.name || levels_below(name, row) == Some(1)),
        }
    }
}

/// How many levels a mailbox lies below `name`.
fn levels_below(name: &MailboxName, row: &MailboxRow) -> Option<usize> {
    let below = row.name.as_str().strip_prefix(name.as_str())?.strip_prefix(HIERARCHY_DELIMITER)?;
    Some(below.split(HIERARCHY_DELIMITER).count())
}

#[cfg(test)]
mod tests {
    use posthouse_model::MailboxId;

    use super::*;

    #[track_caller]
    fn check(sources: &str, expected: &str) {
        let mut cursor = Cursor::new(sources.as_bytes());
        let sources = mailbox_sources(&mut cursor, NameEncoding::Utf8).unwrap();
        cursor.end().unwrap();
        let rows =
            ["INBOX", "INBOX/x", "Shared/x", "Users/x/y", "a", "a/b", "a/b/c", "ab", "s+"].map(|name| MailboxRow {
                name: MailboxName::parse(name.trim_end_matches('+')).unwrap(),
                id: Some(MailboxId(1)),
                special_use: None,
                subscribed: name.ends_with('+'),
                selectable: true,
            });
        let meant = rows.iter().filter(|row| sources.iter().any(|source| source.includes(row)));
        let meant: Vec<&str> = meant.map(|row| row.name.as_str()).collect();
        assert_eq!(meant.join(" "), expected);
    }

    #[test]
    fn groups() {
        check("selected", "");
        check("inboxes", "INBOX");
        check("Personal", "INBOX INBOX/x a a/b a/b/c ab s");
        check("subscribed", "s");
        check("subtree a", "a a/b a/b/c");
        check("subtree-one a", "a a/b");
        check("subtree (inbox \"a/b\")", "INBOX INBOX/x a/b a/b/c");
        check("mailboxes (a nowhere) mailboxes s", "a s");
        check("mailboxes a subtree a", "a a/b a/b/c");
    }

    #[test]
    fn what_is_no_group_is_refused() {
        for bad in ["", "all", "selected-delayed", "subtree", "subtree ()", "mailboxes (a", "mailboxes a*"] {
            let mut cursor = Cursor::new(bad.as_bytes());
            let read = mailbox_sources(&mut cursor, NameEncoding::Utf8).and_then(|_| cursor.end());
            assert!(read.is_err(), "{bad}");
        }
    }
}
