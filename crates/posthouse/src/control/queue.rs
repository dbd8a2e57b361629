//! Mail on its way out.

use posthouse_flow::QueueAction;
use posthouse_model::{Address, ByMode, Domain, JourneyId, QueueId};
use posthouse_storage::{Detour, Queue, QueueEntry, QueueFilter, QueueTally};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Refusal, Text, shape};
use crate::house::House;

/// Most entries in one response; the client asks again for what follows.
pub const PAGE_ENTRIES: usize = 1000;
/// Most entries to which something is done in one request, a transaction; the client asks again for what follows.
const STEERED_ENTRIES: usize = 1000;
/// Most lines of a count.
const MAX_TALLIES: usize = 10_000;

/// What is asked about the queue.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QueueRequest {
    /// Entries, by number: a list of [`EntryView`] of at most [`PAGE_ENTRIES`].
    List {
        /// Which.
        filter: Filter,
        /// Only those after this number.
        after: Option<u64>,
    },
    /// How much there is: a [`CountsView`].
    Counts,
    /// How much there is of what: a list of [`TallyView`].
    Tallies {
        /// By what.
        by: TallyBy,
        /// At most so many.
        limit: usize,
    },
    /// Do something to at most [`STEERED_ENTRIES`] entries: a [`SteeredView`]. The client asks again for what follows.
    Steer {
        /// Which.
        filter: Filter,
        /// Only those after this number.
        after: Option<u64>,
        /// What.
        steering: Steering,
    },
}

/// By what entries are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TallyBy {
    /// By destination.
    Destination,
    /// By what their last attempt came to.
    Cause,
}

/// How many entries have something in common.
#[derive(Debug, Serialize, Deserialize)]
pub struct TallyView {
    /// What.
    pub name: String,
    /// How many there are.
    pub entries: u64,
    /// Of them, held back.
    pub held: u64,
}

/// What became of entries.
#[derive(Debug, Serialize, Deserialize)]
pub struct SteeredView {
    /// To how many it was done.
    pub done: u64,
    /// The last that was looked at, if there may be more.
    pub last: Option<u64>,
}

/// Which entries.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Filter {
    /// This one.
    pub id: Option<u64>,
    /// Of this journey.
    pub journey: Option<Text<JourneyId>>,
    /// To this destination.
    pub destination: Option<Text<Domain>>,
    /// From this sender.
    pub sender: Option<Text<Address>>,
    /// From senders of this domain.
    pub sender_domain: Option<Text<Domain>>,
    /// Whose last attempt came to this.
    pub cause: Option<String>,
    /// Only held, or only not held.
    pub held: Option<bool>,
}

impl From<Filter> for QueueFilter {
    fn from(filter: Filter) -> Self {
        Self {
            id: filter.id.map(QueueId),
            journey: filter.journey.map(|journey| journey.0),
            destination: filter.destination.map(|destination| destination.0),
            sender: filter.sender.map(|sender| sender.0.folded()),
            submitter: None,
            sender_domain: filter.sender_domain.map(|domain| domain.0),
            cause: filter.cause,
            held: filter.held,
        }
    }
}

/// What is to be done to entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Steering {
    /// Keep them back.
    Hold,
    /// Let them go on.
    Release,
    /// Try them now.
    Retry,
    /// Send them to a host of choice, as `host:port`; `None` for where they would go by themselves.
    Reroute(Option<String>),
    /// Give them up and tell their senders, with these words.
    Bounce(String),
    /// Take them out without telling the sender.
    Drop,
}

impl Steering {
    fn action(self) -> Result<QueueAction, Refusal> {
        Ok(match self {
            Self::Hold => QueueAction::Hold,
            Self::Release => QueueAction::Release,
            Self::Retry => QueueAction::Retry,
            Self::Reroute(None) => QueueAction::EndReroute,
            Self::Reroute(Some(host)) => {
                let refusal = || Refusal::Other(format!("`{host}` is not a host and port such as mx.example.org:25"));
                QueueAction::Reroute(Detour::parse(&host).ok_or_else(refusal)?)
            }
            Self::Bounce(words) => QueueAction::Bounce(words),
            Self::Drop => QueueAction::Drop,
        })
    }
}

