//! BDAT (RFC 3030).

use bytes::Bytes;

use super::outcome::Stage;
use super::reply::PeerReply;
use super::session::{ClientSession, State};
use super::transaction::outcome_of;
use crate::extension::Extension;

/// Chunks that are on the way at once, where the server takes groups.
const MAX_CHUNKS_AWAITED: usize = 8;

impl ClientSession {
    pub(super) fn begin_chunks(&mut self) {
        self.needs_body = true;
        self.expect(State::Chunks, self.config.timeouts.data_block);
    }

    /// Holds the chunk back until it is known whether it is the last, and sends the one before it.
    pub(super) fn supply_chunk(&mut self, piece: Bytes) {
        let Some(transaction) = &mut self.transaction else { return };
        if transaction.refused_chunk.is_some() {
            return;
        }
        if piece.is_empty() {
            self.needs_body = true;
            return;
        }
        if let Some(before) = transaction.held.replace(piece) {
            transaction.chunks_awaited += 1;
            self.send_line(&format!("BDAT {}", before.len()));
            self.send_bytes(before);
        }
        self.expect(State::Chunks, self.config.timeouts.data_block);
        self.want_chunk();
    }

    fn want_chunk(&mut self) {
        let window = if self.extensions.offers(Extension::Pipelining) { MAX_CHUNKS_AWAITED } else { 1 };
        let room = self.transaction.as_ref().is_some_and(|transaction| transaction.chunks_awaited < window);
        self.needs_body = room;
    }

    pub(super) fn finish_chunks(&mut self, rest: Bytes) {
        let Some(transaction) = &mut self.transaction else { return };
        if transaction.refused_chunk.is_some() {
            return;
        }
        let held = transaction.held.take().unwrap_or_default();
        transaction.end_sent = true;
        self.send_line(&format!("BDAT {} LAST", held.len() + rest.len()));
        self.send_bytes(held);
        self.send_bytes(rest);
        self.expect(State::ExpectFinal, self.config.timeouts.data_termination);
    }

    /// The reply to a chunk that was not the last.
    pub(super) fn chunk_answered(&mut self, reply: PeerReply) {
        let Some(transaction) = &mut self.transaction else { return self.unexpected(reply) };
        if transaction.chunks_awaited == 0 || reply.code / 100 == 3 {
            return self.interrupted(reply);
        }
        transaction.chunks_awaited -= 1;
        if !reply.is_positive() {
            transaction.refused_chunk.get_or_insert(reply);
        }
        match &transaction.refused_chunk {
            None => {
                self.expect(State::Chunks, self.config.timeouts.data_block);
                self.want_chunk();
            }
            // No further chunks; the answers to those on the way are awaited first.
            Some(_) if transaction.chunks_awaited > 0 => self.needs_body = false,
            Some(refusal) => {
                let outcome = outcome_of(Stage::Body, refusal);
                transaction.decide_rest(&outcome);
                self.finish_transaction(true);
            }
        }
    }
}
