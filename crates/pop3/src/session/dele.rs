//! DELE (RFC 1939 §5).

use super::Session;
use crate::command::MessageNumber;
use crate::reply;

impl Session {
    /// Marks only; it is QUIT that removes.
    pub(super) fn dele(&mut self, message: MessageNumber) {
        if self.maildrop.as_mut().is_some_and(|maildrop| maildrop.mark_deleted(message)) {
            self.reply(reply::MARKED);
        } else {
            self.reply_no_such_message();
        }
    }
}
