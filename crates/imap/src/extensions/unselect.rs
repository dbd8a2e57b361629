//! UNSELECT (RFC 3691): closes the mailbox and removes nothing.

use crate::grammar::Parsed;
use crate::session::ImapSession;
use crate::session::verbs::Invocation;

/// `unselect = "UNSELECT"`
pub(crate) fn run(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    command.arguments.end()?;
    session.unselect(command.tag, false);
    Ok(())
}
