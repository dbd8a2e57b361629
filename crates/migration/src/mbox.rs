//! mbox: a file for each folder, in which messages follow each other, each after a line that begins with `From `.
//!
//! What is written is mboxrd: a line of a message that would look like such a line has a `>` before it. Flags stand in
//! `Status`, `X-Status` and `X-Keywords` fields, as Dovecot, mutt and Alpine have them; those of Thunderbird are read,
//! too. Such fields are no part of the message: they are taken out when it is read.

mod fields;
mod from_line;
mod index;
mod source;
mod target;

pub use index::Form;
pub use source::MboxSource;
pub use target::MboxTarget;
