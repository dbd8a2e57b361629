//! What is moved.

use bytes::Bytes;
use posthouse_model::{Flags, MailboxName, SpecialUse, UnixMillis};

use crate::Key;

/// A folder of a source, or a name to which somebody is subscribed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// Its name here.
    pub name: MailboxName,
    /// What the source calls it, for people.
    pub place: String,
    /// By what the source finds it again.
    pub number: usize,
    /// What it is for.
    pub special_use: Option<SpecialUse>,
    /// Whether its name is subscribed.
    pub is_subscribed: bool,
    /// Whether there can be messages in it. If not, only the subscription is moved.
    pub has_messages: bool,
}

/// A message of a folder that a source lists, without its octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its name.
    pub key: Key,
    /// By what the source finds it again in the folder that is open.
    pub number: u64,
    /// About how many octets it has.
    pub size_bytes: u64,
}

/// A message on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its name.
    pub key: Key,
    /// What the source calls it, for people.
    pub place: String,
    /// Its octets, every line ending with CRLF.
    pub octets: Bytes,
    /// Its flags.
    pub flags: Flags,
    /// When it came in.
    pub internal_date: UnixMillis,
}

/// Something that could not be moved, or not as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What: a folder, or a message in it, as the source or target calls it.
    pub place: String,
    /// Why.
    pub why: String,
}

impl Problem {
    /// Says what and why.
    pub fn new(place: impl Into<String>, why: &(impl ToString + ?Sized)) -> Self {
        Self { place: place.into(), why: why.to_string() }
    }
}
