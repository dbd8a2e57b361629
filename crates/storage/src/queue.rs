//! Mail on its way out, at rest between attempts. One entry is one recipient of one message.

use std::sync::Arc;

use async_trait::async_trait;
use posthouse_model::{
    AccountId, BodyType, Domain, DsnReturn, JourneyId, QueueId, Recipient, ReversePath, TrailEvent, UnixMillis,
};

use crate::error::StorageError;
use crate::mail::{BodyKey, Delivery};

/// What all recipients of a queued message share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuedMessage {
    /// The journey it is on.
    pub journey: JourneyId,
    /// Envelope sender.
    pub sender: ReversePath,
    /// `BODY` of the envelope.
    pub body_type: BodyType,
    /// Whether it needs SMTPUTF8.
    pub smtputf8: bool,
    /// Whether it came with REQUIRETLS (RFC 8689).
    pub require_tls: bool,
    /// Whether the domain of its author answers for it: who handed it in signed in, or the house wrote it. What others
    /// sent and aliases lead on is never signed, whatever it says of its author.
    pub may_sign: bool,
    /// The account that handed it in, if one did.
    pub submitter: Option<AccountId>,
    /// `RET`.
    pub dsn_return: Option<DsnReturn>,
    /// `ENVID`.
    pub envelope_id: Option<String>,
    /// Octets.
    pub size_bytes: u64,
    /// When we took it.
    pub received_at: UnixMillis,
}

/// A recipient to put into the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuedRecipient {
    /// Who, with the parameters of RFC 3461.
    pub recipient: Recipient,
    /// What to group attempts by: the domain of the address, or the name of a route.
    pub destination: Domain,
    /// When to try first.
    pub due_at: UnixMillis,
    /// When to give up.
    pub expires_at: UnixMillis,
}

/// Recipients of a message that are elsewhere. Part of a [`Delivery`], which brings the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueSubmission {
    /// What they share.
    pub message: QueuedMessage,
    /// Each of them.
    pub recipients: Vec<QueuedRecipient>,
}

/// One recipient of one message, waiting or under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueEntry {
    /// Its number.
    pub id: QueueId,
    /// The message, shared by entries read together.
    pub message: Arc<QueuedMessage>,
    /// Its body.
    pub body: BodyKey,
    /// Who.
    pub recipient: Recipient,
    /// What attempts are grouped by.
    pub destination: Domain,
    /// When the next attempt is due.
    pub due_at: UnixMillis,
    /// When to give up.
    pub expires_at: UnixMillis,
    /// Attempts made.
    pub attempts: u32,
    /// What the last attempt came to, in words for people.
    pub last_outcome: Option<String>,
    /// Whether the sender has been told of the delay.
    pub delay_reported: bool,
    /// Whether an administrator holds it back.
    pub held: bool,
}

/// What an attempt came to, for one entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettlementOutcome {
    /// It is done with, well or badly: the entry goes.
    Done,
    /// It is to be tried again.
    Retry {
        /// When.
        due_at: UnixMillis,
        /// What happened, in words for people.
        outcome: String,
        /// Whether the sender has now been told of the delay.
        delay_reported: bool,
    },
    /// Nothing was attempted, and it is due as it was before.
    Untouched,
}

/// The end of a lease: what happened, and what follows from it, in one transaction.
#[derive(Clone, Debug)]
pub struct Settlement {
    /// Entries and what became of each.
    pub outcomes: Vec<(QueueId, SettlementOutcome)>,
    /// Reports to be delivered or queued because of it.
    pub reports: Vec<Delivery>,
    /// What the trail is to say.
    pub trail: Vec<TrailEvent>,
}

/// Which entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueFilter {
    /// This one.
    pub id: Option<QueueId>,
    /// Of this journey.
    pub journey: Option<JourneyId>,
    /// To this destination.
    pub destination: Option<Domain>,
    /// From this sender (folded address).
    pub sender: Option<String>,
    /// Handed in by this account.
    pub submitter: Option<AccountId>,
    /// Only held, or only not held.
    pub held: Option<bool>,
}

/// What an administrator does with entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueSteering {
    /// Make them due now.
    RetryNow(UnixMillis),
    /// Keep them back until released.
    Hold,
    /// Let them go on.
    Release,
    /// Take them out without telling the sender.
    Drop,
}

/// How much there is in the queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueCounts {
    /// Entries in all.
    pub entries: u64,
    /// Of them, held.
    pub held: u64,
    /// Of them, leased to a delivery under way.
    pub leased: u64,
}

/// The queue at rest.
#[async_trait]
pub trait Queue: Send + Sync + 'static {
    /// Leases up to `limit` entries that are due at `now`, oldest due first, not held, and not to one of
    /// `except` destinations. A leased entry is given to nobody else until it is settled or the process ends.
    async fn claim_due(
        &self,
        now: UnixMillis,
        limit: usize,
        except: &[Domain],
    ) -> Result<Vec<QueueEntry>, StorageError>;
    /// Leases up to `limit` more due entries for one destination, to share a connection.
    async fn claim_due_for(
        &self,
        destination: &Domain,
        now: UnixMillis,
        limit: usize,
    ) -> Result<Vec<QueueEntry>, StorageError>;
    /// When the next entry becomes due that is neither held nor leased nor to one of `except` destinations.
    async fn next_due(&self, except: &[Domain]) -> Result<Option<UnixMillis>, StorageError>;
    /// Ends leases.
    async fn settle(&self, settlement: Settlement) -> Result<(), StorageError>;
    /// Entries that match, by number, after `after`, at most `limit`.
    async fn queue_entries(
        &self,
        filter: &QueueFilter,
        after: Option<QueueId>,
        limit: usize,
    ) -> Result<Vec<QueueEntry>, StorageError>;
    /// How much there is.
    async fn queue_counts(&self) -> Result<QueueCounts, StorageError>;
    /// Does `steering` to all that match and are not leased; returns how many.
    async fn steer(&self, filter: &QueueFilter, steering: QueueSteering) -> Result<u64, StorageError>;
}
