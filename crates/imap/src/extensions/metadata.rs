//! METADATA (RFC 5464): annotations on mailboxes and on the server.
//!
//! What may be annotated by whom, and how much of it there may be, is the house's to say. NOPRIVATE is never said:
//! private annotations can be kept everywhere. Clients that ENABLE METADATA are told unasked what others changed, as are
//! those that ask for it by [NOTIFY](super::notify), which does the telling for both.

use bytes::Bytes;
use posthouse_model::entry_name::MAX_ANNOTATION_BYTES;
use posthouse_model::{EntryName, MailboxName};

use crate::answer::{AnnotationRow, Answer};
use crate::grammar::cursor::{Cursor, is_astring_char};
use crate::grammar::mailbox::{NameEncoding, mailbox_or_server};
use crate::grammar::{CommandError, Parsed};
use crate::limits::MAX_METADATA_ENTRIES;
use crate::question::{AnnotationDepth, Question};
use crate::response::token::{literal, mailbox, string};
use crate::session::completion::{Completion, Update};
use crate::session::pending::Pending;
use crate::session::verbs::Invocation;
use crate::session::{ImapSession, Tag};

/// A GETMETADATA that waits for its annotations.
#[derive(Debug)]
pub(crate) struct AskedAnnotations {
    tag: Tag,
    place: Option<MailboxName>,
    max_bytes: Option<u64>,
}

/// The options of GETMETADATA.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Options {
    max_bytes: Option<u64>,
    depth: AnnotationDepth,
}

/// ```text
/// getmetadata         = "GETMETADATA" [SP getmetadata-options] SP mailbox SP entries
/// getmetadata-options = "(" getmetadata-option *(SP getmetadata-option) ")"
/// maxsize-opt         = "MAXSIZE" SP number
/// scope-opt           = "DEPTH" SP ("0" / "1" / "infinity")
/// ```
///
/// The examples of RFC 5464 §4.2.1 have the options behind the mailbox, and clients follow either.
pub(crate) fn run_get(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    let arguments = &mut *command.arguments;
    arguments.space()?;
    let mut given = Options::default();
    if arguments.peek() == Some(b'(') {
        given = options(arguments)?;
        arguments.space()?;
    }
    let place = mailbox_or_server(arguments, session.names())?;
    arguments.space()?;
    if begins_options(*arguments) {
        given = options(arguments)?;
        arguments.space()?;
    }
    let entries = entries(arguments)?;
    arguments.end()?;
    let asked = AskedAnnotations { tag: command.tag.clone(), place: place.clone(), max_bytes: given.max_bytes };
    let question = Question::Annotations { places: vec![place], entries, depth: given.depth };
    session.ask(question, Pending::Annotations(Box::new(asked)));
    Ok(())
}

/// Whether a list of options comes, and not one of entries, which begin with a slash.
fn begins_options(mut ahead: Cursor<'_>) -> bool {
    ahead.take(b'(') && (ahead.take_word("MAXSIZE ") || ahead.take_word("DEPTH "))
}

fn options(cursor: &mut Cursor<'_>) -> Parsed<Options> {
    let mut given = Options::default();
    cursor.open()?;
    loop {
        let name = cursor.atom()?;
        cursor.space()?;
        if name.eq_ignore_ascii_case("MAXSIZE") {
            given.max_bytes = Some(cursor.number64()?);
        } else if name.eq_ignore_ascii_case("DEPTH") {
            given.depth = match cursor.atom()? {
                "0" => AnnotationDepth::Entry,
                "1" => AnnotationDepth::Children,
                word if word.eq_ignore_ascii_case("infinity") => AnnotationDepth::Everything,
                _ => return Err(CommandError::Expected("a depth of 0, 1 or infinity")),
            };
        } else {
            return Err(CommandError::Expected("a known option of GETMETADATA"));
        }
        if !cursor.take(b' ') {
            break;
        }
    }
    cursor.close()?;
    Ok(given)
}

/// `entries = entry / "(" entry *(SP entry) ")"`
pub(crate) fn entries(cursor: &mut Cursor<'_>) -> Parsed<Vec<EntryName>> {
    if !cursor.take(b'(') {
        return Ok(vec![entry(cursor)?]);
    }
    let mut entries = Vec::new();
    loop {
        if entries.len() == MAX_METADATA_ENTRIES {
            return Err(CommandError::TooMany("entries"));
        }
        entries.push(entry(cursor)?);
        if !cursor.take(b' ') {
            break;
        }
    }
    cursor.close()?;
    Ok(entries)
}

/// `entry = astring`, a path of RFC 5464 §4.1
fn entry(cursor: &mut Cursor<'_>) -> Parsed<EntryName> {
    EntryName::parse(&cursor.text()?).map_err(|_| CommandError::Expected("an entry below /private or /shared"))
}

