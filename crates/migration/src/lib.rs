//! Mail from elsewhere and to elsewhere: Maildir, mbox, and other servers' IMAP.
//!
//! A [`Source`] has folders with messages in them, a [`Target`] takes them, and [`transfer`] moves what the target does
//! not have yet. Import and export are the same thing in two directions: the house is the target of one and the source
//! of the other, and what stands here knows it by these two traits only.
//!
//! ```text
//! maildir::MaildirSource ─┐                                    ┌─ maildir::MaildirTarget
//! mbox::MboxSource ───────┼─→ transfer: list, ask, read, store ┼─ mbox::MboxTarget
//! imap::ImapSource ───────┤                                    ├─ imap::ImapTarget
//! the house ──────────────┘                                    └─ the house
//! ```
//!
//! Every message has a [`Key`], which stays the same from run to run; the target remembers those of what it took. So a
//! run that was cut short goes on where it was, and a later one brings what has come since.
//!
//! What is read here was written by others and may mean harm: sizes and numbers have [`limits`], links are not
//! followed, names become names of mailboxes whatever they are, and what cannot be read is told and passed over. This
//! crate decides nothing about accounts and rights, and prints nothing.

mod dates;
mod directory;
pub mod imap;
mod key;
pub mod limits;
mod line_ends;
mod mailbox_choice;
pub mod maildir;
pub mod mbox;
mod message;
mod names;
mod source;
mod target;
mod transfer;

#[cfg(test)]
mod tests;

pub use key::Key;
pub use mailbox_choice::MailboxChoice;
pub use message::{Folder, Item, Message, Problem};
pub use source::{Folders, Source, SourceError};
pub use target::{Stored, Target, TargetError};
pub use transfer::{Mode, Progress, Summary, Watch, transfer};
