//! RSET (RFC 1939 §5).

use super::Session;

impl Session {
    pub(super) fn rset(&mut self) {
        if !self.count_idle_command() {
            return;
        }
        if let Some(maildrop) = &mut self.maildrop {
            maildrop.unmark_all();
        }
        self.reply_totals();
    }
}
