//! UIDL (RFC 1939 §7): UIDVALIDITY and UID, which together never come back.

use super::Session;
use super::list::Column;
use crate::command::MessageNumber;

impl Session {
    pub(super) fn uidl(&mut self, message: Option<MessageNumber>) {
        self.begin_listing(Column::UniqueId, message);
    }
}
