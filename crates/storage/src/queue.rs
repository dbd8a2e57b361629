//! Mail on its way out, at rest between attempts. One entry is one recipient of one message.
//!
//! An entry waits for its time, is ready and has a turn ([`queue_fairness`](crate::queue_fairness)), or is held. What
//! takes mail out of the queue asks for what is ready at destinations of its choice: what waits for its time, is held,
//! or is for other destinations costs it nothing.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use posthouse_model::{
    AccountId, BodyType, DeliverBy, Domain, DsnReturn, FutureRelease, JourneyId, QueueId, Recipient, ReversePath,
    TlsWish, TrailEvent, UnixMillis,
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
    /// What its sender asks for (RFC 8689).
    pub tls: TlsWish,
    /// Whether the domain of its author answers for it: who handed it in signed in, or the house wrote it. What others
    /// sent and aliases lead on is never signed, whatever it says of its author.
    pub may_sign: bool,
    /// The account that handed it in, if one did.
    pub submitter: Option<AccountId>,
    /// The domain of ours whose alias led the message on, where somebody else sent it: whoever gets it from us is told so.
    pub forwarded_by: Option<Domain>,
    /// `RET`.
    pub dsn_return: Option<DsnReturn>,
    /// `ENVID`.
    pub envelope_id: Option<String>,
    /// Octets.
    pub size_bytes: u64,
    /// When we took it.
    pub received_at: UnixMillis,
    /// When its sender wants it to be let go, or when it was (RFC 4865).
    pub future_release: Option<FutureRelease>,
    /// Whether it waits for that: its recipients are as the sender named them, in mailboxes here or elsewhere.
    pub awaits_release: bool,
    /// Until when it is to be delivered (RFC 2852).
    pub deliver_by: Option<DeliverBy>,
}

/// A recipient to put into the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuedRecipient {
    /// Who, with the parameters of RFC 3461.
    pub recipient: Recipient,
    /// What to group attempts by: the domain of the address, or the name of a route.
    pub destination: Domain,
    /// When to try first; not after [`QueuedMessage::received_at`] for at once.
    pub due_at: UnixMillis,
    /// When to give up.
    pub expires_at: UnixMillis,
    /// When something is to be done because the entry is still there ([`QueuedMessage::deliver_by`]); `None` for never.
    pub deadline: Option<UnixMillis>,
    /// Why it is held from the beginning, until an administrator releases it; `None` where it is not.
    pub held: Option<HeldBecause>,
}

/// Why an entry is held from the beginning. It stands where the outcome of an attempt will.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldBecause {
    /// In words for people ([`QueueEntry::last_outcome`]).
    pub outcome: String,
    /// In one stable word ([`QueueEntry::cause`]).
    pub cause: String,
}

/// Recipients of a message that are elsewhere, or wait. Part of a [`Delivery`], which brings the body.
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
    /// When something is to be done because it is still there; `None` for never, or when that was done.
    pub deadline: Option<UnixMillis>,
    /// Attempts made.
    pub attempts: u32,
    /// What the last attempt came to, in words for people.
    pub last_outcome: Option<String>,
    /// The same in one stable word, such as `connect` or `reply-421`.
    pub cause: Option<String>,
    /// The host that an administrator sends it to, instead of where it would go.
    pub detour: Option<Detour>,
    /// Whether the sender has been told of the delay.
    pub delay_reported: bool,
    /// Whether it is held back.
    pub held: bool,
    /// Whether it is held for no other reason than that the account that handed it in may not send.
    pub held_with_account: bool,
}

/// A host that an administrator sends entries to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detour {
    /// Its name or address literal.
    pub host: Domain,
    /// Its port.
    pub port: u16,
}

impl fmt::Display for Detour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl Detour {
    /// Reads what is written as `host:port`.
    pub fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let port = port.parse().ok().filter(|&port| port > 0)?;
        Some(Self { host: Domain::parse(host).ok()?, port })
    }
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
        /// The same in one stable word.
        cause: String,
        /// Whether the sender has now been told of the delay.
        delay_reported: bool,
        /// Whether something was attempted, which counts; a limit of ours may have put it off.
        was_tried: bool,
    },
    /// It failed for good and nobody can be told: it is held until an administrator has looked at it.
    Hold {
        /// When that was. Once it is released it is due at once.
        at: UnixMillis,
        /// What happened, in words for people.
        outcome: String,
        /// Why it is held, in one stable word.
        cause: String,
        /// Its deadline from now on.
        deadline: UnixMillis,
    },
    /// Nothing was attempted, and it is due as it was before.
    Untouched,
    /// The same, and what was to be done at its deadline was done: it has none any more.
    Overdue,
}

