//! The trail: what happened to a message, in order, from connection to final answer.

use crate::address::Address;
use crate::id::JourneyId;
use crate::time::UnixMillis;

/// Longest text of one fact, in bytes; longer ones are cut.
pub const MAX_FACT_BYTES: usize = 1024;
/// The name of the fact that is a message's Message-ID, without angle brackets.
pub const MESSAGE_ID_FACT: &str = "message-id";
/// Longest Message-ID by which a journey can be looked up, in bytes.
pub const MAX_MESSAGE_ID_KEY_BYTES: usize = 256;

/// What kind of thing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TrailKind {
    /// The message came in and was accepted.
    Received,
    /// A recipient, or the message, was refused at the door.
    Refused,
    /// Put into a mailbox.
    Delivered,
    /// Not put into a mailbox that has it already.
    Suppressed,
    /// Put into the queue.
    Queued,
    /// An attempt to hand it on failed for now.
    Deferred,
    /// The next hop took it.
    Relayed,
    /// Given up.
    Failed,
    /// The sender was told by a report.
    Reported,
    /// Something an administrator did.
    Administered,
}

impl TrailKind {
    /// All kinds, in the order of their codes.
    pub const EACH: [Self; 10] = [
        Self::Received,
        Self::Refused,
        Self::Delivered,
        Self::Suppressed,
        Self::Queued,
        Self::Deferred,
        Self::Relayed,
        Self::Failed,
        Self::Reported,
        Self::Administered,
    ];

    /// The word under which it is stored and printed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Refused => "refused",
            Self::Delivered => "delivered",
            Self::Suppressed => "suppressed",
            Self::Queued => "queued",
            Self::Deferred => "deferred",
            Self::Relayed => "relayed",
            Self::Failed => "failed",
            Self::Reported => "reported",
            Self::Administered => "administered",
        }
    }

    /// Reads [`Self::name`].
    pub fn from_name(name: &str) -> Option<Self> {
        Self::EACH.into_iter().find(|kind| kind.name() == name)
    }
}

/// One event of a journey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrailEvent {
    /// Whose journey.
    pub journey: JourneyId,
    /// When.
    pub at: UnixMillis,
    /// What.
    pub kind: TrailKind,
    /// The addresses it concerns; the trail can be looked up by them.
    pub addresses: Vec<Address>,
    /// Named facts in the order in which they are to be read, such as `("tls", "TLS1.3 …")`.
    pub facts: Vec<(String, String)>,
    /// When what happened had begun, where that is known. Only those hear of it who follow the trail: it is not kept.
    pub began_at: Option<UnixMillis>,
}

impl TrailEvent {
    /// An event without facts yet.
    pub fn new(journey: JourneyId, at: UnixMillis, kind: TrailKind) -> Self {
        Self { journey, at, kind, addresses: Vec::new(), facts: Vec::new(), began_at: None }
    }

    /// By what the trail can be looked up: addresses, folded, and Message-IDs ([`message_id_key`]).
    pub fn keys(&self) -> impl Iterator<Item = String> + '_ {
        let ids = self.facts.iter().filter(|(name, _)| name == MESSAGE_ID_FACT);
        self.addresses.iter().map(Address::folded).chain(ids.filter_map(|(_, id)| message_id_key(id)))
    }

    /// Says when it had begun.
    #[must_use]
    pub fn since(self, began_at: Option<UnixMillis>) -> Self {
        Self { began_at, ..self }
    }

    /// Adds an address it concerns.
    #[must_use]
    pub fn about(mut self, address: &Address) -> Self {
        self.addresses.push(address.clone());
        self
    }

    /// Adds a fact; its value is cut at [`MAX_FACT_BYTES`].
    #[must_use]
    pub fn fact(mut self, name: &str, value: impl Into<String>) -> Self {
        let mut value = value.into();
        if value.len() > MAX_FACT_BYTES {
            let end = (0..=MAX_FACT_BYTES).rev().find(|&at| value.is_char_boundary(at)).unwrap_or(0);
            value.truncate(end);
        }
        self.facts.push((name.to_owned(), value));
        self
    }
}

/// The key under which the trail has a Message-ID, given with or without its angle brackets; `None` for one that is too
/// long. No folded address begins so.
pub fn message_id_key(id: &str) -> Option<String> {
    let id = id.trim_matches(['<', '>']);
    (!id.is_empty() && id.len() <= MAX_MESSAGE_ID_KEY_BYTES).then(|| format!("<{id}>"))
}
