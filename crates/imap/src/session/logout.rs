//! LOGOUT (RFC 9051 §6.1.3).

use posthouse_model::session::CloseReason;

use super::ImapSession;
use super::completion::Completion;
use super::verbs::Invocation;
use crate::grammar::Parsed;

/// `logout = "LOGOUT"`
pub(crate) fn run(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    command.arguments.end()?;
    session.out.extend_from_slice(b"* BYE Until next time\r\n");
    session.complete(command.tag, Completion::ok("Logged out"));
    session.close(CloseReason::Quit);
    Ok(())
}
