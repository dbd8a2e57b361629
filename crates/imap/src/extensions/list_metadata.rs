//! LIST-METADATA (RFC 9590): annotations of the mailboxes that a LIST returns.

use posthouse_model::{EntryName, MailboxName};

use crate::answer::Answer;
use crate::extensions::metadata::metadata;
use crate::question::{AnnotationDepth, Question, StatusItems};
use crate::session::completion::Update;
use crate::session::pending::Pending;
use crate::session::{ImapSession, Tag};

/// A LIST that waits for the annotations of what it listed.
#[derive(Debug)]
pub(crate) struct ListMetadata {
    tag: Tag,
    mailboxes: Vec<MailboxName>,
    /// What it is to return after that.
    status: Option<StatusItems>,
}

impl ImapSession {
    /// Asks for annotations of the mailboxes that were listed.
    pub(crate) fn list_metadata(
        &mut self,
        tag: Tag,
        mailboxes: Vec<MailboxName>,
        entries: Vec<EntryName>,
        status: Option<StatusItems>,
    ) {
        let places = mailboxes.iter().cloned().map(Some).collect();
        let question = Question::Annotations { places, entries, depth: AnnotationDepth::Entry };
        self.ask(question, Pending::ListMetadata(Box::new(ListMetadata { tag, mailboxes, status })));
    }

    pub(crate) fn list_metadata_answered(&mut self, asked: ListMetadata, answer: Answer) {
        let places = match answer {
            Answer::Annotations(places) => places,
            other => return self.not_done(&asked.tag, Update::All, other),
        };
        let names = self.names();
        for (mailbox, rows) in asked.mailboxes.iter().zip(places) {
            // RFC 9590 §3: where annotations cannot be had, the response is left out.
            metadata(&mut self.out, Some(mailbox), names, &rows.unwrap_or_default());
        }
        self.list_status(asked.tag, asked.mailboxes, asked.status);
    }
}
