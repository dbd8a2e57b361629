//! STATUS (RFC 9051 §6.3.11).

use posthouse_model::MailboxName;

use super::completion::{Completion, Update};
use super::pending::Pending;
use super::verbs::Invocation;
use super::{ImapSession, Tag};
use crate::answer::Answer;
use crate::grammar::Parsed;
use crate::grammar::mailbox::mailbox;
use crate::grammar::status::status_items;
use crate::question::{Question, StatusItems};
use crate::response::status::status;

/// A STATUS that waits for its figures.
#[derive(Debug)]
pub(crate) struct AskedStatus {
    tag: Tag,
    mailbox: MailboxName,
    items: StatusItems,
}

/// `status = "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")"`
pub(crate) fn run(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    let arguments = &mut *command.arguments;
    arguments.space()?;
    let mailbox = mailbox(arguments, session.names())?;
    arguments.space()?;
    let items = status_items(arguments)?;
    arguments.end()?;
    // RFC 7162 §3.1: asking for HIGHESTMODSEQ enables CONDSTORE.
    session.use_condstore(items.highest_modseq);
    let asked = AskedStatus { tag: command.tag.clone(), mailbox: mailbox.clone(), items };
    session.ask(Question::Status { mailboxes: vec![mailbox], items }, Pending::Status(Box::new(asked)));
    Ok(())
}

impl ImapSession {
    pub(crate) fn status_answered(&mut self, asked: &AskedStatus, answer: Answer) {
        let tag = &asked.tag;
        match answer {
            Answer::Statuses(rows) => match rows.into_iter().next() {
                Some(Ok(row)) => {
                    let (names, append_limit) = (self.names(), self.config.limits.append_bytes);
                    status(&mut self.out, &asked.mailbox, names, asked.items, &row, append_limit);
                    self.finish(tag, Completion::ok("Those are the figures"), Update::All);
                }
                Some(Err(refusal)) => self.finish(tag, Completion::refused(refusal), Update::All),
                None => self.answered_oddly(tag, Answer::Done),
            },
            other => self.not_done(tag, Update::All, other),
        }
    }
}
