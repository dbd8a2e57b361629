//! NOOP (RFC 1939 §5).

use super::Session;
use crate::reply;

impl Session {
    pub(super) fn noop(&mut self) {
        if self.count_idle_command() {
            self.reply(reply::OK);
        }
    }
}
