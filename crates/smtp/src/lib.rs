//! The SMTP and LMTP wire: grammar, replies, extensions, and the sessions of both sides.
//!
//! A session is a value without I/O (see [`posthouse_model::session`]). [`ServerSession`] is fed what a client sends and
//! answers it, asking its driver what only the house knows ([`Question`]); [`ClientSession`] delivers messages to
//! another server and tells what became of each recipient. The bytes of a message pass through in slices of the
//! buffer in which they came.
//!
//! All that this crate decides is about the wire: the order of commands, the length of lines, what a line end is, when
//! a message ends, which reply and enhanced code says a cause. It never opens a socket, never looks at a clock, makes
//! no random bytes, and does not know which addresses exist or who may send: those are answers.

pub mod client;
pub mod command;
pub mod extension;
pub mod limits;
pub mod protocol;
pub mod reply;
pub mod server;
pub mod xtext;

mod content;

pub use client::{ClientConfig, ClientSession, ClientStep};
pub use extension::{Extension, PeerExtensions};
pub use limits::{ClientTimeouts, Limits};
pub use protocol::WithProtocol;
pub use reply::{EnhancedCode, Reply};
pub use server::{Answer, Question, Role, ServerConfig, ServerSession};
