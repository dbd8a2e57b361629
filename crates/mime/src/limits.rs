//! Every bound of this crate. Beyond a bound the remaining bytes stay in the message, but opaque: nothing is lost,
//! and nothing grows faster than the message.

/// Parts of one message, the root included. What follows in the multipart counts as its epilogue.
pub const MAX_PARTS: usize = 1_000;

/// Multiparts and embedded messages that may be open at once. A deeper one is a leaf of type
/// `application/octet-stream`.
pub const MAX_DEPTH: usize = 50;

/// Header fields listed for one header block. The rest of the block is one nameless field.
pub const MAX_HEADER_FIELDS: usize = 1_000;

/// Header fields listed for all blocks of a message together.
pub const MAX_HEADER_FIELDS_IN_MESSAGE: usize = 10_000;

/// Octets of one header block that are looked at. The rest of the block is one nameless field.
pub const MAX_HEADER_BYTES: usize = 1 << 20;

/// Octets of a field name. A longer name is no name. RFC 5322 §2.1.1 ends a line at 998.
pub const MAX_FIELD_NAME_BYTES: usize = 255;

/// Octets of one field value that are interpreted as a structured or textual value.
pub const MAX_FIELD_VALUE_BYTES: usize = 256 * 1024;

/// Octets kept of a short field of a part: Content-ID, Content-Description, Content-Location, Content-MD5.
pub const MAX_PART_FIELD_BYTES: usize = 4_096;

/// Parameters of one Content-Type or Content-Disposition field, before continuations are joined.
pub const MAX_PARAMETERS: usize = 64;

/// Octets of one parameter value, after continuations are joined.
pub const MAX_PARAMETER_VALUE_BYTES: usize = 4_096;

/// Octets of a boundary. RFC 2046 §5.1.1 allows 70; RFC 5322 §2.1.1 lets no line be longer than 998.
pub const MAX_BOUNDARY_BYTES: usize = 996;

/// Languages of one Content-Language field.
pub const MAX_LANGUAGES: usize = 16;

/// Octets of a media type, a subtype, an encoding, a disposition or a parameter name.
pub const MAX_TOKEN_BYTES: usize = 128;

/// Mailboxes and groups of one address field.
pub const MAX_ADDRESSES: usize = 5_000;

/// Mailboxes and groups in all envelopes that one rendered text holds. Later ones are left out: a few octets of a
/// hostile header make many of a response.
pub const MAX_RENDERED_ADDRESSES: usize = 20_000;

/// Nested comments (RFC 5322 §3.2.2). A deeper one ends the field.
pub const MAX_COMMENT_DEPTH: usize = 32;

/// Message identifiers of one References or In-Reply-To field; the newest are kept.
pub const MAX_MESSAGE_IDS: usize = 200;

/// Octets of one message identifier.
pub const MAX_MESSAGE_ID_BYTES: usize = 998;

/// Characters of a preview. RFC 8970 §3.3 asks for at most 200.
pub const MAX_PREVIEW_CHARS: usize = 200;

/// Octets of a text part, still encoded, that are read to make a preview.
pub const MAX_PREVIEW_SOURCE_BYTES: usize = 16 * 1024;
