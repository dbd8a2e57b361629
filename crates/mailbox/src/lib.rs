//! Mail at rest: open, fetch, search, flag, move, append, expunge, watch.
//!
//! [`Mailboxes`] is the room's door: every call takes a [`Permit`](posthouse_identity::Permit), which only
//! `identity` can make, and what is done with a mailbox, one's own or another's, takes a
//! [`MailboxPermit`](posthouse_identity::MailboxPermit) for it. An opened mailbox is shared by all sessions that have it open and follows the store's commits
//! one by one ([`Mailboxes`] observes the store), so that a change to one message never costs work in proportion to
//! the mailbox. What a session sees is taken from memory; the store is asked for bodies, and for what was worked out
//! about them at delivery.
//!
//! This crate knows no protocol: sequence numbers, response codes and literals are the sessions' business.

mod account_watch;
mod annotations;
mod append;
mod content;
mod conversation;
mod derived;
mod error;
mod fetch;
mod followed;
mod handle;
mod headers;
mod incoming;
mod mailboxes;
mod migration;
mod names;
mod own_seen;
mod places;
mod progress;
mod quotas;
mod records;
mod recovery;
mod retention;
mod rights;
mod search;
mod section;
mod sort;
mod thread;
mod warm;

#[cfg(test)]
mod tests;

pub use account_watch::{AccountNews, AccountWatch, Interest, MailboxNews};
pub use annotations::{AnnotationDepth, AnnotationRow};
pub use append::{AppendedUid, Prepared};
pub use content::{BinarySize, Content, ContentWanted, PreviewWanted, SectionContent, SectionForm, SectionWanted};
pub use error::MailboxError;
pub use fetch::{BatchBound, Rows};
pub use handle::{FlagOutcome, Mailbox, MailboxChanges, Snapshot};
pub use incoming::{ParsedDelivery, parse_message};
pub use mailboxes::Mailboxes;
pub use names::MailboxRow;
pub use progress::Progress;
pub use quotas::QuotaRow;
pub use recovery::{Recoverable, RecoverablePage, RecoveryFilter};
pub use retention::{MAX_RETENTION_ROUND, RetentionRound};
pub use search::{IndexWhen, Indexer, IndexerOptions};
pub use section::SectionReader;
