//! RENAME (RFC 9051 §6.3.6).

use super::ImapSession;
use super::completion::{Completion, Update};
use super::pending::Pending;
use super::verbs::Invocation;
use crate::grammar::Parsed;
use crate::grammar::mailbox::mailbox;
use crate::question::Question;
use crate::refusal::Refusal;

/// `rename = "RENAME" SP mailbox SP mailbox`
pub(crate) fn run(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    let arguments = &mut *command.arguments;
    arguments.space()?;
    let from = mailbox(arguments, session.names())?;
    arguments.space()?;
    let to = mailbox(arguments, session.names())?;
    arguments.end()?;
    let refusal = if to.is_inbox() || to == from {
        Some(Refusal::AlreadyExists)
    } else if to.is_below(&from) && !from.is_inbox() {
        Some(Refusal::Cannot)
    } else {
        None
    };
    match refusal {
        Some(refusal) => session.finish(command.tag, Completion::refused(refusal), Update::All),
        None => session.ask(Question::Rename { from, to }, Pending::Done(command.tag.clone(), "Renamed", Update::All)),
    }
    Ok(())
}
