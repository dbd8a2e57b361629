//! The Message-ID of a message of which nothing else is of interest.

use posthouse_mime::Structure;
use posthouse_mime::message_id::parse_message_id;

/// Octets of a message that are looked at.
const MAX_OCTETS: usize = 64 * 1024;

/// The Message-ID in the header of a message, as far as that is not too long.
pub(crate) fn message_id_of(message: &[u8]) -> Option<String> {
    let beginning = &message[..message.len().min(MAX_OCTETS)];
    parse_message_id(Structure::parse(beginning).root().field_value(beginning, "message-id")?)
}
