//! TOP (RFC 1939 §7).

use super::Session;
use crate::command::MessageNumber;
use crate::question::Part;

impl Session {
    pub(super) fn top(&mut self, message: MessageNumber, lines: u64) {
        self.begin_transfer(message, Part::Top(lines));
    }
}
