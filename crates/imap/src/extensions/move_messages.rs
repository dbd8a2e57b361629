//! MOVE (RFC 6851).

use crate::answer::Answer;
use crate::extensions::uidplus;
use crate::grammar::Parsed;
use crate::question::Question;
use crate::session::completion::{Completion, Update};
use crate::session::copy::set_and_mailbox;
use crate::session::pending::Pending;
use crate::session::verbs::Invocation;
use crate::session::{ImapSession, Tag};

/// `move = "MOVE" SP sequence-set SP mailbox`
pub(crate) fn run(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    let (uids, mailbox) = set_and_mailbox(session, command.arguments, command.by_uid)?;
    session.check_writable()?;
    let uids = session.within_limit(uids);
    if uids.is_empty() {
        session.finish(command.tag, Completion::ok("There is nothing to move"), Update::All);
    } else {
        session.ask(Question::Move { uids, mailbox }, Pending::Move(command.tag.clone()));
    }
    Ok(())
}

impl ImapSession {
    /// RFC 6851 §4.3: COPYUID stands in an untagged OK before the messages go.
    pub(crate) fn move_answered(&mut self, tag: &Tag, answer: Answer) {
        match answer {
            Answer::Copied(copied) => {
                if let Some(code) = uidplus::copy_uid(&copied) {
                    self.out.extend_from_slice(b"* OK [");
                    self.out.extend_from_slice(&code);
                    self.out.extend_from_slice(b"] Moved\r\n");
                }
                self.sync_after_expunge(tag, Completion::ok("Moved"));
            }
            other => self.target_refused(tag, other),
        }
    }
}
