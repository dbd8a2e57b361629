//! The end of a message: it is given to the driver to keep, and the client is told what became of it.

use super::question::{Answer, MessageRefusal, Question, RecipientOutcome, StoreMessage, StoreOutcome};
use super::session::{Pending, ServerSession};
use crate::protocol::WithProtocol;
use crate::reply::{self, Reply};

impl ServerSession {
    /// All text has come.
    pub(super) fn finish_text(&mut self) {
        let Some(transaction) = self.transaction.take() else { return self.expect_command() };
        let Some(transfer) = transaction.transfer else { return self.expect_command() };
        let recipients = transaction.envelope.recipients.len();
        if let Some(fault) = transfer.fault() {
            return self.finish_message(recipients, &reply::content(fault));
        }
        let helo = self.helo.as_ref();
        let message = StoreMessage {
            protocol: WithProtocol {
                lmtp: self.config.is_lmtp(),
                extended: helo.is_some_and(|helo| helo.extended),
                tls: self.tls.is_some(),
                authenticated: self.identity.is_some(),
                smtputf8: transaction.envelope.smtputf8,
            },
            envelope: transaction.envelope,
            helo: self.told_helo().or(helo.map(|helo| helo.name.as_str())).unwrap_or_default().to_owned(),
            peer: self.peer,
            tls: self.tls.clone(),
            identity: self.identity.clone(),
            size_bytes: transfer.check().size_bytes(),
            has_8bit: transfer.check().has_8bit(),
            longest_line_bytes: transfer.check().longest_line_bytes(),
        };
        self.ask(Question::StoreMessage(Box::new(message)), Pending::Store { recipients });
    }

    pub(super) fn message_stored(&mut self, recipients: usize, answer: &Answer) {
        self.counters.messages += 1;
        self.counters.idle_commands = 0;
        match answer {
            Answer::Store(StoreOutcome::Stored { journey }) => {
                self.finish_message(recipients, &reply::stored(&journey.to_string()));
            }
            Answer::Store(StoreOutcome::Refused(refusal)) => {
                self.finish_message(recipients, &reply::message(refusal));
            }
            Answer::Store(StoreOutcome::PerRecipient(outcomes)) if self.config.is_lmtp() => {
                self.finish_each(recipients, outcomes);
            }
            Answer::Store(StoreOutcome::PerRecipient(outcomes)) => {
                self.finish_message(recipients, &summary(outcomes));
            }
            _ => self.finish_message(recipients, &reply::local_error()),
        }
    }

    /// One reply; for LMTP once for each recipient (RFC 2033 §4.2).
    fn finish_message(&mut self, recipients: usize, answer: &Reply) {
        let replies = if self.config.is_lmtp() { recipients } else { 1 };
        for _ in 1..replies {
            self.send(answer);
        }
        self.finish_command(answer);
    }

    fn finish_each(&mut self, recipients: usize, outcomes: &[RecipientOutcome]) {
        for index in 0..recipients {
            let answer = outcomes.get(index).map_or_else(reply::local_error, outcome);
            self.send(&answer);
        }
        self.expect_command();
    }
}

fn outcome(outcome: &RecipientOutcome) -> Reply {
    match outcome {
        RecipientOutcome::Stored { journey } => reply::stored(&journey.to_string()),
        RecipientOutcome::Refused(refusal) => reply::message(refusal),
    }
}

/// One reply for several outcomes: once anything is stored, to say otherwise would make the client send it again.
fn summary(outcomes: &[RecipientOutcome]) -> Reply {
    let stored = outcomes.iter().find(|outcome| matches!(outcome, RecipientOutcome::Stored { .. }));
    let passing = || {
        outcomes.iter().find(|outcome| match outcome {
            RecipientOutcome::Stored { .. } => false,
            RecipientOutcome::Refused(refusal) => is_passing(refusal),
        })
    };
    stored.or_else(passing).or(outcomes.first()).map_or_else(reply::local_error, outcome)
}

fn is_passing(refusal: &MessageRefusal) -> bool {
    reply::message(refusal).code < 500
}
