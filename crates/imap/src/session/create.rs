//! CREATE (RFC 9051 §6.3.4), with CREATE-SPECIAL-USE (RFC 6154 §3).

use super::completion::{Completion, Update};
use super::pending::Pending;
use super::verbs::Invocation;
use super::{ImapSession, Tag};
use crate::answer::Answer;
use crate::extensions::create_special_use::create_parameters;
use crate::extensions::object_id::mailbox_id;
use crate::grammar::Parsed;
use crate::grammar::mailbox::mailbox;
use crate::question::Question;
use crate::refusal::Refusal;

/// `create = "CREATE" SP mailbox [create-params]`
pub(crate) fn run(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    let arguments = &mut *command.arguments;
    arguments.space()?;
    let mailbox = mailbox(arguments, session.names())?;
    let wanted = create_parameters(arguments)?;
    arguments.end()?;
    if mailbox.is_inbox() {
        // RFC 9051 §6.3.4: INBOX is always there.
        session.finish(command.tag, Completion::refused(Refusal::AlreadyExists), Update::All);
        return Ok(());
    }
    match wanted {
        Ok(special_use) => {
            session.ask(Question::Create { mailbox, special_use }, Pending::Create(command.tag.clone()));
        }
        Err(refusal) => session.finish(command.tag, Completion::refused(refusal), Update::All),
    }
    Ok(())
}

impl ImapSession {
    pub(crate) fn create_answered(&mut self, tag: &Tag, answer: Answer) {
        match answer {
            Answer::Created(mailbox) => {
                // RFC 8474 §4.1
                let mut code = Vec::new();
                mailbox_id(&mut code, mailbox);
                self.finish(tag, Completion::ok("Created").with_code(code), Update::All);
            }
            other => self.not_done(tag, Update::All, other),
        }
    }
}
