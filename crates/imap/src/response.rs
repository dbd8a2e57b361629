//! Writing responses: the productions of RFC 9051 §9 that go to the client.
//!
//! Everything is appended to one `Vec<u8>`; nothing is formatted into texts on the way, because a FETCH writes a
//! million rows a second here.

pub(crate) mod context;
pub(crate) mod fetch;
pub(crate) mod flags;
pub(crate) mod list;
pub(crate) mod search;
pub(crate) mod status;
pub(crate) mod thread;
pub(crate) mod token;
