//! What to look for in a mailbox, free of any protocol: IMAP's SEARCH and JMAP's filters both become this.

use crate::flag::{Keyword, SystemFlag};
use crate::id::{MessageId, ModSeq, ThreadId};
use crate::time::UnixDay;
use crate::uid_set::UidSet;

/// Deepest nesting of a query.
pub const MAX_QUERY_DEPTH: usize = 50;
/// Most keys in a query, at all levels together.
pub const MAX_QUERY_KEYS: usize = 1000;

/// A condition that a message meets or does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// Every message.
    All,
    /// All of these.
    And(Vec<Query>),
    /// Any of these.
    Or(Vec<Query>),
    /// Not this.
    Not(Box<Query>),
    /// One of these UIDs (sequence numbers have been translated by the session that knows them).
    Uids(UidSet),
    /// The system flag is set.
    Flag(SystemFlag),
    /// The keyword is set.
    Keyword(Keyword),
    /// More octets than this.
    Larger(u64),
    /// Fewer octets than this.
    Smaller(u64),
    /// Arrived on a day before this one, by the server's zone.
    ReceivedBefore(UnixDay),
    /// Arrived on this day.
    ReceivedOn(UnixDay),
    /// Arrived on this day or later.
    ReceivedSince(UnixDay),
    /// Arrived at most this many seconds ago (`YOUNGER`, RFC 5032 §2).
    Younger(u32),
    /// Arrived at least this many seconds ago (`OLDER`, RFC 5032).
    Older(u32),
    /// `Date` field before this day, disregarding time and zone.
    SentBefore(UnixDay),
    /// `Date` field on this day.
    SentOn(UnixDay),
    /// `Date` field on this day or later.
    SentSince(UnixDay),
    /// Any field of this name (lower case) whose decoded value contains the text; an empty text asks only
    /// whether the field is there.
    Header(String, String),
    /// The decoded text of the body contains this.
    Body(String),
    /// The decoded header or body contains this.
    Text(String),
    /// Changed at or after this modification sequence (RFC 7162 §3.1.5).
    ModSeq(ModSeq),
    /// Has this EMAILID (RFC 8474 §6).
    EmailId(MessageId),
    /// Has this THREADID (RFC 8474 §6).
    ThreadId(ThreadId),
    /// Came into this mailbox on a day before this one (RFC 8514 §4.3).
    SavedBefore(UnixDay),
    /// Came into this mailbox on this day.
    SavedOn(UnixDay),
    /// Came into this mailbox on this day or later.
    SavedSince(UnixDay),
}
