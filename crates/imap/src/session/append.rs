//! APPEND (RFC 9051 §6.3.12) of one message or several (RFC 3502), as octets or put together from what is there
//! (RFC 4469), and REPLACE, which is APPEND with a message that goes.
//!
//! A message is never held here: the house is asked whether it may come, then its octets go by as
//! [`Step::Body`](posthouse_model::session::Step::Body), and in the end the house is asked to store all that came.

use std::collections::VecDeque;

use posthouse_model::{MailboxName, Uid};

use super::command::read_tag;
use super::completion::{Completion, Update};
use super::pending::Pending;
use super::verbs::Invocation;
use super::{ImapSession, Mode, Tag};
use crate::answer::Answer;
use crate::extensions::uidplus;
use crate::grammar::Parsed;
use crate::grammar::append::{Ending, MessageOptions, Piece, Place, Stop, TextRules, message_text};
use crate::grammar::cursor::Cursor;
use crate::grammar::mailbox::{NameEncoding, mailbox};
use crate::grammar::message_url::{message_url, write_url};
use crate::input::LiteralHeader;
use crate::limits::MAX_APPEND_PARTS;
use crate::question::Question;
use crate::refusal::Refusal;

/// An APPEND or REPLACE under way.
#[derive(Debug)]
pub(crate) struct Appending {
    pub(crate) tag: Tag,
    mailbox: MailboxName,
    /// The message of the open mailbox that goes (REPLACE).
    replaces: Option<Uid>,
    /// The message that is coming, if one is.
    message: Option<MessageOptions>,
    /// What the text said that is still to be done, before the literal.
    pieces: VecDeque<Piece>,
    /// The literal that waits until the pieces before it are done.
    literal: Option<LiteralHeader>,
    /// Whether the literal that waits, or comes, is one in which NUL may stand.
    literal8: bool,
    /// A NUL stood where none may.
    stray_nul: bool,
    /// Where the text goes on behind the literal.
    place: Place,
    /// The URL that the house looks at.
    url: String,
    count: Count,
}

/// How much of a command has come.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    messages: u32,
    parts: usize,
    /// Octets of the message that is coming.
    message_bytes: u64,
    /// Octets of all messages.
    bytes: u64,
}

/// `append = "APPEND" SP mailbox 1*append-message`, where nothing of it is a literal.
pub(crate) fn run(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    let mailbox = target(command.arguments, session.names())?;
    session.append_text(command, mailbox, None)
}

/// `SP mailbox`
pub(crate) fn target(cursor: &mut Cursor<'_>, names: NameEncoding) -> Parsed<MailboxName> {
    cursor.space()?;
    mailbox(cursor, names)
}

impl ImapSession {
    /// A whole command without octets of its own: messages that are put together from URLs only.
    pub(crate) fn append_text(
        &mut self,
        command: &mut Invocation<'_, '_>,
        mailbox: MailboxName,
        replaces: Option<Uid>,
    ) -> Parsed<()> {
        let rules = self.text_rules(Ending::Command, replaces);
        let (pieces, _) = message_text(command.arguments, Place::FirstMessage, rules)?;
        let mut appending = Box::new(Appending::new(command.tag.clone(), mailbox, replaces));
        appending.pieces = pieces.into();
        self.append_on(appending);
        Ok(())
    }

    fn text_rules(&self, ending: Ending, replaces: Option<Uid>) -> TextRules {
        // RFC 8508 §4.7: REPLACE takes one message.
        TextRules { ending, utf8: self.names() == NameEncoding::Utf8, many: replaces.is_none() }
    }

    /// Whether the literal ends the beginning of an APPEND or REPLACE and is not just its mailbox; if so, sees to it.
    pub(crate) fn begins_message(&mut self, header: LiteralHeader) -> bool {
        let (text, ending) = before_literal(self.reader.text(), header);
        let mut cursor = Cursor::new(text);
        let Some(tag) = read_tag(&mut cursor) else {
            return false;
        };
        let opened = if cursor.take_word(" APPEND") {
            target(&mut cursor, self.names()).map(|mailbox| (mailbox, None))
        } else if cursor.take_word(" REPLACE") {
            self.replacement(&mut cursor, false)
        } else if cursor.take_word(" UID REPLACE") {
            self.replacement(&mut cursor, true)
        } else {
            return false;
        };
        let read = opened.and_then(|(mailbox, replaces)| {
            let rules = self.text_rules(ending, replaces);
            let (pieces, stop) = message_text(&mut cursor, Place::FirstMessage, rules)?;
            Ok((Appending::new(tag.clone(), mailbox, replaces), pieces, stop))
        });
        match read {
            Ok((mut appending, pieces, Stop::Octets(place))) => {
                appending.expect(pieces, header, ending, place);
                self.append_on(Box::new(appending));
                true
            }
            Ok(_) => false,
            // What the literal is cannot be known before the state allows the command, or stands where it is missing.
            Err(_) if cursor.at_end() => false,
            Err(error) => {
                self.reader.refuse_literal(header);
                self.fail(&tag, error);
                true
            }
        }
    }

