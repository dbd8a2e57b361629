//! COPY (RFC 9051 §6.4.7).

use posthouse_model::{MailboxName, UidSet};

use super::completion::{Completion, Update};
use super::pending::Pending;
use super::verbs::Invocation;
use super::{ImapSession, Tag};
use crate::answer::Answer;
use crate::extensions::uidplus;
use crate::grammar::cursor::Cursor;
use crate::grammar::mailbox::mailbox;
use crate::grammar::sequence_set::{SequenceSet, sequence_set};
use crate::grammar::{CommandError, Parsed};
use crate::question::Question;
use crate::refusal::Refusal;

/// `copy = "COPY" SP sequence-set SP mailbox`
pub(crate) fn run(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    let (uids, mailbox) = set_and_mailbox(session, command.arguments, command.by_uid)?;
    session.check_copy_limit(&uids)?;
    if uids.is_empty() {
        session.finish(command.tag, Completion::ok("There is nothing to copy"), Update::All);
    } else {
        session.ask(Question::Copy { uids, mailbox }, Pending::Copy(command.tag.clone()));
    }
    Ok(())
}

/// `SP sequence-set SP mailbox`, of COPY and MOVE.
pub(crate) fn set_and_mailbox(
    session: &ImapSession,
    arguments: &mut Cursor<'_>,
    by_uid: bool,
) -> Parsed<(UidSet, MailboxName)> {
    arguments.space()?;
    let set = sequence_set(arguments)?;
    arguments.space()?;
    let mailbox = mailbox(arguments, session.names())?;
    arguments.end()?;
    Ok((session.resolve(&set, by_uid)?, mailbox))
}

impl ImapSession {
    /// The messages that a set names in the open mailbox.
    pub(crate) fn resolve(&self, set: &SequenceSet, by_uid: bool) -> Parsed<UidSet> {
        let selected = self.selected.as_ref().ok_or(CommandError::Unknown("Select a mailbox first"))?;
        if self.enabled.uid_only && !by_uid {
            Err(CommandError::UidRequired)
        } else if by_uid {
            Ok(set.by_uid(&selected.view, &selected.saved))
        } else {
            set.by_sequence(&selected.view, &selected.saved)
        }
    }

    pub(crate) fn copy_answered(&mut self, tag: &Tag, answer: Answer) {
        match answer {
            Answer::Copied(copied) => {
                let completion = Completion::ok("Copied");
                let completion = match uidplus::copy_uid(&copied) {
                    Some(code) => completion.with_code(code),
                    None => completion,
                };
                self.finish(tag, completion, Update::All);
            }
            other => self.target_refused(tag, other),
        }
    }

    /// The end of a command that was to bring messages into a mailbox. RFC 9051 §6.3.12, §6.4.7: if there is none,
    /// the client is told that creating it would help.
    pub(crate) fn target_refused(&mut self, tag: &Tag, answer: Answer) {
        let answer = match answer {
            Answer::Refused(Refusal::NonExistent) => Answer::Refused(Refusal::TryCreate),
            other => other,
        };
        self.not_done(tag, Update::All, answer);
    }
}
