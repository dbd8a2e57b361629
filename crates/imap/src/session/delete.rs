//! DELETE (RFC 9051 §6.3.5).

use super::ImapSession;
use super::completion::{Completion, Update};
use super::pending::Pending;
use super::verbs::Invocation;
use crate::grammar::Parsed;
use crate::grammar::mailbox::mailbox;
use crate::question::Question;
use crate::refusal::Refusal;

/// `delete = "DELETE" SP mailbox`
pub(crate) fn run(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    let arguments = &mut *command.arguments;
    arguments.space()?;
    let mailbox = mailbox(arguments, session.names())?;
    arguments.end()?;
    if mailbox.is_inbox() {
        session.finish(command.tag, Completion::refused(Refusal::Cannot), Update::All);
        return Ok(());
    }
    session.ask(Question::Delete { mailbox }, Pending::Done(command.tag.clone(), "Deleted", Update::All));
    Ok(())
}