    /// A literal behind octets of a message.
    pub(crate) fn on_message_literal(&mut self, mut appending: Box<Appending>, header: LiteralHeader) {
        if appending.stray_nul {
            appending.literal = Some(header);
            return self.refuse_nul(&appending);
        }
        let (text, ending) = before_literal(self.reader.text(), header);
        let rules = self.text_rules(ending, appending.replaces);
        match message_text(&mut Cursor::new(text), appending.place, rules) {
            Ok((pieces, Stop::Octets(place))) => {
                appending.expect(pieces, header, ending, place);
                self.append_on(appending);
            }
            Ok(_) if self.literal_fits(header) => {
                self.accept_literal(header);
                self.mode = Mode::ExpectMessage(appending);
            }
            Ok(_) => {
                appending.literal = Some(header);
                let completion = Completion::bad("The literal is too large").with_code(b"TOOBIG");
                self.give_up(&appending, completion);
            }
            Err(error) => {
                self.reader.refuse_literal(header);
                self.fail(&appending.tag, error);
            }
        }
    }

    /// The end of the command behind octets of a message.
    pub(crate) fn on_append_end(&mut self, mut appending: Box<Appending>, text: &[u8]) {
        if appending.stray_nul {
            return self.refuse_nul(&appending);
        }
        let rules = self.text_rules(Ending::Command, appending.replaces);
        match message_text(&mut Cursor::new(text), appending.place, rules) {
            Ok((pieces, _)) => {
                appending.pieces = pieces.into();
                self.append_on(appending);
            }
            Err(error) => self.fail(&appending.tag, error),
        }
    }

    /// Does what the text said, piece by piece, up to the next question; then lets the literal come, or stores.
    fn append_on(&mut self, mut appending: Box<Appending>) {
        if let Some(refusal) = self.literal_refused(&appending) {
            return self.give_up(&appending, refusal);
        }
        while let Some(piece) = appending.pieces.pop_front() {
            match piece {
                Piece::Begin(options) => return self.begin_message(appending, options),
                Piece::Url(url) => return self.add_url(appending, url),
                // RFC 3502: an empty message is an error, by which a client can cancel.
                Piece::End if appending.count.message_bytes == 0 => {
                    return self.give_up(&appending, Completion::no("A message without octets cancels all"));
                }
                Piece::End => {}
            }
        }
        match appending.literal.take() {
            Some(header) => self.let_octets_come(appending, header),
            None => self.store_messages(appending),
        }
    }

    /// Why the literal that waits cannot come, as far as that is known now.
    fn literal_refused(&self, appending: &Appending) -> Option<Completion> {
        let header = appending.literal?;
        // It may belong to a message that is still to begin.
        let begins = appending.pieces.iter().any(|piece| matches!(piece, Piece::Begin(_)));
        let so_far = if begins { 0 } else { appending.count.message_bytes };
        if header.length > self.room(so_far, appending.count.bytes) {
            // RFC 7889 §4, RFC 4469 §4.2
            return Some(Completion::no("The message is too large").with_code(b"TOOBIG"));
        }
        if !self.may_send_unasked(header) {
            // RFC 7888 §5 asks for BAD where the client ought to have waited.
            return Some(Completion::bad("Wait for leave to send so large a literal").with_code(b"TOOBIG"));
        }
        None
    }

    /// Octets that a message may still get that has `message_bytes`, in a command that has `command_bytes`.
    fn room(&self, message_bytes: u64, command_bytes: u64) -> u64 {
        let limits = &self.config.limits;
        let of_message = limits.append_bytes.saturating_sub(message_bytes);
        of_message.min(limits.append_command_bytes.saturating_sub(command_bytes))
    }

    fn begin_message(&mut self, mut appending: Box<Appending>, options: MessageOptions) {
        appending.count.messages += 1;
        appending.count.message_bytes = 0;
        if let Some(refusal) = self.message_limit_refusal(u64::from(appending.count.messages)) {
            return self.give_up(&appending, refusal);
        }
        if appending.count.messages > self.config.limits.append_messages {
            return self.give_up(&appending, Completion::no("Too many messages at once").with_code(b"LIMIT"));
        }
        let question = match appending.message.replace(options) {
            Some(MessageOptions { flags, internal_date }) => Question::AppendAnother { flags, internal_date },
            None => {
                let size = appending.literal.map_or(0, |header| header.length);
                Question::AppendCheck { mailbox: appending.mailbox.clone(), size }
            }
        };
        self.ask(question, Pending::AppendStep(appending));
    }

