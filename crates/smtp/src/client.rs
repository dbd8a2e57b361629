//! The client's side: delivery to other servers, smart hosts, and LMTP.
//!
//! ```text
//! new → Ready → begin(message) → NeedBody → supply_body… finish_body → Outcome → Ready → … → quit → Close
//! ```
//!
//! The driver does what [`ClientSession::next`] says until it gives `None`, then reads, or waits. Whatever happens, a
//! message that was begun has exactly one [`TransactionOutcome`] with one entry for each recipient, and the last step
//! of a session is [`ClientStep::Close`].

mod auth;
mod bdat;
mod config;
mod data;
mod ehlo;
mod envelope;
mod greeting;
mod outcome;
mod quit;
mod reply;
mod session;
mod starttls;
mod transaction;

pub use config::{ClientAuthentication, ClientConfig, ClientProtocol, ClientTlsMode};
pub use outcome::{Cause, ClientFailure, DeliveryOutcome, Stage, TransactionOutcome};
pub use reply::{PeerReply, ReplyError};
pub use session::{ClientSession, ClientStep, NotReady};
pub use transaction::OutgoingMessage;

#[cfg(test)]
mod tests;
