//! STAT (RFC 1939 §5).

use std::fmt::Write as _;

use super::Session;

impl Session {
    /// The drop listing, and nothing behind it.
    pub(super) fn stat(&mut self) {
        if !self.count_idle_command() {
            return;
        }
        if let Some(maildrop) = &self.maildrop {
            let (messages, octets) = (maildrop.remaining_messages(), maildrop.remaining_bytes());
            let _ = write!(self.outbox, "+OK {messages} {octets}\r\n");
        }
    }

    /// The same for people, after the login and RSET.
    pub(super) fn reply_totals(&mut self) {
        if let Some(maildrop) = &self.maildrop {
            let (messages, octets) = (maildrop.remaining_messages(), maildrop.remaining_bytes());
            let _ = write!(self.outbox, "+OK the maildrop has {messages} messages ({octets} octets)\r\n");
        }
    }
}
