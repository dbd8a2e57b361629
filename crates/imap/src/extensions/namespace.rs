//! NAMESPACE (RFC 2342): there is one, the account's own.

use crate::grammar::Parsed;
use crate::session::ImapSession;
use crate::session::completion::{Completion, Update};
use crate::session::verbs::Invocation;

/// `namespace-command = "NAMESPACE"`
pub(crate) fn run(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    command.arguments.end()?;
    session.out.extend_from_slice(b"* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n");
    session.finish(command.tag, Completion::ok("That is all"), Update::All);
    Ok(())
}