/// An entry, for people and scripts.
#[derive(Debug, Serialize, Deserialize)]
pub struct EntryView {
    /// Its number.
    pub id: u64,
    /// The journey it is on.
    pub journey: String,
    /// Envelope sender.
    pub sender: String,
    /// Envelope recipient.
    pub recipient: String,
    /// What attempts are grouped by.
    pub destination: String,
    /// Octets.
    pub size_bytes: u64,
    /// When we took it, in milliseconds since 1970.
    pub received_at: i64,
    /// When the next attempt is due, likewise.
    pub due_at: i64,
    /// When it is given up, likewise.
    pub expires_at: i64,
    /// Attempts made.
    pub attempts: u32,
    /// What the last one came to.
    pub last_outcome: Option<String>,
    /// The same in one word.
    pub cause: Option<String>,
    /// The host and port it was rerouted to.
    pub rerouted_to: Option<String>,
    /// Whether it is held back.
    pub held: bool,
    /// Whether it is held for no other reason than that the account that handed it in may not send.
    pub held_with_account: bool,
    /// Until when its sender wants it to wait, in milliseconds since 1970, while it does.
    pub held_until: Option<i64>,
    /// Until when its sender wants it to be delivered, likewise.
    pub deliver_by: Option<i64>,
    /// Whether it is returned then.
    pub is_returned_then: bool,
}

impl From<QueueEntry> for EntryView {
    fn from(entry: QueueEntry) -> Self {
        Self {
            id: entry.id.0,
            journey: entry.message.journey.to_string(),
            sender: entry.message.sender.to_string(),
            recipient: entry.recipient.address.to_string(),
            destination: entry.destination.to_string(),
            size_bytes: entry.message.size_bytes,
            received_at: entry.message.received_at.0,
            due_at: entry.due_at.0,
            expires_at: entry.expires_at.0,
            attempts: entry.attempts,
            last_outcome: entry.last_outcome,
            cause: entry.cause,
            held_until: entry.message.future_release.filter(|_| entry.message.awaits_release).map(|one| one.at.0),
            deliver_by: entry.message.deliver_by.map(|by| by.at.0),
            is_returned_then: entry.message.deliver_by.is_some_and(|by| by.mode == ByMode::Return),
            rerouted_to: entry.detour.as_ref().map(Detour::to_string),
            held: entry.held,
            held_with_account: entry.held_with_account,
        }
    }
}

/// How much there is.
#[derive(Debug, Serialize, Deserialize)]
pub struct CountsView {
    /// Entries in all.
    pub entries: u64,
    /// Of them, held.
    pub held: u64,
    /// Of them, under way now.
    pub under_way: u64,
    /// When the oldest message came, in milliseconds since 1970.
    pub oldest_received_at: Option<i64>,
}

pub async fn answer(request: QueueRequest, house: &House) -> Result<Value, Refusal> {
    match request {
        QueueRequest::List { filter, after } => {
            let entries = house.store.queue_entries(&filter.into(), after.map(QueueId), PAGE_ENTRIES).await?;
            shape(entries.into_iter().map(EntryView::from).collect::<Vec<_>>())
        }
        QueueRequest::Counts => {
            let counts = house.store.queue_counts().await?;
            shape(CountsView {
                entries: counts.entries,
                held: counts.held,
                under_way: counts.leased,
                oldest_received_at: counts.oldest_received_at.map(|at| at.0),
            })
        }
        QueueRequest::Tallies { by, limit } => {
            let by = match by {
                TallyBy::Destination => posthouse_storage::TallyBy::Destination,
                TallyBy::Cause => posthouse_storage::TallyBy::Cause,
            };
            let tallies = house.store.queue_tallies(by, limit.min(MAX_TALLIES)).await?;
            let view = |tally: QueueTally| TallyView { name: tally.name, entries: tally.entries, held: tally.held };
            shape(tallies.into_iter().map(view).collect::<Vec<_>>())
        }
        QueueRequest::Steer { filter, after, steering } => {
            let action = steering.action()?;
            let after = after.map(QueueId);
            let steered = house.flow.steer_queue(&filter.into(), &action, after, STEERED_ENTRIES).await?;
            shape(SteeredView { done: steered.done as u64, last: steered.last.map(|id| id.0) })
        }
    }
}
