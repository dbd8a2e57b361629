//! BDAT (RFC 3030).
//!
//! Whatever is wrong with a BDAT, the octets that it announces follow, and must never be read as commands.

use posthouse_model::session::CloseReason;
use posthouse_model::time::Instant;

use super::session::{ServerSession, State};
use super::transfer;
use crate::command::BdatCommand;
use crate::content::ContentFault;
use crate::reply::{self, Reply};

/// A chunk of which octets are still to come.
#[derive(Clone, Debug)]
pub(super) struct Chunk {
    size_bytes: u64,
    remaining_bytes: u64,
    last: bool,
    /// What to say at its end instead of taking it.
    refusal: Option<Reply>,
    started: Instant,
}

impl ServerSession {
    pub(super) fn bdat_command(&mut self, command: BdatCommand) {
        if let Some(refusal) = self.bdat_refusal() {
            return self.refuse_chunk(command, refusal);
        }
        let Some(body_type) = self.transaction.as_ref().map(|transaction| transaction.envelope.body_type) else {
            return;
        };
        let fresh = self.new_transfer(body_type);
        let Some(transaction) = &mut self.transaction else { return };
        let transfer = transaction.transfer.get_or_insert(fresh);
        let room = self.config.limits.message_size_bytes.saturating_sub(transfer.check().size_bytes());
        let spoilt = command.size_bytes > room && transfer.spoil(ContentFault::TooLarge);
        if spoilt {
            self.notify(super::question::Question::MessageAborted);
        }
        self.begin_chunk(command, None);
    }

    fn bdat_refusal(&self) -> Option<Reply> {
        let extended = self.helo.as_ref().is_some_and(|helo| helo.extended);
        let Some(transaction) = self.transaction.as_ref().filter(|_| extended) else {
            return Some(reply::bad_sequence("Give the sender first"));
        };
        let without_recipients = transaction.envelope.recipients.is_empty();
        without_recipients.then(|| reply::no_valid_recipients(self.config.is_lmtp()))
    }

    /// Passes over the octets of a chunk, then refuses it.
    pub(super) fn refuse_chunk(&mut self, command: BdatCommand, refusal: Reply) {
        self.begin_chunk(command, Some(refusal));
    }

    fn begin_chunk(&mut self, command: BdatCommand, refusal: Option<Reply>) {
        let bound = self.config.limits.message_size_bytes.saturating_add(self.config.limits.discarded_bytes);
        if command.size_bytes > bound {
            self.send(&refusal.unwrap_or_else(reply::message_too_large));
            return self.close(CloseReason::ProtocolError);
        }
        let chunk = Chunk {
            size_bytes: command.size_bytes,
            remaining_bytes: command.size_bytes,
            last: command.last,
            refusal,
            started: self.now,
        };
        let deadline = self.chunk_deadline(&chunk);
        if deadline < self.now {
            return self.timed_out();
        }
        self.expect_by(State::ExpectChunk(chunk), deadline);
    }

    /// The rate counts over the whole message, so that many small chunks buy no time.
    fn chunk_deadline(&self, chunk: &Chunk) -> Instant {
        let limits = &self.config.limits;
        match self.transaction.as_ref().and_then(|transaction| transaction.transfer.as_ref()) {
            Some(transfer) if chunk.refusal.is_none() => transfer.deadline(limits, self.now),
            _ => {
                let received = chunk.size_bytes - chunk.remaining_bytes;
                transfer::deadline(limits, chunk.started, received, self.now)
            }
        }
    }

    /// Takes octets of the chunk out of the input; whether it is complete.
    pub(super) fn take_chunk(&mut self) -> bool {
        let State::ExpectChunk(chunk) = &mut self.state else { return false };
        let length = usize::try_from(chunk.remaining_bytes).unwrap_or(usize::MAX).min(self.input.len());
        chunk.remaining_bytes -= length as u64;
        let chunk = chunk.clone();
        let octets = self.input.split_to(length).freeze();
        if chunk.refusal.is_none()
            && let Some(transfer) = self.transaction.as_mut().and_then(|transaction| transaction.transfer.as_mut())
        {
            let taken = transfer.take_counted(octets);
            let discarded = transfer.discarded_bytes();
            self.pass_on(taken);
            if discarded > self.config.limits.discarded_bytes {
                self.refuse_and_close();
                return true;
            }
        }
        if chunk.remaining_bytes > 0 {
            let deadline = self.chunk_deadline(&chunk);
            self.expect_by(State::ExpectChunk(chunk), deadline);
            return false;
        }
        self.chunk_complete(chunk);
        true
    }

    fn chunk_complete(&mut self, chunk: Chunk) {
        if let Some(refusal) = chunk.refusal {
            return self.chunk_refused(chunk.last, &refusal);
        }
        let Some(transfer) = self.transaction.as_mut().and_then(|transaction| transaction.transfer.as_mut()) else {
            return self.expect_command();
        };
        if chunk.last {
            let taken = transfer.finish_counted();
            self.pass_on(taken);
            return self.finish_text();
        }
        match transfer.fault() {
            Some(fault) => self.finish_command(&reply::content(fault)),
            // An empty chunk that is not the last brings nothing nearer.
            None if chunk.size_bytes == 0 => self.finish_idle_command(&reply::chunk_received(0)),
            None => self.finish_command(&reply::chunk_received(chunk.size_bytes)),
        }
    }

    fn chunk_refused(&mut self, last: bool, refusal: &Reply) {
        let without_recipients =
            self.transaction.as_ref().is_some_and(|transaction| transaction.envelope.recipients.is_empty());
        if last {
            self.abort_transaction();
        }
        if last && without_recipients && self.config.is_lmtp() {
            // RFC 2033 §4.3: a reply for each recipient, and there is none.
            return self.expect_command();
        }
        self.finish_command(refusal);
    }
}
