//! IDLE (RFC 2177): the client waits, and is told at once.

use posthouse_model::Instant;

use crate::answer::Answer;
use crate::extensions::context::Then;
use crate::grammar::Parsed;
use crate::question::Question;
use crate::session::completion::{Completion, Update};
use crate::session::pending::Pending;
use crate::session::verbs::Invocation;
use crate::session::{ImapSession, Mode, Tag};

/// A client that idles.
#[derive(Debug)]
pub(crate) struct Idling {
    tag: Tag,
    /// When it gets the next sign of life.
    pub(crate) keepalive_at: Instant,
    /// When it has idled for too long.
    pub(crate) until: Instant,
    /// The mailbox changed while a question was open.
    pub(crate) changed: bool,
}

/// `idle = "IDLE" CRLF "DONE"`
pub(crate) fn run(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    command.arguments.end()?;
    let limits = &session.config.limits;
    let idling = Idling {
        tag: command.tag.clone(),
        keepalive_at: command.now + limits.idle_keepalive,
        until: command.now + limits.idle,
        changed: false,
    };
    session.out.extend_from_slice(b"+ idling\r\n");
    session.mode = Mode::ExpectDone(idling);
    if session.selected.is_some() {
        session.ask(Question::Watch { on: true }, Pending::IdleWatch);
    }
    Ok(())
}

impl ImapSession {
    /// The house watches: what happened before it began to has to be told too.
    pub(crate) fn idle_watch_answered(&mut self, answer: &Answer) {
        if let Answer::Done = answer {
            self.sync_while_idling();
        }
    }

    /// Asks what happened.
    pub(crate) fn sync_while_idling(&mut self) {
        // RFC 5465 §4: the same events as NOTIFY asks for.
        if let Some(selected) = self.selected.as_ref().filter(|_| self.hears_of_messages()) {
            let since = selected.known_modseq;
            self.ask(Question::Sync { since }, Pending::IdleSync);
        }
    }

    pub(crate) fn idle_sync_answered(&mut self, answer: Answer) {
        self.tell_answer(answer, Update::All);
        self.settle_contexts(Then::Idle);
    }

    /// The client is up to date, unless something happened meanwhile.
    pub(crate) fn idle_settled(&mut self) {
        if let Mode::ExpectDone(idling) = &mut self.mode
            && std::mem::take(&mut idling.changed)
        {
            self.sync_while_idling();
        }
    }

    /// A line from a client that idles: `DONE`, in any case.
    pub(crate) fn on_idle_line(&mut self, idling: Idling, line: &[u8]) {
        if !line.eq_ignore_ascii_case(b"DONE") {
            self.refuse(Some(&idling.tag), "Expected DONE");
            if self.selected.is_some() {
                self.ask(Question::Watch { on: false }, Pending::IdleAbandoned);
            }
            return;
        }
        if self.selected.is_some() {
            self.ask(Question::Watch { on: false }, Pending::IdleEnd(idling.tag));
        } else {
            self.idle_ended(&idling.tag);
        }
    }

    pub(crate) fn idle_ended(&mut self, tag: &Tag) {
        self.finish(tag, Completion::ok("No longer idle"), Update::All);
    }
}
