//! UNAUTHENTICATE (RFC 8437): the connection stays, the login does not.

use crate::extensions::enable::Enabled;
use crate::grammar::{CommandError, Parsed};
use crate::question::Question;
use crate::session::completion::Completion;
use crate::session::pending::Pending;
use crate::session::verbs::Invocation;
use crate::session::{ImapSession, Phase, Tag};

/// `unauthenticate = "UNAUTHENTICATE"`
///
/// RFC 8437 §3: `BAD` only where it is not offered. RFC 8437 §4.1 would have both sides end compression at that line,
/// while the next command may follow at once; where compression is active it is not offered.
pub(crate) fn run(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    command.arguments.end()?;
    if !session.offers_unauthenticate() {
        return Err(CommandError::Unknown("That is not offered here"));
    }
    session.ask(Question::Leave, Pending::Leave(command.tag.clone()));
    Ok(())
}

impl ImapSession {
    /// RFC 8437 §8: only where an administrator wants it.
    pub(crate) fn offers_unauthenticate(&self) -> bool {
        self.config.unauthenticate && !self.compressed
    }

    /// The house has forgotten who it was, and so does the session: everything but TLS and what the client said about
    /// itself (RFC 8437 §4.1).
    pub(crate) fn left(&mut self, tag: &Tag) {
        self.phase = Phase::ExpectLogin;
        self.selected = None;
        self.notify = None;
        self.enabled = Enabled::default();
        self.commands_before_login = 0;
        self.clock.begin_anew();
        let code = self.capability_code();
        self.complete(tag, Completion::ok("Log in again").with_code(code));
    }
}
