//! Other servers' mailboxes by IMAP: a small client that reads mailboxes and appends messages.
//!
//! [`response`] makes responses of octets and knows no socket; [`connection`] is the conversation. Passwords go over TLS
//! whose certificate was verified, unless somebody said otherwise or the server is on this machine.

mod connection;
mod dates;
mod mailboxes;
mod response;
mod sign_in;
mod source;
mod target;

pub use connection::{ConnectError, ImapServer, Protection};
pub use response::{Decoder, Garbled, Response, Token};
pub use source::{Fetched, ImapSource};
pub use target::ImapTarget;
