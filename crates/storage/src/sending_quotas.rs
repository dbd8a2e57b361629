//! How much those who hand in mail may send, and how much they have sent.
//!
//! What somebody hands in counts in three places: for the account, for its domain, and for the server; and in a fourth if
//! they signed in with a key: for that. Each may have limits by hour, day and month of the calendar (UTC), in messages and in recipients; besides, there are bounds for
//! each single message. A limit holds until it is cleared, or as an exception until a moment; while an exception lasts it
//! goes before the limit that stands.
//!
//! Counting is part of the transaction that takes the message: no two messages pass together what each alone may reach,
//! and what is not taken is not counted.

mod counts;
mod period;
mod standing;

use std::fmt;

use async_trait::async_trait;
use posthouse_model::{AccountId, DomainId, KeyId, UnixMillis};

use crate::duplicates::{DeliveredOnce, DuplicateCheck};
use crate::error::StorageError;
use crate::mail::Delivery;
use crate::sending_watch::Watched;

pub use counts::{Figures, Sent};
pub use period::Period;
pub use standing::{Bound, Bounds, OverSendingQuota, SendingStanding, units_of, units_of_key};

/// What a limit in a period counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Counted {
    /// Messages, however many recipients each has.
    Messages,
    /// Recipients of the envelopes, as the client gave them.
    Recipients,
}

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LimitKind {
    /// What is sent in a period.
    Sent(Period, Counted),
    /// Octets of one message.
    MessageBytes,
    /// Octets of the header of one message.
    HeaderBytes,
    /// Octets of the largest attachment of one message, decoded.
    AttachmentBytes,
    /// Recipients of one message.
    MessageRecipients,
}

impl LimitKind {
    /// All kinds, in the order of their codes.
    pub const EACH: [Self; 10] = [
        Self::Sent(Period::Hour, Counted::Messages),
        Self::Sent(Period::Hour, Counted::Recipients),
        Self::Sent(Period::Day, Counted::Messages),
        Self::Sent(Period::Day, Counted::Recipients),
        Self::Sent(Period::Month, Counted::Messages),
        Self::Sent(Period::Month, Counted::Recipients),
        Self::MessageBytes,
        Self::HeaderBytes,
        Self::AttachmentBytes,
        Self::MessageRecipients,
    ];

    /// The word under which it is printed and read.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sent(Period::Hour, Counted::Messages) => "messages/hour",
            Self::Sent(Period::Hour, Counted::Recipients) => "recipients/hour",
            Self::Sent(Period::Day, Counted::Messages) => "messages/day",
            Self::Sent(Period::Day, Counted::Recipients) => "recipients/day",
            Self::Sent(Period::Month, Counted::Messages) => "messages/month",
            Self::Sent(Period::Month, Counted::Recipients) => "recipients/month",
            Self::MessageBytes => "message-size",
            Self::HeaderBytes => "header-size",
            Self::AttachmentBytes => "attachment-size",
            Self::MessageRecipients => "recipients/message",
        }
    }

    /// Reads [`Self::name`].
    pub fn from_name(name: &str) -> Option<Self> {
        Self::EACH.into_iter().find(|kind| kind.name() == name)
    }

    /// Its number in a store; it never changes.
    pub fn code(self) -> i64 {
        Self::EACH.iter().position(|kind| *kind == self).map_or(0, |at| at as i64)
    }

    /// Reads [`Self::code`].
    pub fn from_code(code: i64) -> Option<Self> {
        usize::try_from(code).ok().and_then(|at| Self::EACH.get(at).copied())
    }
}

impl fmt::Display for LimitKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whose mail is counted together. Further ones (subusers) are to stand beside these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SendingUnit {
    /// All that is handed in.
    Server,
    /// All accounts of a domain.
    Domain(DomainId),
    /// One account.
    Account(AccountId),
    /// One key of an account.
    Key(KeyId),
}

/// For whom a limit is set. Of those that regard one unit, the first holds that says something, read from below.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LimitHolder {
    /// The server, all its accounts together.
    Server,
    /// Each domain about which nothing else is said.
    EachDomain,
    /// One domain, all its accounts together.
    Domain(DomainId),
    /// Each account about which nothing closer is said.
    EachAccount,
    /// Each account of a domain about which nothing closer is said.
    EachAccountOf(DomainId),
    /// One account.
    Account(AccountId),
    /// Each key about which nothing closer is said.
    EachKey,
    /// Each key of an account about which nothing closer is said.
    EachKeyOf(AccountId),
    /// One key.
    Key(KeyId),
}

impl LimitHolder {
    /// Whether a limit of this kind means something for it: single messages are bounded by account.
    pub fn takes(self, kind: LimitKind) -> bool {
        let of_accounts = matches!(self, Self::EachAccount | Self::EachAccountOf(_) | Self::Account(_));
        of_accounts || matches!(kind, LimitKind::Sent(..))
    }
}

/// A limit that is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendingLimit {
    /// For whom.
    pub holder: LimitHolder,
    /// What.
    pub kind: LimitKind,
    /// How much there may be; `None` for as much as anybody likes, whatever wider limits say.
    pub most: Option<u64>,
    /// For an exception, when it ends.
    pub until: Option<UnixMillis>,
}

/// A message that somebody hands in, with what is to become of it.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The message.
    pub delivery: Delivery,
    /// See [`Duplicates::deliver_once`](crate::Duplicates::deliver_once).
    pub duplicates: Vec<DuplicateCheck>,
    /// Who hands it in.
    pub account: AccountId,
    /// With which of its keys, if with one.
    pub key: Option<KeyId>,
    /// Recipients of the envelope.
    pub recipients: u64,
    /// When.
    pub at: UnixMillis,
}

/// What became of a message that was handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// What was delivered.
    pub delivered: DeliveredOnce,
    /// What its sender has sent of late, with it.
    pub watched: Watched,
}

/// Bounds on senders at rest. What has been counted is exact at every moment.
#[async_trait]
pub trait SendingQuotas: Send + Sync + 'static {
    /// Takes a message in as [`Duplicates::deliver_once`](crate::Duplicates::deliver_once) does, and counts it.
    /// [`StorageError::OverSendingQuota`] when it would be more than its sender may send, and
    /// [`StorageError::SendingFrozen`] when that is nothing. [`StorageError::NotFound`] when the account has no such key any
    /// more.
    async fn submit(&self, submission: Submission) -> Result<Submitted, StorageError>;
    /// What holds for a unit at a moment, and what has been sent in the periods it falls into.
    async fn sending_standing(&self, unit: SendingUnit, at: UnixMillis) -> Result<SendingStanding, StorageError>;
    /// Sets a limit, in place of the one of the same holder and kind that stands, or of the exception if it is one.
    /// [`StorageError::NotFound`] without the account, domain or key it is for.
    async fn set_sending_limit(&self, limit: SendingLimit) -> Result<(), StorageError>;
    /// Clears a limit that stands, or an exception.
    async fn clear_sending_limit(
        &self,
        holder: LimitHolder,
        kind: LimitKind,
        exception: bool,
    ) -> Result<(), StorageError>;
    /// All limits of a holder, or of all, in the order of holders and kinds, a standing one before its exception.
    async fn sending_limits(&self, holder: Option<LimitHolder>) -> Result<Vec<SendingLimit>, StorageError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_names_and_codes() {
        for kind in LimitKind::EACH {
            assert_eq!(LimitKind::from_name(kind.name()), Some(kind));
            assert_eq!(LimitKind::from_code(kind.code()), Some(kind));
        }
        assert_eq!((LimitKind::from_code(-1), LimitKind::from_code(10)), (None, None));
    }
}
