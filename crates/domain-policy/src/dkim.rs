//! DKIM: signing what leaves and verifying what comes (RFC 6376, RFC 8301, and RFC 8463 for Ed25519).
//!
//! A [`DkimSigner`] is a key with the domain and the selector under which its public half stands in DNS. [`sign`] makes
//! the header fields that go in front of a message; the message itself stays as it is. Canonicalisation is relaxed for
//! both header and body, since relays fold fields anew and drop blanks at the ends of lines.
//!
//! [`DkimSignatures`] finds the signatures of a message and says what became of each. Both forms of canonicalisation are
//! understood; algorithms and keys that prove nothing any more are not.

mod canonical;
pub(crate) mod check;
mod key;
pub(crate) mod message;
pub(crate) mod public_key;
pub(crate) mod sign;
pub(crate) mod signature;
mod tags;
mod verify;

pub use canonical::{BodyDigest, BodyHash, Canonicalization, relaxed_field};
pub use key::{DkimAlgorithm, DkimKey, DkimKeyError, is_published};
pub use public_key::{KeyFault, KeyService};
pub use sign::{DkimSigner, MAX_SIGNED_FIELDS, sign};
pub use signature::SignatureFault;
pub use tags::{MAX_TAG_LIST_BYTES, MAX_TAGS, Tag, TagList, TagListError};
pub use verify::{DkimOutcome, DkimResult, DkimSignatures, MAX_VERIFIED_HEADER_BYTES, MAX_VERIFIED_SIGNATURES};
