//! UIDONLY (RFC 9586): a client that never hears of message numbers, and may not say any.
//!
//! Commands that name messages by number are refused where they are looked up (`session/verbs`), sets of numbers where
//! they are resolved; what would tell a number tells a UID instead.

use posthouse_model::Uid;

use crate::extensions::enable::Enabled;
use crate::response::fetch::RowName;

impl Enabled {
    /// How a message is named to this client that stands at `sequence`.
    pub(crate) fn row_name(self, sequence: u32, uid: Uid) -> RowName {
        if self.uid_only { RowName::Uid(uid) } else { RowName::Number(sequence) }
    }
}
