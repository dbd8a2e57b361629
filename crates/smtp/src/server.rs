//! The server's side: MX, submission and LMTP.
//!
//! [`ServerSession`] is the machine; each verb is a file that adds a method to it. What it asks and what it may be
//! told is in [`question`].
//!
//! What the driver has to know beside the contract of [`posthouse_model::session`]:
//!
//! - Replies stand before the question that follows them, because that is their order. A driver that can answer at once
//!   may hold them back and write the replies to a whole pipelined group together (RFC 2920 §3.2), as long as it writes
//!   them before it waits for the client.
//! - The text of a message comes as [`Step::Body`](posthouse_model::session::Step::Body) before
//!   [`Question::StoreMessage`]. If it cannot be kept, go on taking it, and say so in the answer.
//! - After [`Question::MessageAborted`] what has come of the text is worth nothing. It is told once for each message
//!   that was begun and will not be stored, also before a `Close`.
//! - Notices ([`Question::is_notice`]) await no answer.
//! - A session that asked no longer counts time against the client; how long an answer may take is for the driver.

mod auth;
mod bdat;
mod config;
mod data;
mod deliver_by;
mod dispatch;
mod ehlo;
mod future_release;
mod line;
mod mail;
pub mod question;
mod rcpt;
mod rset;
mod sending;
mod session;
mod starttls;
mod store;
mod transaction;
mod transfer;
mod xclient;

pub use config::{AuthenticationPolicy, BareLineEndings, DEFAULT_MAX_HOLD, Role, ServerConfig};
pub use question::{
    Answer, AuthenticationStart, AuthorizationAnswer, AuthorizationRefusal, Identity, MessageRefusal, Question,
    RecipientOutcome, RecipientRefusal, RecipientVerdict, SenderRefusal, SenderVerdict, StoreMessage, StoreOutcome,
};
pub use sending::{QuotaOwner, QuotaPeriod, QuotaUnit, SendingRefusal};
pub use session::ServerSession;

#[cfg(test)]
mod tests;
