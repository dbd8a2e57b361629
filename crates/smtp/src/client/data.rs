//! DATA and the text behind it (RFC 5321 §4.1.1.4), and what both ways of sending text share.

use bytes::Bytes;
use posthouse_model::time::Instant;

use super::config::ClientProtocol;
use super::outcome::{Cause, ClientFailure, DeliveryOutcome, Stage};
use super::reply::PeerReply;
use super::session::{ClientSession, State};
use super::transaction::outcome_of;
use crate::content::LineEndNormaliser;
use crate::extension::Extension;

impl ClientSession {
    pub(super) fn say_data(&mut self) {
        self.send_line("DATA");
        self.expect(State::ExpectDataGo, self.config.timeouts.data_initiation);
    }

    pub(super) fn data_answered(&mut self, reply: PeerReply) {
        if reply.code == 354 {
            self.needs_body = true;
            return self.expect(State::DataText, self.config.timeouts.data_block);
        }
        if !reply.is_temporary() && !reply.is_permanent() {
            return self.unexpected(reply);
        }
        if let Some(transaction) = &mut self.transaction {
            transaction.decide_rest(&outcome_of(Stage::Data, &reply));
        }
        self.finish_transaction(true);
    }

    /// Sends the next piece of the text. To be called when [`ClientStep::NeedBody`](super::ClientStep::NeedBody) has
    /// come. Line ends that are not CRLF become so, unless the message is binary.
    pub fn supply_body(&mut self, piece: Bytes, now: Instant) {
        self.now = now;
        let Some(transaction) = &mut self.transaction else { return };
        if !piece.is_ascii() && !transaction.message.is_binary && !self.extensions.offers(Extension::EightBitMime) {
            transaction.decide_rest(&DeliveryOutcome::Permanent(Cause::Needs8BitMime));
            return self.fail(ClientFailure::GivenUp);
        }
        let piece = match &mut transaction.normaliser {
            Some(normaliser) => normaliser.take(piece),
            None => piece,
        };
        match self.state {
            State::DataText => {
                let wire = transaction.encoder.encode(piece);
                self.send_bytes(wire);
                self.needs_body = true;
                self.expect(State::DataText, self.config.timeouts.data_block);
            }
            State::Chunks => self.supply_chunk(piece),
            _ => {}
        }
    }

    /// The text is complete.
    pub fn finish_body(&mut self, now: Instant) {
        self.now = now;
        if !matches!(self.state, State::DataText | State::Chunks) {
            return;
        }
        self.needs_body = false;
        let Some(transaction) = &mut self.transaction else { return };
        let rest = transaction.normaliser.as_mut().map(LineEndNormaliser::finish).unwrap_or_default();
        if self.state == State::Chunks {
            return self.finish_chunks(rest);
        }
        let wire = transaction.encoder.encode(rest);
        let end = transaction.encoder.finish();
        transaction.end_sent = true;
        self.send_bytes(wire);
        self.send_bytes(end);
        self.expect(State::ExpectFinal, self.config.timeouts.data_termination);
    }

    /// The text cannot be supplied. There is no way to take back what was sent but to break the connection
    /// (RFC 5321 §4.1.1.4 ends text in one way only).
    pub fn abort_body(&mut self, now: Instant) {
        self.now = now;
        if let Some(transaction) = &mut self.transaction {
            transaction.decide_rest(&DeliveryOutcome::Temporary(Cause::BodyUnavailable));
        }
        self.fail(ClientFailure::GivenUp);
    }

    /// The server speaks in the middle of the text: it will not have it, and will not listen.
    pub(super) fn interrupted(&mut self, reply: PeerReply) {
        if let Some(transaction) = &mut self.transaction
            && (reply.is_temporary() || reply.is_permanent())
        {
            transaction.decide_rest(&outcome_of(Stage::Body, &reply));
        }
        self.unexpected(reply);
    }

    pub(super) fn final_answered(&mut self, reply: PeerReply) {
        let Some(transaction) = &mut self.transaction else { return self.unexpected(reply) };
        if reply.code / 100 == 3 {
            return self.unexpected(reply);
        }
        if transaction.chunks_awaited > 0 {
            transaction.chunks_awaited -= 1;
            if !reply.is_positive() {
                // What is said to the chunks behind it only repeats it.
                transaction.refused_chunk.get_or_insert(reply);
            }
            return;
        }
        let reply = transaction.refused_chunk.take().unwrap_or(reply);
        let outcome = outcome_of(Stage::EndOfBody, &reply);
        if self.config.protocol == ClientProtocol::Lmtp {
            // RFC 2033 §4.2: a reply for each recipient that was accepted, in that order.
            if let Some(recipient) = transaction.accepted.pop_front() {
                transaction.decide(recipient, outcome);
            }
            if !transaction.accepted.is_empty() {
                return self.expect(State::ExpectFinal, self.config.timeouts.data_termination);
            }
        } else {
            transaction.decide_rest(&outcome);
        }
        self.finish_transaction(false);
    }
}
