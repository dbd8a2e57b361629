//! LIST-MYRIGHTS (RFC 8440): LIST tells rights, too.

use posthouse_model::{EntryName, MailboxName};

use crate::answer::Answer;
use crate::question::{Question, StatusItems};
use crate::session::completion::Update;
use crate::session::pending::Pending;
use crate::session::{ImapSession, Tag};

/// A LIST that waits for the rights in what it listed, and then goes on to annotations and figures.
#[derive(Debug)]
pub(crate) struct ListRights {
    tag: Tag,
    mailboxes: Vec<MailboxName>,
    selectable: Vec<MailboxName>,
    metadata: Vec<EntryName>,
    status: Option<StatusItems>,
}

impl ImapSession {
    /// RFC 8440 §3: a MYRIGHTS response for each mailbox that is there, after its LIST response.
    pub(crate) fn ask_list_rights(
        &mut self,
        tag: Tag,
        mailboxes: Vec<MailboxName>,
        selectable: Vec<MailboxName>,
        metadata: Vec<EntryName>,
        status: Option<StatusItems>,
    ) {
        let asked = ListRights { tag, mailboxes: mailboxes.clone(), selectable, metadata, status };
        self.ask(Question::MyRights { mailboxes }, Pending::ListRights(Box::new(asked)));
    }

    pub(crate) fn list_rights_answered(&mut self, asked: ListRights, answer: Answer) {
        let rows = match answer {
            Answer::MyRights(rows) => rows,
            other => return self.not_done(&asked.tag, Update::All, other),
        };
        for (mailbox, rights) in asked.mailboxes.iter().zip(rows) {
            // RFC 8440 §3: where the rights cannot be had there is no response.
            if let Ok(rights) = rights {
                self.write_my_rights(mailbox, rights);
            }
        }
        self.list_the_rest(asked.tag, asked.selectable, asked.metadata, asked.status);
    }
}
