//! ID (RFC 2971): who is who.

use crate::grammar::cursor::{Cursor, utf8};
use crate::grammar::{CommandError, Parsed};
use crate::limits::{MAX_ID_FIELDS, MAX_ID_VALUE_BYTES};
use crate::question::Question;
use crate::response::token::string;
use crate::session::ImapSession;
use crate::session::completion::{Completion, Update};
use crate::session::pending::Pending;
use crate::session::verbs::Invocation;

type Fields = Vec<(String, Option<String>)>;

/// `id = "ID" SP id-params-list`
///
/// The house is told once a session, and only of a client that logged in, so that strangers cannot fill the log.
pub(crate) fn run(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    command.arguments.space()?;
    let fields = parameters(command.arguments)?;
    command.arguments.end()?;
    session.out.extend_from_slice(b"* ID ");
    session.write_id();
    session.out.extend_from_slice(b"\r\n");
    let text = "Pleased to meet you";
    if fields.is_empty() || session.client_id_told || !session.is_logged_in() {
        session.finish(command.tag, Completion::ok(text), Update::All);
    } else {
        session.client_id_told = true;
        session.ask(Question::ClientId(fields), Pending::Done(command.tag.clone(), text, Update::All));
    }
    Ok(())
}

/// `id-params-list = "(" *(string SP nstring) ")" / nil`, at most thirty (RFC 2971 §3.3).
fn parameters(cursor: &mut Cursor<'_>) -> Parsed<Fields> {
    let mut fields = Fields::new();
    if cursor.take_word("NIL") {
        return Ok(fields);
    }
    cursor.open()?;
    while !cursor.take(b')') {
        if !fields.is_empty() {
            cursor.space()?;
        }
        if fields.len() == MAX_ID_FIELDS {
            return Err(CommandError::TooMany("fields"));
        }
        let name = utf8(cursor.string()?)?;
        cursor.space()?;
        let value = cursor.nstring()?.map(utf8).transpose()?;
        if name.len().max(value.as_ref().map_or(0, String::len)) > MAX_ID_VALUE_BYTES {
            return Err(CommandError::Expected("shorter fields"));
        }
        fields.push((name, value));
    }
    Ok(fields)
}

impl ImapSession {
    fn write_id(&mut self) {
        if self.config.server_id.is_empty() {
            self.out.extend_from_slice(b"NIL");
            return;
        }
        self.out.push(b'(');
        for (index, (name, value)) in self.config.server_id.iter().enumerate() {
            if index > 0 {
                self.out.push(b' ');
            }
            string(&mut self.out, name.as_bytes());
            self.out.push(b' ');
            string(&mut self.out, value.as_bytes());
        }
        self.out.push(b')');
    }
}
