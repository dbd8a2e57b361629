//! DATA (RFC 5321 §4.1.1.4).

use posthouse_model::BodyType;
use posthouse_model::session::{CloseReason, Step};

use super::question::Question;
use super::session::{ServerSession, State};
use super::transfer::Taken;
use crate::reply::{self, Reply};

impl ServerSession {
    pub(super) fn data_command(&mut self) {
        if let Some(refusal) = self.data_refusal() {
            return self.finish_command(&refusal);
        }
        let transfer = self.new_transfer(BodyType::SevenBit);
        let deadline = transfer.deadline(&self.config.limits, self.now);
        if let Some(transaction) = &mut self.transaction {
            transaction.transfer = Some(transfer);
        }
        self.send(&reply::start_mail_input());
        self.expect_by(State::ExpectText, deadline);
    }

    fn data_refusal(&self) -> Option<Reply> {
        let Some(transaction) = &self.transaction else {
            return Some(reply::bad_sequence("Give the sender first"));
        };
        if transaction.transfer.is_some() {
            // RFC 3030 §2: DATA and BDAT do not mix.
            return Some(reply::bad_sequence("The message has begun with BDAT"));
        }
        if transaction.envelope.body_type == BodyType::BinaryMime {
            // RFC 3030 §3: binary text cannot go behind DATA.
            return Some(reply::bad_sequence("BINARYMIME needs BDAT"));
        }
        if transaction.envelope.recipients.is_empty() {
            return Some(reply::no_valid_recipients(self.config.is_lmtp()));
        }
        None
    }

    /// Takes text out of the input; whether its end was there.
    pub(super) fn take_text(&mut self) -> bool {
        let Some(transfer) = self.transaction.as_mut().and_then(|transaction| transaction.transfer.as_mut()) else {
            self.expect_command();
            return true;
        };
        let (taken, ended) = transfer.take_dotted(&mut self.input);
        let discarded = transfer.discarded_bytes();
        let deadline = transfer.deadline(&self.config.limits, self.now);
        self.pass_on(taken);
        if ended {
            self.finish_text();
        } else if discarded > self.config.limits.discarded_bytes {
            self.refuse_and_close();
        } else {
            self.expect_by(State::ExpectText, deadline);
        }
        ended
    }

    /// Gives the driver what has come of a message.
    pub(super) fn pass_on(&mut self, taken: Taken) {
        if !taken.body.is_empty() {
            self.push(Step::Body(taken.body));
        }
        if taken.spoilt {
            self.notify(Question::MessageAborted);
        }
    }

    /// The client goes on and on with a message that will be refused.
    pub(super) fn refuse_and_close(&mut self) {
        let fault = self.transaction.as_ref().and_then(|transaction| transaction.transfer.as_ref()?.fault());
        self.send(&fault.map_or_else(reply::message_too_large, reply::content));
        self.close(CloseReason::ProtocolError);
    }
}
