//! UTF8 (RFC 6856 §2.1).

use super::Session;
use crate::reply;

impl Session {
    pub(super) fn utf8(&mut self) {
        self.utf8 = true;
        self.reply(reply::UTF8);
    }
}
