//! NAMESPACE (RFC 2342): one's own mailboxes, those of other users, and those that are everybody's.

use posthouse_model::mailbox_name::{HIERARCHY_DELIMITER, OTHER_USERS, SHARED};

use crate::grammar::Parsed;
use crate::response::token::string;
use crate::session::ImapSession;
use crate::session::completion::{Completion, Update};
use crate::session::verbs::Invocation;

/// `namespace-command = "NAMESPACE"`
pub(crate) fn run(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    command.arguments.end()?;
    session.out.extend_from_slice(b"* NAMESPACE");
    let delimiter = HIERARCHY_DELIMITER.to_string();
    for prefix in [String::new(), format!("{OTHER_USERS}{delimiter}"), format!("{SHARED}{delimiter}")] {
        session.out.extend_from_slice(b" ((");
        string(&mut session.out, prefix.as_bytes());
        session.out.push(b' ');
        string(&mut session.out, delimiter.as_bytes());
        session.out.extend_from_slice(b"))");
    }
    session.out.extend_from_slice(b"\r\n");
    session.finish(command.tag, Completion::ok("That is all"), Update::All);
    Ok(())
}
