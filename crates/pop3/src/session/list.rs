//! LIST (RFC 1939 §5), and how a listing goes out piece by piece.

use std::fmt::Write as _;

use super::{BATCH_BYTES, Session, State};
use crate::command::MessageNumber;
use crate::maildrop::{Entry, Maildrop};
use crate::outbox::Outbox;
use crate::reply;

/// A listing on its way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listing {
    pub(super) column: Column,
    /// The index of the first message that is still to be listed.
    next: usize,
}

/// What a listing says of each message.
#[derive(Clone, Copy, Debug)]
pub(super) enum Column {
    /// LIST: its size in octets.
    Size,
    /// UIDL: its unique-id.
    UniqueId,
}

impl Column {
    fn write(self, outbox: &mut Outbox, maildrop: &Maildrop, number: impl std::fmt::Display, entry: Entry) {
        let _ = match self {
            Self::Size => write!(outbox, "{number} {}\r\n", entry.size_bytes),
            Self::UniqueId => write!(outbox, "{number} {}.{}\r\n", maildrop.uid_validity(), entry.uid),
        };
    }
}

impl Session {
    pub(super) fn list(&mut self, message: Option<MessageNumber>) {
        self.begin_listing(Column::Size, message);
    }

    /// Lists one message or begins to list all.
    pub(super) fn begin_listing(&mut self, column: Column, message: Option<MessageNumber>) {
        let Some(number) = message else {
            if self.count_idle_command() {
                self.reply(reply::LISTING);
                self.state = State::Listing(Listing { column, next: 0 });
            }
            return;
        };
        match self.maildrop.as_ref().and_then(|maildrop| Some((maildrop, maildrop.message(number)?))) {
            Some((maildrop, entry)) => {
                self.outbox.push_slice(b"+OK ");
                column.write(&mut self.outbox, maildrop, number.0, entry);
            }
            None => self.reply_no_such_message(),
        }
    }

    /// Lists until the batch is full or the maildrop ends.
    pub(super) fn continue_listing(&mut self) {
        let (State::Listing(listing), Some(maildrop)) = (&mut self.state, &self.maildrop) else {
            return;
        };
        while self.outbox.len() < BATCH_BYTES {
            let Some((index, entry)) = maildrop.at_or_after(listing.next) else {
                self.state = State::ExpectCommand;
                return self.reply(reply::END);
            };
            listing.next = index + 1;
            listing.column.write(&mut self.outbox, maildrop, index + 1, entry);
        }
    }
}
