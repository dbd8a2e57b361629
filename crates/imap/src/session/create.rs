//! CREATE (RFC 9051 §6.3.4).

use super::completion::{Completion, Update};
use super::pending::Pending;
use super::verbs::Invocation;
use super::{ImapSession, Tag};
use crate::answer::Answer;
use crate::grammar::Parsed;
use crate::grammar::mailbox::mailbox;
use crate::question::Question;
use crate::refusal::Refusal;

/// `create = "CREATE" SP mailbox`
pub(crate) fn run(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    let arguments = &mut *command.arguments;
    arguments.space()?;
    let mailbox = mailbox(arguments, session.names())?;
    arguments.end()?;
    if mailbox.is_inbox() {
        // RFC 9051 §6.3.4: INBOX is always there.
        session.finish(command.tag, Completion::refused(Refusal::AlreadyExists), Update::All);
        return Ok(());
    }
    session.ask(Question::Create { mailbox }, Pending::Create(command.tag.clone()));
    Ok(())
}

impl ImapSession {
    pub(crate) fn create_answered(&mut self, tag: &Tag, answer: Answer) {
        match answer {
            Answer::Created(_) => self.finish(tag, Completion::ok("Created"), Update::All),
            other => self.not_done(tag, Update::All, other),
        }
    }
}
