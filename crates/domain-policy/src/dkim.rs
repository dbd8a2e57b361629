//! DKIM: signing what leaves (RFC 6376, and RFC 8463 for Ed25519).
//!
//! A [`DkimSigner`] is a key with the domain and the selector under which its public half stands in DNS. [`sign`] makes
//! the header fields that go in front of a message; the message itself stays as it is. Canonicalisation is relaxed for
//! both header and body, since relays fold fields anew and drop blanks at the ends of lines.

mod canonical;
mod key;
mod sign;

pub use canonical::{BodyHash, relaxed_field};
pub use key::{DkimAlgorithm, DkimKey, DkimKeyError, is_published};
pub use sign::{DkimSigner, MAX_SIGNED_FIELDS, sign};
