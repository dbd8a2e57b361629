//! SUBSCRIBE and UNSUBSCRIBE (RFC 9051 §6.3.7, §6.3.8).

use super::ImapSession;
use super::completion::Update;
use super::pending::Pending;
use super::verbs::Invocation;
use crate::grammar::Parsed;
use crate::grammar::mailbox::mailbox;
use crate::question::Question;

/// `subscribe = "SUBSCRIBE" SP mailbox`
pub(crate) fn run_subscribe(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    run(session, command, true)
}

/// `unsubscribe = "UNSUBSCRIBE" SP mailbox`
pub(crate) fn run_unsubscribe(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    run(session, command, false)
}

fn run(session: &mut ImapSession, command: &mut Invocation<'_, '_>, subscribed: bool) -> Parsed<()> {
    let arguments = &mut *command.arguments;
    arguments.space()?;
    let mailbox = mailbox(arguments, session.names())?;
    arguments.end()?;
    let text = if subscribed { "Subscribed" } else { "Unsubscribed" };
    let pending = Pending::Done(command.tag.clone(), text, Update::All);
    session.ask(Question::Subscribe { mailbox, subscribed }, pending);
    Ok(())
}
