//! The IMAP wire: grammar, responses and the server's session, for IMAP4rev1 (RFC 3501) and IMAP4rev2 (RFC 9051).
//!
//! [`ImapSession`] is a state machine without I/O that keeps the contract of [`posthouse_model::session`]. It is fed
//! what the client sends, asks the house [`Question`]s, is brought [`Answer`]s, and says what to write. It owns what
//! attackers aim at: command order, the limits of lines and literals, what is dropped at STARTTLS, the view of
//! sequence numbers. It never opens a socket, looks at a clock, draws a random number or reads a message.
//!
//! ```text
//! bytes → input (commands, literals) → session/verbs → session/<verb>, extensions/<extension> → Question
//! Answer → session/pending → session/<verb> → response → bytes
//! ```
//!
//! A command that changes something is answered with its own effect only. At its end the session asks
//! [`Question::Sync`] and tells the client what happened meanwhile, as far as the RFC allows it at that moment.
//!
//! An extension is a file of `extensions/` and a row in the tables of `session/verbs.rs` and `session/capability.rs`.

mod answer;
mod extensions;
mod grammar;
mod input;
mod limits;
pub mod mailbox_utf7;
mod question;
mod refusal;
mod response;
mod session;
mod view;

pub use answer::{
    AnnotationRow, Answer, BinarySize, Changes, Copied, FetchRow, FlagRow, MailboxRow, News, QuotaFigure, QuotaRow,
    Resync, SectionData, Selected, StatusRow, Touched,
};
pub use limits::{LITERAL_MINUS_BYTES, Limits};
pub use question::{
    AccountInterest, AnnotationDepth, Entry, FetchItems, FetchQuestion, MessageUrl, Partial, PreviewNeed, Question,
    QuotaResource, ResyncRequest, SearchNeed, SectionForm, SectionRequest, StatusItems,
};
pub use refusal::Refusal;
pub use session::{Config, ImapSession};
pub use view::SequenceView;
