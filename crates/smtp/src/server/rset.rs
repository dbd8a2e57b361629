//! RSET (RFC 5321 §4.1.1.5).

use super::session::ServerSession;
use crate::reply;

impl ServerSession {
    pub(super) fn rset_command(&mut self) {
        self.abort_transaction();
        self.finish_idle_command(&reply::ok());
    }
}
