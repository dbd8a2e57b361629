//! RCPT (RFC 5321 §4.1.1.3).

use posthouse_model::Recipient;

use super::question::{Answer, Question, RecipientRefusal, RecipientVerdict};
use super::session::{Pending, ServerSession};
use crate::command::RcptCommand;
use crate::reply::{self, Reply};

impl ServerSession {
    pub(super) fn rcpt_command(&mut self, rcpt: &RcptCommand) {
        let Some(transaction) = self.transaction.as_ref().filter(|transaction| transaction.transfer.is_none()) else {
            return self.finish_command(&reply::bad_sequence("Give the sender first"));
        };
        let extended = self.helo.as_ref().is_some_and(|helo| helo.extended);
        if !extended && (rcpt.notify.is_some() || rcpt.original.is_some()) {
            return self.finish_command(&reply::parameter_not_offered());
        }
        if rcpt.has_utf8 && !transaction.envelope.smtputf8 {
            return self.finish_command(&reply::recipient_needs_smtputf8());
        }
        let accepted = transaction.envelope.recipients.len();
        if accepted >= self.config.limits.recipients_per_message {
            return self.refuse_recipient(&reply::too_many_recipients());
        }
        let recipient = Box::new(Recipient {
            address: rcpt.address(&self.config.host_name),
            notify: rcpt.notify,
            original: rcpt.original.clone(),
        });
        let sender = transaction.envelope.sender.clone();
        let size_bytes = transaction.envelope.declared_size_bytes;
        let question = Question::AcceptRecipient { sender, recipient: recipient.clone(), accepted, size_bytes };
        self.ask(question, Pending::Recipient(recipient));
    }

    pub(super) fn recipient_judged(&mut self, recipient: Recipient, answer: &Answer) {
        let refusal = match answer {
            Answer::Recipient(RecipientVerdict::Accepted) => {
                if let Some(transaction) = &mut self.transaction {
                    transaction.envelope.recipients.push(recipient);
                }
                return self.finish_command(&reply::recipient_ok());
            }
            Answer::Recipient(RecipientVerdict::Refused(refusal)) => refusal.clone(),
            _ => RecipientRefusal::TemporaryFailure,
        };
        self.refuse_recipient(&reply::recipient(&refusal));
    }

    /// Refused recipients have a limit of their own.
    fn refuse_recipient(&mut self, answer: &Reply) {
        self.send(answer);
        self.expect_command();
        self.counters.refused_recipients += 1;
        self.close_if_beyond(self.counters.refused_recipients, self.config.limits.refused_recipients);
    }
}
