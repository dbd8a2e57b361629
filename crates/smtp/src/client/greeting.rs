//! The server's greeting (RFC 5321 §3.1).

use super::reply::PeerReply;
use super::session::ClientSession;

impl ClientSession {
    pub(super) fn greeted(&mut self, reply: PeerReply) {
        match reply.code {
            220 => self.say_ehlo(),
            _ if reply.is_temporary() || reply.is_permanent() => self.refused(reply),
            _ => self.unexpected(reply),
        }
    }
}
