//! CLOSE (RFC 9051 §6.4.1).

use super::completion::Completion;
use super::pending::Pending;
use super::verbs::Invocation;
use super::{ImapSession, Tag};
use crate::answer::Answer;
use crate::grammar::Parsed;
use crate::question::Question;

/// `close = "CLOSE"`
///
/// A mailbox that is open for reading only is closed without expunging (RFC 9051 §6.4.1).
pub(crate) fn run(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    command.arguments.end()?;
    let expunge = session.selected.as_ref().is_some_and(|selected| !selected.read_only);
    session.unselect(command.tag, expunge);
    Ok(())
}

impl ImapSession {
    /// Closes the open mailbox.
    pub(crate) fn unselect(&mut self, tag: &Tag, expunge: bool) {
        self.ask(Question::Unselect { expunge }, Pending::Unselect(tag.clone()));
    }

    pub(crate) fn unselect_answered(&mut self, tag: &Tag, answer: Answer) {
        match answer {
            Answer::Done => {
                self.selected = None;
                self.complete(tag, Completion::ok("Closed"));
            }
            other => self.answered_oddly(tag, other),
        }
    }
}