/// How much of what is ready for a destination is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Which destination.
    pub destination: Domain,
    /// Most messages.
    pub messages: usize,
    /// Most entries.
    pub entries: usize,
}

/// What a [`Claim`] got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claimed {
    /// Entries, in the order of their turns.
    pub entries: Vec<QueueEntry>,
    /// Whether more is ready for the destination than this and what is leased.
    pub has_more: bool,
}

/// What became of entries whose time had come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ripened {
    /// How many are ready now that were not.
    pub entries: usize,
    /// When the time of the next one comes, which may be past when there were more than asked for.
    pub next_due: Option<UnixMillis>,
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
    /// From senders of this domain.
    pub sender_domain: Option<Domain>,
    /// Whose last attempt came to this ([`QueueEntry::cause`]).
    pub cause: Option<String>,
    /// Only held, or only not held.
    pub held: Option<bool>,
}

/// What an administrator does with entries. What is ready stays so, but gets another turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueueSteering {
    /// Make them due now.
    RetryNow(UnixMillis),
    /// Keep them back until released.
    Hold,
    /// Keep those back that are not held, for as long as the account that handed them in may not send.
    HoldWithAccount,
    /// Let them go on.
    Release,
    /// Send them to a host of choice, and group attempts by its name.
    Divert(Detour),
    /// Send them where they would go without an administrator.
    EndDetour {
        /// What attempts are grouped by.
        destination: Domain,
    },
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
    /// When the oldest message came of which something is in the queue.
    pub oldest_received_at: Option<UnixMillis>,
}

/// By what entries are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TallyBy {
    /// By destination.
    Destination,
    /// By what their last attempt came to; those without one are left out.
    Cause,
}

/// How many entries have something in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueTally {
    /// What: a destination or a cause.
    pub name: String,
    /// How many there are.
    pub entries: u64,
    /// Of them, held.
    pub held: u64,
}

/// The queue at rest.
#[async_trait]
pub trait Queue: Send + Sync + 'static {
    /// Makes entries ready whose time has come at `now` and that are not held, earliest first, at most `limit`.
    /// Observers are told which destinations have something ready because of it.
    async fn ripen(&self, now: UnixMillis, limit: usize) -> Result<Ripened, StorageError>;
    /// Destinations with something ready, leased or not, by name, after `after`, at most `limit`. The cost is that of
    /// the destinations returned.
    async fn ready_destinations(&self, after: Option<&Domain>, limit: usize) -> Result<Vec<Domain>, StorageError>;
    /// Leases what is ready, for each of the claims in turn. A leased entry is given to nobody else until it is settled
    /// or the process ends. The cost is that of what is claimed, and of what is leased for the same destinations.
    async fn claim(&self, claims: Vec<Claim>) -> Result<Vec<Claimed>, StorageError>;
    /// Leases these entries, be they ready, waiting or held; those that are leased already, or gone, are left out.
    async fn lease(&self, entries: Vec<QueueId>) -> Result<Vec<QueueEntry>, StorageError>;
    /// Ends leases.
    async fn settle(&self, settlement: Settlement) -> Result<(), StorageError>;
    /// Entries that match, by number, after `after`, at most `limit`.
    async fn queue_entries(
        &self,
        filter: &QueueFilter,
        after: Option<QueueId>,
        limit: usize,
    ) -> Result<Vec<QueueEntry>, StorageError>;
    /// How much there is. The cost does not depend on it.
    async fn queue_counts(&self) -> Result<QueueCounts, StorageError>;
    /// How much there is of what, most first, at most `limit`. The cost is that of the different names there are.
    async fn queue_tallies(&self, by: TallyBy, limit: usize) -> Result<Vec<QueueTally>, StorageError>;
    /// Does `steering` to those of the entries that are there and not leased, and notes its event for each of them;
    /// returns which they were.
    async fn steer(
        &self,
        entries: Vec<(QueueId, TrailEvent)>,
        steering: QueueSteering,
    ) -> Result<Vec<QueueId>, StorageError>;
}
