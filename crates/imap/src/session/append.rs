//! APPEND (RFC 9051 §6.3.12, RFC 6855 §4, RFC 7889).
//!
//! The message is never held here: the house is asked whether it may come, then its octets go by as
//! [`Step::Body`](posthouse_model::session::Step::Body), then the house is asked to store it.

use posthouse_model::{Flags, MailboxName, UnixMillis};

use super::command::read_tag;
use super::completion::{Completion, Update};
use super::pending::Pending;
use super::verbs::Invocation;
use super::{ImapSession, Mode, Tag};
use crate::answer::Answer;
use crate::extensions::uidplus;
use crate::grammar::cursor::Cursor;
use crate::grammar::date::date_time;
use crate::grammar::flags::flag_list;
use crate::grammar::mailbox::{NameEncoding, mailbox};
use crate::grammar::{CommandError, Parsed};
use crate::input::LiteralHeader;
use crate::question::Question;

/// An APPEND under way.
#[derive(Debug)]
pub(crate) struct Appending {
    pub(crate) tag: Tag,
    header: LiteralHeader,
    mailbox: MailboxName,
    flags: Flags,
    internal_date: Option<UnixMillis>,
    /// `UTF8 (`: a parenthesis has to follow the message (RFC 6855 §4).
    utf8: bool,
}

/// What stands before the message.
struct Opening {
    mailbox: MailboxName,
    flags: Flags,
    internal_date: Option<UnixMillis>,
    utf8: bool,
    /// `~` before the literal.
    literal8: bool,
}

/// ```text
/// append      = "APPEND" SP mailbox [SP flag-list] [SP date-time] SP append-data
/// append-data = literal / literal8 / "UTF8" SP "(" literal8 ")"
/// ```
///
/// The cursor has everything up to the header of the literal.
fn opening(cursor: &mut Cursor<'_>, names: NameEncoding) -> Parsed<Opening> {
    cursor.space()?;
    let mailbox = mailbox(cursor, names)?;
    cursor.space()?;
    let flags = if cursor.peek() == Some(b'(') {
        let flags = flag_list(cursor)?;
        cursor.space()?;
        flags
    } else {
        Flags::none()
    };
    let internal_date = if cursor.peek() == Some(b'"') {
        let date = date_time(cursor)?;
        cursor.space()?;
        Some(date)
    } else {
        None
    };
    let utf8 = cursor.take_word("UTF8 (");
    let literal8 = cursor.take(b'~');
    cursor.end()?;
    Ok(Opening { mailbox, flags, internal_date, utf8, literal8 })
}

/// APPEND without a literal that could be its message: says what is missing.
pub(crate) fn run(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    opening(command.arguments, session.names())?;
    Err(CommandError::Expected("a message as a literal"))
}

impl ImapSession {
    /// Whether the literal is the message of an APPEND; if so, sees to it.
    pub(crate) fn begins_message(&mut self, header: LiteralHeader) -> bool {
        let text = self.reader.text();
        // The `~` of a literal8 belongs to the header, but tells something here.
        let start = header.start + usize::from(text.get(header.start) == Some(&b'~'));
        let mut cursor = Cursor::new(&text[..start]);
        let Some(tag) = read_tag(&mut cursor) else {
            return false;
        };
        if !cursor.take_word(" APPEND ") {
            return false;
        }
        let mut cursor = Cursor::new(&text[start - cursor.rest().len() - 1..start]);
        let Ok(opening) = opening(&mut cursor, self.names()) else {
            return false;
        };
        if opening.utf8 && !(opening.literal8 && self.names() == NameEncoding::Utf8) {
            return false;
        }
        self.check_message(tag, opening, header);
        true
    }

    fn check_message(&mut self, tag: Tag, opening: Opening, header: LiteralHeader) {
        let too_big = header.length > self.config.limits.append_bytes;
        if too_big || !self.may_send_unasked(header) {
            self.reader.refuse_literal(header);
            // RFC 7888 §5 asks for BAD where the client ought to have waited; RFC 7889 §4 for NO.
            let completion = if too_big {
                Completion::no("The message is too large")
            } else {
                Completion::bad("Wait for leave to send so large a literal")
            };
            return self.complete(&tag, completion.with_code(b"TOOBIG"));
        }
        let Opening { mailbox, flags, internal_date, utf8, .. } = opening;
        let question = Question::AppendCheck { mailbox: mailbox.clone(), size: header.length };
        let appending = Appending { tag, header, mailbox, flags, internal_date, utf8 };
        self.ask(question, Pending::AppendCheck(Box::new(appending)));
    }

    pub(crate) fn append_check_answered(&mut self, appending: Box<Appending>, answer: Answer) {
        match answer {
            Answer::Done => {
                self.reader.stream_literal(appending.header);
                if appending.header.synchronising {
                    self.out.extend_from_slice(b"+ Send the message\r\n");
                }
                self.mode = Mode::ExpectMessage(appending);
            }
            other => {
                self.reader.refuse_literal(appending.header);
                self.target_refused(&appending.tag, other);
            }
        }
    }

    /// The rest of the line behind the message.
    pub(crate) fn on_append_end(&mut self, appending: Appending, rest: &[u8]) {
        let expected: &[u8] = if appending.utf8 { b")" } else { b"" };
        if rest != expected {
            return self.fail(&appending.tag, CommandError::Expected("the end of the command after the message"));
        }
        let question = Question::Append {
            mailbox: appending.mailbox.clone(),
            flags: appending.flags.clone(),
            internal_date: appending.internal_date,
        };
        self.ask(question, Pending::Append(Box::new(appending)));
    }

    /// A literal behind the message: MULTIAPPEND is not offered.
    pub(crate) fn refuse_second_message(&mut self, header: LiteralHeader) {
        self.reader.refuse_literal(header);
        if let Mode::ExpectMessage(appending) = std::mem::take(&mut self.mode) {
            self.refuse(Some(&appending.tag), "One message at a time");
        }
    }

    pub(crate) fn append_answered(&mut self, appending: &Appending, answer: Answer) {
        let tag = &appending.tag;
        match answer {
            Answer::Appended { uid_validity, uid } => {
                let code = uidplus::append_uid(uid_validity, uid);
                self.finish(tag, Completion::ok("Stored").with_code(code), Update::All);
            }
            other => self.target_refused(tag, other),
        }
    }
}
