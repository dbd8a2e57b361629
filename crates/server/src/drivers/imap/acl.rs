//! What is asked about rights.

use posthouse_imap::{Answer, Question, Refusal};

use super::{Answered, ImapDesk};

impl ImapDesk {
    pub(super) async fn answer_about_rights(&self, question: Question) -> Answered {
        let (permit, mailboxes) = (self.permit()?, self.mailboxes());
        match question {
            Question::Acl { mailbox } => {
                let list = mailboxes.access_list(permit, &mailbox).await;
                list.map(Answer::Acl).map_err(|error| self.refuse(&error))
            }
            Question::SetAcl { mailbox, identifier, change, rights } => {
                self.done(mailboxes.change_access_list(permit, &mailbox, &identifier, change, rights).await)
            }
            Question::GrantableRights { mailbox, identifier } => {
                let rights = mailboxes.grantable(permit, &mailbox, &identifier).await;
                let rights = rights.map_err(|error| self.refuse(&error))?;
                Ok(Answer::GrantableRights { required: rights.required, optional: rights.optional })
            }
            Question::MyRights { mailboxes: names } => {
                let mut rows = Vec::with_capacity(names.len());
                for name in &names {
                    rows.push(mailboxes.rights(permit, name).await.map_err(|error| self.refuse(&error)));
                }
                Ok(Answer::MyRights(rows))
            }
            _ => Err(Refusal::ServerBug),
        }
    }
}
