//! OBJECTID (RFC 8474): MAILBOXID, EMAILID and THREADID.
//!
//! Each kind has a letter of its own before what the house calls the thing, so that no two are ever the same
//! (RFC 8474 §5.2) and none looks like a number (§8.1).

use posthouse_model::search::Query;
use posthouse_model::{MailboxId, MessageId, ThreadId};

use crate::grammar::cursor::Cursor;
use crate::grammar::{CommandError, Parsed};

/// Longest object identifier, in octets (RFC 8474 §4).
const MAX_OBJECT_ID_BYTES: usize = 255;

const MAILBOX: char = 'F';
const EMAIL: char = 'M';
const THREAD: char = 'T';

/// `"MAILBOXID" SP "(" objectid ")"`, as response code and as item of STATUS.
pub(crate) fn mailbox_id(out: &mut Vec<u8>, mailbox: MailboxId) {
    out.extend_from_slice(format!("MAILBOXID ({MAILBOX}{mailbox})").as_bytes());
}

/// `fetch-emailid-resp = "EMAILID" SP "(" objectid ")"`
pub(crate) fn email_id(out: &mut Vec<u8>, message: MessageId) {
    out.extend_from_slice(format!("EMAILID ({EMAIL}{message})").as_bytes());
}

/// `fetch-threadid-resp = "THREADID" SP ( "(" objectid ")" / nil )`
pub(crate) fn thread_id(out: &mut Vec<u8>, thread: Option<ThreadId>) {
    match thread {
        Some(thread) => out.extend_from_slice(format!("THREADID ({THREAD}{thread})").as_bytes()),
        None => out.extend_from_slice(b"THREADID NIL"),
    }
}

/// `"EMAILID" SP objectid`, behind the word; an identifier that we never gave finds nothing.
pub(crate) fn email_id_key(cursor: &mut Cursor<'_>) -> Parsed<Query> {
    let id = object_id(cursor)?.strip_prefix(EMAIL).and_then(canonical_number);
    Ok(id.map_or_else(nothing, |id| Query::EmailId(MessageId(id))))
}

/// `"THREADID" SP objectid`, likewise.
pub(crate) fn thread_id_key(cursor: &mut Cursor<'_>) -> Parsed<Query> {
    let id = object_id(cursor)?.strip_prefix(THREAD).and_then(ThreadId::parse);
    Ok(id.map_or_else(nothing, Query::ThreadId))
}

fn nothing() -> Query {
    Query::Not(Box::new(Query::All))
}

/// A number as it is printed: identifiers are compared letter by letter.
fn canonical_number(digits: &str) -> Option<u64> {
    digits.parse().ok().filter(|number: &u64| number.to_string() == digits)
}

/// `objectid = 1*255(ALPHA / DIGIT / "_" / "-")`
fn object_id<'a>(cursor: &mut Cursor<'a>) -> Parsed<&'a str> {
    let id = cursor.take_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    match std::str::from_utf8(id) {
        Ok(id) if !id.is_empty() && id.len() <= MAX_OBJECT_ID_BYTES => Ok(id),
        _ => Err(CommandError::Expected("an object identifier")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, email: Option<&Query>, thread: Option<&Query>) {
        assert_eq!(email_id_key(&mut Cursor::new(text.as_bytes())).ok().as_ref(), email, "{text}");
        assert_eq!(thread_id_key(&mut Cursor::new(text.as_bytes())).ok().as_ref(), thread, "{text}");
    }

    #[test]
    fn keys() {
        check("M12", Some(&Query::EmailId(MessageId(12))), Some(&nothing()));
        let thread = ThreadId([0xab; 16]);
        check(&format!("T{thread}"), Some(&nothing()), Some(&Query::ThreadId(thread)));
        for unknown in ["m12", "M012", "12", "Tab", "M99999999999999999999", "_-"] {
            check(unknown, Some(&nothing()), Some(&nothing()));
        }
        for bad in ["", " M1", "(M1)", &"M".repeat(256)] {
            check(bad, None, None);
        }
    }
}
