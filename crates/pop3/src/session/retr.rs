//! RETR (RFC 1939 §5), and how a message goes out piece by piece.

use std::fmt::Write as _;

use bytes::Bytes;
use posthouse_model::session::CloseReason;

use super::{Session, State};
use crate::command::MessageNumber;
use crate::maildrop::Entry;
use crate::question::{Answer, Part, Question};
use crate::reply;
use crate::stuffing::DotStuffer;
use crate::top::TopCutter;

/// A message on its way.
#[derive(Debug)]
pub(super) struct Transfer {
    size_bytes: u64,
    /// Finds the end of what TOP wants; RETR wants all.
    cutter: Option<TopCutter>,
    stuffer: DotStuffer,
    /// Whether the client was told that the message follows.
    announced: bool,
}

impl Session {
    pub(super) fn retr(&mut self, message: MessageNumber) {
        self.begin_transfer(message, Part::Whole);
    }

    pub(super) fn begin_transfer(&mut self, message: MessageNumber, part: Part) {
        let Some(Entry { uid, size_bytes }) = self.maildrop.as_ref().and_then(|maildrop| maildrop.message(message))
        else {
            return self.reply_no_such_message();
        };
        let cutter = match part {
            Part::Whole => None,
            Part::Top(lines) => Some(TopCutter::new(lines)),
        };
        let transfer = Transfer { size_bytes, cutter, stuffer: DotStuffer::new(), announced: false };
        self.ask(Question::Retrieve { uid, part, utf8: self.utf8 }, State::AwaitMessage(transfer));
    }

    /// Takes an answer to [`Question::Retrieve`].
    pub(super) fn transfer(&mut self, answer: Answer) {
        match answer {
            Answer::Data(piece) => {
                if self.send_piece(piece) {
                    self.end_transfer();
                }
            }
            Answer::Message(message) => {
                self.send_piece(message);
                self.end_transfer();
            }
            Answer::DataEnd => {
                self.send_piece(Bytes::new());
                self.end_transfer();
            }
            Answer::Gone => self.break_off(reply::GONE),
            Answer::NeedsUtf8 => self.break_off(reply::NEEDS_UTF8),
            _ => self.break_off(reply::UNAVAILABLE),
        }
    }

    /// Sends a piece, and before the first that it follows; says whether nothing more is wanted.
    fn send_piece(&mut self, piece: Bytes) -> bool {
        let State::AwaitMessage(transfer) = &mut self.state else {
            return true;
        };
        if !transfer.announced {
            transfer.announced = true;
            let _ = match transfer.cutter {
                None => write!(self.outbox, "+OK {} octets\r\n", transfer.size_bytes),
                Some(_) => write!(self.outbox, "{}\r\n", reply::TOP),
            };
        }
        let piece = match &mut transfer.cutter {
            None => piece,
            Some(cutter) => cutter.cut(piece),
        };
        transfer.stuffer.push(&piece, &mut self.outbox);
        transfer.cutter.as_ref().is_some_and(TopCutter::is_complete)
    }

    fn end_transfer(&mut self) {
        if let State::AwaitMessage(transfer) = std::mem::replace(&mut self.state, State::ExpectCommand) {
            transfer.stuffer.finish(&mut self.outbox);
        }
        self.open_question = None;
        self.tally.idle_commands = 0;
    }

    /// The message does not come. Once it has begun there is no way to say so but to end the connection where the
    /// client cannot take what it has for a whole message.
    fn break_off(&mut self, refusal: &str) {
        match &self.state {
            State::AwaitMessage(transfer) if transfer.announced => self.close(CloseReason::Shutdown),
            _ => {
                self.state = State::ExpectCommand;
                self.open_question = None;
                self.reply(refusal);
            }
        }
    }
}
