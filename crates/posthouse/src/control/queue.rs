//! Mail on its way out.

use posthouse_model::{Address, Domain, JourneyId, QueueId};
use posthouse_storage::{Queue, QueueEntry, QueueFilter, QueueSteering};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Refusal, Text, shape};
use crate::house::House;

/// Most entries in one response; the client asks again for what follows.
pub const PAGE_ENTRIES: usize = 1000;

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
    /// Do something to entries: how many there were.
    Steer {
        /// Which.
        filter: Filter,
        /// What.
        steering: Steering,
    },
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
            held: filter.held,
        }
    }
}

/// What is to be done to entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Steering {
    /// Keep them back.
    Hold,
    /// Let them go on.
    Release,
    /// Try them now.
    Retry,
    /// Take them out without telling the sender.
    Drop,
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
    /// Whether it is held back.
    pub held: bool,
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
            held: entry.held,
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
}

pub async fn answer(request: QueueRequest, house: &House) -> Result<Value, Refusal> {
    match request {
        QueueRequest::List { filter, after } => {
            let entries = house.store.queue_entries(&filter.into(), after.map(QueueId), PAGE_ENTRIES).await?;
            shape(entries.into_iter().map(EntryView::from).collect::<Vec<_>>())
        }
        QueueRequest::Counts => {
            let counts = house.store.queue_counts().await?;
            shape(CountsView { entries: counts.entries, held: counts.held, under_way: counts.leased })
        }
        QueueRequest::Steer { filter, steering } => {
            let steering = match steering {
                Steering::Hold => QueueSteering::Hold,
                Steering::Release => QueueSteering::Release,
                Steering::Retry => QueueSteering::RetryNow(house.now()),
                Steering::Drop => QueueSteering::Drop,
            };
            shape(house.store.steer(&filter.into(), steering).await?)
        }
    }
}