/// ```text
/// setmetadata  = "SETMETADATA" SP mailbox SP entry-values
/// entry-values = "(" entry-value *(SP entry-value) ")"
/// entry-value  = entry SP value
/// value        = nstring / literal8
/// ```
pub(crate) fn run_set(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    let arguments = &mut *command.arguments;
    arguments.space()?;
    let place = mailbox_or_server(arguments, session.names())?;
    arguments.space()?;
    arguments.open()?;
    let mut changes: Vec<AnnotationRow> = Vec::new();
    loop {
        if changes.len() == MAX_METADATA_ENTRIES {
            return Err(CommandError::TooMany("entries"));
        }
        let name = entry(arguments)?;
        arguments.space()?;
        let value = arguments.nstring8()?.map(|octets| Bytes::from(octets.into_owned()));
        changes.push((name, value));
        if !arguments.take(b' ') {
            break;
        }
    }
    arguments.close()?;
    arguments.end()?;
    if changes.iter().flat_map(|(_, value)| value).any(|value| value.len() > MAX_ANNOTATION_BYTES) {
        let code = format!("METADATA MAXSIZE {MAX_ANNOTATION_BYTES}");
        session.finish(command.tag, Completion::no("A value is too long").with_code(code), Update::All);
        return Ok(());
    }
    let pending = Pending::Done(command.tag.clone(), "Annotated", Update::All);
    session.ask(Question::Annotate { place, changes }, pending);
    Ok(())
}

impl ImapSession {
    pub(crate) fn annotations_answered(&mut self, asked: &AskedAnnotations, answer: Answer) {
        let rows = match answer {
            Answer::Annotations(mut places) if places.len() == 1 => places.swap_remove(0),
            other => return self.not_done(&asked.tag, Update::All, other),
        };
        let mut rows = match rows {
            Ok(rows) => rows,
            Err(refusal) => return self.finish(&asked.tag, Completion::refused(refusal), Update::All),
        };
        let mut completion = Completion::ok("Those are the annotations");
        if let Some(most) = asked.max_bytes {
            let length = |row: &AnnotationRow| row.1.as_ref().map_or(0, Bytes::len) as u64;
            // RFC 5464 §4.2.1: the size of the largest that is left out.
            if let Some(longest) = rows.iter().map(length).max().filter(|longest| *longest > most) {
                completion = completion.with_code(format!("METADATA LONGENTRIES {longest}"));
            }
            rows.retain(|row| length(row) <= most);
        }
        let names = self.names();
        metadata(&mut self.out, asked.place.as_ref(), names, &rows);
        self.finish(&asked.tag, completion, Update::All);
    }
}

/// `metadata-resp = "METADATA" SP mailbox SP entry-values`; nothing where there is nothing to tell.
pub(crate) fn metadata(out: &mut Vec<u8>, place: Option<&MailboxName>, names: NameEncoding, rows: &[AnnotationRow]) {
    if rows.is_empty() {
        return;
    }
    write_place(out, place, names);
    for (index, (name, value)) in rows.iter().enumerate() {
        out.extend_from_slice(if index == 0 { b" (" } else { b" " });
        entry_name(out, name);
        out.push(b' ');
        match value {
            None => out.extend_from_slice(b"NIL"),
            // RFC 9051 §4.3.1: NUL may stand in a literal8 only.
            Some(value) if value.contains(&0) => {
                out.push(b'~');
                literal(out, value);
            }
            Some(value) => string(out, value),
        }
    }
    out.extend_from_slice(b")\r\n");
}

/// `metadata-resp = "METADATA" SP mailbox SP entry-list`, unasked: values are not told (RFC 5464 §4.4.2).
pub(crate) fn metadata_changed<'a>(
    out: &mut Vec<u8>,
    place: Option<&MailboxName>,
    names: NameEncoding,
    entries: impl IntoIterator<Item = &'a EntryName>,
) {
    write_place(out, place, names);
    for name in entries {
        out.push(b' ');
        entry_name(out, name);
    }
    out.extend_from_slice(b"\r\n");
}

fn write_place(out: &mut Vec<u8>, place: Option<&MailboxName>, names: NameEncoding) {
    out.extend_from_slice(b"* METADATA ");
    match place {
        Some(name) => mailbox(out, name, names),
        None => out.extend_from_slice(b"\"\""),
    }
}

fn entry_name(out: &mut Vec<u8>, name: &EntryName) {
    let name = name.to_string();
    if name.bytes().all(is_astring_char) {
        out.extend_from_slice(name.as_bytes());
    } else {
        string(out, name.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read() {
        let read = |text: &str| {
            let mut cursor = Cursor::new(text.as_bytes());
            options(&mut cursor).ok().filter(|_| cursor.at_end())
        };
        let of = |max_bytes, depth| Some(Options { max_bytes, depth });
        assert_eq!(read("(MAXSIZE 10)"), of(Some(10), AnnotationDepth::Entry));
        assert_eq!(read("(depth Infinity maxsize 0)"), of(Some(0), AnnotationDepth::Everything));
        assert_eq!(read("(DEPTH 1)"), of(None, AnnotationDepth::Children));
        for bad in ["()", "(DEPTH 2)", "(MAXSIZE)", "(MAXSIZE -1)", "(FOO 1)", "(DEPTH 1"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
