//! How commands end: tagged responses (RFC 9051 §7.1) and what is told before them.

use posthouse_model::session::CloseReason;

use super::{ImapSession, Phase, Tag};
use crate::extensions::messagelimit::too_many_messages;
use crate::grammar::CommandError;
use crate::refusal::Refusal;

/// `OK`, `NO` or `BAD`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    Ok,
    No,
    Bad,
}

/// The end of a command: `resp-cond-state`.
#[derive(Debug)]
pub(crate) struct Completion {
    condition: Condition,
    /// The response code, without brackets; empty for none.
    code: Vec<u8>,
    text: &'static str,
    /// What was told is a result in which messages that went, and that still have numbers, are missing.
    of_result: bool,
}

impl Completion {
    fn new(condition: Condition, text: &'static str) -> Self {
        Self { condition, code: Vec::new(), text, of_result: false }
    }

    /// The end of a command that looked for messages and told which there are.
    pub(crate) fn of_result(text: &'static str) -> Self {
        Self { of_result: true, ..Self::ok(text) }
    }

    pub(crate) fn ok(text: &'static str) -> Self {
        Self::new(Condition::Ok, text)
    }

    pub(crate) fn no(text: &'static str) -> Self {
        Self::new(Condition::No, text)
    }

    pub(crate) fn bad(text: &'static str) -> Self {
        Self::new(Condition::Bad, text)
    }

    pub(crate) fn refused(refusal: Refusal) -> Self {
        let no = Self::no(refusal.text());
        match refusal.code() {
            Some(code) => no.with_code(code.as_bytes()),
            None => no,
        }
    }

    pub(crate) fn with_code(mut self, code: impl Into<Vec<u8>>) -> Self {
        self.code = code.into();
        self
    }

    pub(crate) fn is_ok(&self) -> bool {
        self.condition == Condition::Ok
    }

    /// Whether there is a response code already.
    pub(crate) fn has_code(&self) -> bool {
        !self.code.is_empty()
    }
}

/// What a client may be told at the end of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Update {
    /// Everything.
    All,
    /// Nothing that changes sequence numbers: no EXPUNGE or VANISHED while FETCH, STORE or SEARCH is answered
    /// (RFC 9051 §7.5.1, RFC 7162 §3.2.10.2).
    KeepNumbers,
}

impl Update {
    /// What the commands that have a UID form allow.
    pub(crate) fn of(by_uid: bool) -> Self {
        if by_uid { Self::All } else { Self::KeepNumbers }
    }
}

impl ImapSession {
    /// Ends a command that was understood: first tells what happened to the open mailbox.
    pub(crate) fn finish(&mut self, tag: &Tag, completion: Completion, update: Update) {
        if self.selected.is_some() {
            self.sync_before(tag, completion, update);
        } else {
            self.complete(tag, completion);
        }
    }

    /// Ends a command.
    pub(crate) fn complete(&mut self, tag: &Tag, completion: Completion) {
        let bad = completion.condition == Condition::Bad;
        let completion = self.with_expunge_issued(completion);
        let completion = self.with_message_limit(completion);
        let completion = self.without_gaps(completion);
        self.write_completion(tag.as_str(), completion);
        self.count_bad(bad);
    }

    /// RFC 5530 §3: a result lacks what is gone, also where the client cannot be told yet that it went.
    fn with_expunge_issued(&self, completion: Completion) -> Completion {
        let gone = self.selected.as_ref().is_some_and(|selected| !selected.vanished.is_empty());
        if gone && completion.of_result && !completion.has_code() {
            completion.with_code(b"EXPUNGEISSUED")
        } else {
            completion
        }
    }

    /// A line without a tag, or with one: `BAD`.
    pub(crate) fn refuse(&mut self, tag: Option<&Tag>, text: &'static str) {
        self.write_completion(tag.map_or("*", Tag::as_str), Completion::bad(text));
        self.count_bad(true);
    }

    /// A command that its own text refutes.
    pub(crate) fn fail(&mut self, tag: &Tag, error: CommandError) {
        let completion = match error {
            CommandError::Expected(what) => {
                self.out.extend_from_slice(tag.as_str().as_bytes());
                self.out.extend_from_slice(b" BAD Expected ");
                self.out.extend_from_slice(what.as_bytes());
                self.out.extend_from_slice(b"\r\n");
                return self.count_bad(true);
            }
            CommandError::TooMany(what) => {
                self.out.extend_from_slice(tag.as_str().as_bytes());
                self.out.extend_from_slice(b" BAD [LIMIT] Too many ");
                self.out.extend_from_slice(what.as_bytes());
                self.out.extend_from_slice(b"\r\n");
                return self.count_bad(true);
            }
            CommandError::Unknown(text) => Completion::bad(text),
            CommandError::NoSuchMessage => Completion::bad("There is no message with that number"),
            CommandError::UidRequired => {
                Completion::bad("Message numbers are not used any more").with_code(b"UIDREQUIRED")
            }
            CommandError::NoSuchUid => Completion::no("There is no message with that UID"),
            CommandError::BadCharset => {
                Completion::no("That character set is not known").with_code(b"BADCHARSET (US-ASCII UTF-8)")
            }
            CommandError::UnknownFilter | CommandError::UndefinedFilter => Completion::no("There is no such filter"),
            CommandError::BadMailboxName => Completion::no("That cannot be the name of a mailbox").with_code(b"CANNOT"),
            CommandError::BadKeyword => Completion::no("That keyword cannot be stored").with_code(b"CANNOT"),
            CommandError::TooManyMessages(limit, lowest) => too_many_messages(limit, lowest),
            CommandError::ReadOnly => Completion::no("The mailbox is open for reading only"),
            CommandError::PrivacyRequired => Completion::no("Begin TLS first").with_code(b"PRIVACYREQUIRED"),
        };
        self.complete(tag, completion);
    }

    fn write_completion(&mut self, tag: &str, completion: Completion) {
        let Completion { condition, code, text, of_result: _ } = completion;
        let out = &mut self.out;
        out.extend_from_slice(tag.as_bytes());
        out.extend_from_slice(match condition {
            Condition::Ok => b" OK ",
            Condition::No => b" NO ",
            Condition::Bad => b" BAD ",
        });
        if !code.is_empty() {
            out.push(b'[');
            out.extend_from_slice(&code);
            out.extend_from_slice(b"] ");
        }
        out.extend_from_slice(text.as_bytes());
        out.extend_from_slice(b"\r\n");
    }

    fn count_bad(&mut self, bad: bool) {
        if !bad {
            self.bad_commands = 0;
            return;
        }
        self.bad_commands += 1;
        if self.bad_commands >= self.config.limits.bad_commands && self.phase != Phase::Closed {
            self.bye("Too many bad commands", CloseReason::TooManyErrors);
        }
    }
}
