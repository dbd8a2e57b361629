//! A mail transaction: from MAIL to the end of the message.

use posthouse_model::{BodyType, Envelope};

use super::config::BareLineEndings;
use super::question::Question;
use super::session::ServerSession;
use super::transfer::Transfer;

/// What MAIL has begun.
#[derive(Debug)]
pub(super) struct Transaction {
    pub(super) envelope: Envelope,
    /// The text, once DATA or the first BDAT has come.
    pub(super) transfer: Option<Transfer>,
}

impl Transaction {
    pub(super) fn new(envelope: Envelope) -> Self {
        Self { envelope, transfer: None }
    }
}

impl ServerSession {
    /// Ends the transaction without a message (RFC 5321 §4.1.1.5), and tells the driver if it has text to throw away.
    pub(super) fn abort_transaction(&mut self) {
        let Some(transaction) = self.transaction.take() else { return };
        if transaction.transfer.is_some_and(|transfer| transfer.is_open()) {
            self.notify(Question::MessageAborted);
        }
    }

    /// A transfer for the text of the current transaction.
    pub(super) fn new_transfer(&self, body_type: BodyType) -> Transfer {
        let normalise = self.config.bare_line_endings == BareLineEndings::Normalise;
        Transfer::new(&self.config.limits, body_type == BodyType::BinaryMime, normalise, self.now)
    }
}
