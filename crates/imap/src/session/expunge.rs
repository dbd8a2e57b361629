//! EXPUNGE (RFC 9051 §6.4.3).

use posthouse_model::UidSet;

use super::completion::Completion;
use super::pending::Pending;
use super::verbs::Invocation;
use super::{ImapSession, Tag};
use crate::answer::Answer;
use crate::grammar::{CommandError, Parsed};
use crate::question::Question;

/// `expunge = "EXPUNGE"`
pub(crate) fn run(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    command.arguments.end()?;
    session.expunge(command.tag, None)
}

impl ImapSession {
    /// Removes messages marked `\Deleted`.
    pub(crate) fn expunge(&mut self, tag: &Tag, uids: Option<UidSet>) -> Parsed<()> {
        self.check_writable()?;
        self.ask(Question::Expunge { uids }, Pending::Expunge(tag.clone()));
        Ok(())
    }

    /// An error where the mailbox is open for reading only.
    pub(crate) fn check_writable(&self) -> Parsed<()> {
        match &self.selected {
            Some(selected) if selected.read_only => Err(CommandError::ReadOnly),
            _ => Ok(()),
        }
    }

    pub(crate) fn expunge_answered(&mut self, tag: &Tag, answer: Answer) {
        match answer {
            Answer::Done => self.sync_after_expunge(tag, Completion::ok("Removed")),
            other => self.not_done(tag, super::completion::Update::All, other),
        }
    }
}
