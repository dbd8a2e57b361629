//! MAIL (RFC 5321 §4.1.1.2).

use posthouse_model::session::CloseReason;
use posthouse_model::{BodyType, Envelope};

use super::question::{Answer, Question, SenderRefusal, SenderVerdict};
use super::session::{Pending, ServerSession};
use super::transaction::Transaction;
use crate::command::MailCommand;
use crate::reply::{self, Reply};

impl ServerSession {
    pub(super) fn mail_command(&mut self, mail: MailCommand) {
        if let Some(refusal) = self.mail_refusal(&mail) {
            return self.finish_command(&refusal);
        }
        if self.counters.messages >= self.config.limits.messages_per_session {
            self.send(&reply::too_many_messages());
            return self.close(CloseReason::TooManyErrors);
        }
        let mut envelope = Envelope::new(mail.reverse_path);
        envelope.body_type = mail.body_type.unwrap_or(BodyType::SevenBit);
        envelope.smtputf8 = mail.smtputf8;
        envelope.require_tls = mail.require_tls;
        envelope.dsn_return = mail.dsn_return;
        envelope.envelope_id = mail.envelope_id;
        envelope.declared_size_bytes = mail.size_bytes;
        match mail.hold.map(|request| self.future_release(request)).transpose() {
            Ok(release) => envelope.future_release = release,
            Err(refusal) => return self.finish_command(&refusal),
        }
        match mail.deliver_by.map(|by| self.deliver_by(by, envelope.future_release)).transpose() {
            Ok(deliver_by) => envelope.deliver_by = deliver_by,
            Err(refusal) => return self.finish_command(&refusal),
        }
        // RFC 4954 §5: AUTH= is only for those whom we trust to say who else has signed in, and that is nobody.
        let envelope = Box::new(envelope);
        self.ask(Question::AcceptSender { envelope: envelope.clone() }, Pending::Sender(envelope));
    }

    fn mail_refusal(&self, mail: &MailCommand) -> Option<Reply> {
        let Some(helo) = &self.helo else {
            return Some(reply::bad_sequence("Introduce yourself first"));
        };
        if self.transaction.is_some() {
            // RFC 5321 §4.1.1.2: no MAIL inside a transaction.
            return Some(reply::bad_sequence("Sender already given"));
        }
        let has_parameters = mail.size_bytes.is_some()
            || mail.body_type.is_some()
            || mail.smtputf8
            || mail.require_tls
            || mail.hold.is_some()
            || mail.deliver_by.is_some()
            || mail.dsn_return.is_some()
            || mail.envelope_id.is_some()
            || mail.auth.is_some();
        if has_parameters && !helo.extended {
            // RFC 5321 §4.1.1.11: without EHLO there are no parameters.
            return Some(reply::parameter_not_offered());
        }
        if mail.require_tls && self.tls.is_none() {
            // RFC 8689 §2: it is not offered outside TLS.
            return Some(reply::parameter_not_offered());
        }
        if mail.has_utf8 && !mail.smtputf8 {
            return Some(reply::sender_needs_smtputf8());
        }
        if mail.size_bytes.is_some_and(|size| size > self.config.limits.message_size_bytes) {
            return Some(reply::message_too_large());
        }
        None
    }

    pub(super) fn sender_judged(&mut self, envelope: Envelope, answer: &Answer) {
        let refusal = match answer {
            Answer::Sender(SenderVerdict::Accepted) => {
                self.transaction = Some(Transaction::new(envelope));
                return self.finish_idle_command(&reply::sender_ok());
            }
            Answer::Sender(SenderVerdict::Refused(refusal)) => refusal.clone(),
            _ => SenderRefusal::TemporaryFailure,
        };
        self.finish_command(&reply::sender(&refusal));
    }
}
