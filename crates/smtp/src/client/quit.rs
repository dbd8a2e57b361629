//! RSET and QUIT (RFC 5321 §4.1.1.5, §4.1.1.10).

use super::reply::PeerReply;
use super::session::{ClientSession, State};

impl ClientSession {
    pub(super) fn say_rset(&mut self) {
        self.send_line("RSET");
        self.expect(State::ExpectReset, self.config.timeouts.command);
    }

    pub(super) fn reset_answered(&mut self, reply: PeerReply) {
        if reply.is_positive() { self.become_ready() } else { self.unexpected(reply) }
    }

    pub(super) fn say_quit(&mut self) {
        self.send_line("QUIT");
        self.expect(State::ExpectQuit, self.config.timeouts.quit);
    }
}
