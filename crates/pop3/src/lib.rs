//! The POP3 wire: grammar, replies and the server's session (RFC 1939, RFC 2449, RFC 2595, RFC 5034, RFC 6856).
//!
//! [`Session`] is a state machine: bytes, time and answers go in; bytes, questions and wishes come out (see
//! [`posthouse_model::session`]). It owns the order of commands, the limits of lines and errors, what happens at STLS,
//! the numbering of the maildrop with its marks of deletion, and how a message looks on the wire.
//!
//! It never does I/O and knows no clock, randomness, account or store: those are behind the [`Question`]s. It never
//! holds more of a message than the piece that it was just given. A connection that ends without QUIT deletes nothing,
//! because only QUIT asks [`Question::Commit`].

mod command;
mod config;
mod input;
mod limits;
mod maildrop;
mod outbox;
mod question;
mod reply;
mod session;
mod stuffing;
mod top;

pub use command::{Command, CommandError, MessageNumber};
pub use config::Config;
pub use limits::Limits;
pub use maildrop::Entry;
pub use question::{Answer, LoginRefusal, MaildropRefusal, OpenedMaildrop, Part, Question};
pub use session::Session;
