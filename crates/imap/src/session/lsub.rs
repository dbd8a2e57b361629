//! LSUB (RFC 3501 §6.3.9): what LIST (SUBSCRIBED) was before.

use super::ImapSession;
use super::list::{Listing, decode_patterns, reference};
use super::pending::Pending;
use super::verbs::Invocation;
use crate::extensions::list_extended::{ReturnOptions, Selection};
use crate::grammar::Parsed;
use crate::question::Question;

/// `lsub = "LSUB" SP mailbox SP list-mailbox`
pub(crate) fn run(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    let arguments = &mut *command.arguments;
    arguments.space()?;
    let reference = reference(arguments, session.names())?;
    arguments.space()?;
    let text = arguments.list_mailbox()?.into_owned();
    arguments.end()?;
    let listing = Listing {
        tag: command.tag.clone(),
        lsub: true,
        extended: false,
        selection: Selection { subscribed: true, ..Selection::default() },
        patterns: decode_patterns(&reference, &[text], session.names())?,
        returns: ReturnOptions::default(),
    };
    session.ask(Question::List, Pending::List(Box::new(listing)));
    Ok(())
}
