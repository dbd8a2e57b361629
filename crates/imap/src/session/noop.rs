//! NOOP (RFC 9051 §6.1.2) and CHECK (RFC 3501 §6.4.1), which is the same here: everything is on disk already.

use super::ImapSession;
use super::completion::{Completion, Update};
use super::verbs::Invocation;
use crate::grammar::Parsed;

/// `noop = "NOOP"`
pub(crate) fn run(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    command.arguments.end()?;
    session.finish(command.tag, Completion::ok("Nothing done"), Update::All);
    Ok(())
}

/// `check = "CHECK"`
pub(crate) fn run_check(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    run(session, command)
}
