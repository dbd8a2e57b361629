//! In which order messages are wanted, and how they are grouped into conversations (RFC 5256), free of any protocol.

use crate::id::Uid;

/// Most criteria of one sort. There are nine keys, and a key that comes again decides nothing.
pub const MAX_SORT_CRITERIA: usize = 64;

/// What messages are sorted by (RFC 5256 §3; the last two are those of RFC 5957 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SortKey {
    /// When the message arrived, with its time.
    Arrival,
    /// The left side of the first Cc address.
    Cc,
    /// When the message was sent, by UTC; when it arrived, if that is not known (RFC 5256 §2.2).
    Date,
    /// The left side of the first From address.
    From,
    /// Octets of the message.
    Size,
    /// The subject without marks of replying and forwarding.
    Subject,
    /// The left side of the first To address.
    To,
    /// How the first From address is shown: its name, or the address.
    DisplayFrom,
    /// How the first To address is shown.
    DisplayTo,
}

/// A key, in one direction or the other. Messages that are equal by all criteria stand in the order of the mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SortCriterion {
    /// By what.
    pub key: SortKey,
    /// Largest first.
    pub reverse: bool,
}

/// How messages are grouped into conversations (RFC 5256 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThreadAlgorithm {
    /// By base subject and date: the first message is the parent of all others.
    OrderedSubject,
    /// By the References and In-Reply-To fields, and then by base subject.
    References,
}

/// A message among conversations. Conversations are lists of these, each parent before its children and each child
/// before its next sibling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadNode {
    /// Which message; `None` for one that is missing and only holds its children together.
    pub uid: Option<Uid>,
    /// How many children follow, not counting theirs.
    pub children: u32,
}