    fn add_url(&mut self, mut appending: Box<Appending>, text: String) {
        if !appending.count_part() {
            return self.give_up(&appending, Completion::no("Too many parts at once").with_code(b"LIMIT"));
        }
        let most = self.room(appending.count.message_bytes, appending.count.bytes);
        let url = message_url(&text).filter(|url| url.mailbox.is_some() || self.selected.is_some());
        appending.url = text;
        match url {
            Some(url) => self.ask(Question::AppendUrl { url, most }, Pending::AppendStep(appending)),
            None => self.refuse_url(&appending),
        }
    }

    fn let_octets_come(&mut self, mut appending: Box<Appending>, header: LiteralHeader) {
        if !appending.count_part() {
            appending.literal = Some(header);
            return self.give_up(&appending, Completion::no("Too many parts at once").with_code(b"LIMIT"));
        }
        appending.count.message_bytes += header.length;
        appending.count.bytes += header.length;
        self.reader.stream_literal(header);
        if header.synchronising {
            self.out.extend_from_slice(b"+ Send the message\r\n");
        }
        self.mode = Mode::ExpectMessage(appending);
    }

    fn store_messages(&mut self, mut appending: Box<Appending>) {
        let MessageOptions { flags, internal_date } = appending.message.take().unwrap_or_default();
        let (mailbox, replaces) = (appending.mailbox.clone(), appending.replaces);
        self.ask(Question::Append { mailbox, flags, internal_date, replaces }, Pending::Append(appending));
    }

    pub(crate) fn append_step_answered(&mut self, mut appending: Box<Appending>, answer: Answer) {
        match answer {
            Answer::Done => {}
            Answer::AppendedPart { size } => {
                appending.count.message_bytes += size;
                appending.count.bytes += size;
            }
            Answer::Refused(Refusal::BadUrl) => return self.refuse_url(&appending),
            other => {
                if let Some(header) = appending.literal {
                    self.reader.refuse_literal(header);
                }
                return self.target_refused(&appending.tag, other);
            }
        }
        self.append_on(appending);
    }

    pub(crate) fn append_answered(&mut self, appending: &Appending, answer: Answer) {
        let tag = &appending.tag;
        match answer {
            Answer::Appended { uid_validity, uids } => {
                let code = uidplus::append_uid(uid_validity, &uids);
                if appending.replaces.is_some() {
                    return self.replaced(tag, &code);
                }
                self.finish(tag, Completion::ok("Stored").with_code(code), Update::All);
            }
            other => self.target_refused(tag, other),
        }
    }

    /// RFC 9051 §4.3: NUL may stand in a literal8 only.
    fn refuse_nul(&mut self, appending: &Appending) {
        self.give_up(appending, Completion::bad("NUL may stand in a literal8 only"));
    }

    /// RFC 4469 §4.1
    fn refuse_url(&mut self, appending: &Appending) {
        let mut code = b"BADURL ".to_vec();
        write_url(&mut code, &appending.url);
        self.give_up(appending, Completion::no("There is no such message or part").with_code(code));
    }

    /// Ends the command and does not let the literal come that waits.
    fn give_up(&mut self, appending: &Appending, completion: Completion) {
        if let Some(header) = appending.literal {
            self.reader.refuse_literal(header);
        }
        self.complete(&appending.tag, completion);
    }
}

impl Appending {
    fn new(tag: Tag, mailbox: MailboxName, replaces: Option<Uid>) -> Self {
        Self {
            tag,
            mailbox,
            replaces,
            message: None,
            pieces: VecDeque::new(),
            literal: None,
            literal8: false,
            stray_nul: false,
            place: Place::FirstMessage,
            url: String::new(),
            count: Count::default(),
        }
    }

    /// What comes next: pieces, and then octets in a literal, behind which the text goes on.
    fn expect(&mut self, pieces: Vec<Piece>, header: LiteralHeader, ending: Ending, place: Place) {
        self.pieces = pieces.into();
        self.literal = Some(header);
        self.literal8 = ending == Ending::Literal8;
        self.place = place;
    }

    /// Octets of the message go by.
    pub(crate) fn look_at(&mut self, octets: &[u8]) {
        self.stray_nul |= !self.literal8 && octets.contains(&0);
    }

    fn count_part(&mut self) -> bool {
        self.count.parts += 1;
        self.count.parts <= MAX_APPEND_PARTS
    }
}

/// The text up to the header of the literal that it ends in, and what kind of literal that is.
fn before_literal(text: &[u8], header: LiteralHeader) -> (&[u8], Ending) {
    let ending = if text.get(header.start) == Some(&b'~') { Ending::Literal8 } else { Ending::Literal };
    (&text[..header.start], ending)
}
