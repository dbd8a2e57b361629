//! Maildir: a directory for each folder, a file for each message, flags in its name.
//!
//! There are two ways to have folders below folders: in a Maildir++ all lie side by side (`.Work.2024`), in the other
//! layout each lies in the one above it (`Work/2024`). Both have the messages of INBOX at the top. What is written is
//! what Dovecot reads, keywords and subscriptions included.

mod file_name;
mod keywords;
mod layout;
mod source;
pub(crate) mod subscriptions;
mod target;

pub use layout::{Layout, LayoutChoice};
pub use source::MaildirSource;
pub use target::MaildirTarget;
