//! What happened to a message.

use posthouse_model::trail::message_id_key;
use posthouse_model::{Address, JourneyId, QueueId, TrailEvent};
use posthouse_storage::{Named, Queue, QueueFilter, StorageError, Trail};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::whereabouts::{WhereView, whereabouts};
use super::{Refusal, Text, shape};
use crate::house::House;

/// Most journeys of one response.
pub const MAX_JOURNEYS: usize = 100;
/// Most journeys of an address that are looked at for those that are wanted.
const MAX_LOOKED_AT: usize = 10_000;

/// What is asked about journeys. Each is answered by a list of [`JourneyView`], the oldest first.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrailRequest {
    /// One journey.
    Journey {
        /// Which.
        id: Text<JourneyId>,
    },
    /// The journey that an entry of the queue is on.
    QueueEntry {
        /// Its number.
        id: u64,
    },
    /// The newest journeys that concern an address.
    Address {
        /// Which.
        address: Text<Address>,
        /// How many; at most [`MAX_JOURNEYS`].
        limit: usize,
        /// Which of them.
        #[serde(default)]
        filter: JourneyFilter,
    },
    /// The newest journeys of messages with a Message-ID.
    MessageId {
        /// Which, with or without angle brackets.
        id: String,
        /// How many; at most [`MAX_JOURNEYS`].
        limit: usize,
    },
}

/// Which journeys of an address are wanted.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct JourneyFilter {
    /// Those that began then or later, in milliseconds since 1970.
    pub since: Option<i64>,
    /// Those that began before, in milliseconds since 1970.
    pub until: Option<i64>,
    /// Those from this sender.
    pub from: Option<Text<Address>>,
    /// Those to this recipient.
    pub to: Option<Text<Address>>,
}

impl JourneyFilter {
    fn is_of_time(&self, began_at: i64) -> bool {
        self.since.is_none_or(|since| began_at >= since) && self.until.is_none_or(|until| began_at < until)
    }

    fn matches(&self, events: &[EventView]) -> bool {
        let has = |name: &str, wanted: &Option<Text<Address>>| {
            wanted.as_ref().is_none_or(|wanted| {
                let is_it = |value: &str| {
                    Address::parse(value.trim_matches(['<', '>'])).is_ok_and(|one| one.folded() == wanted.0.folded())
                };
                events.iter().flat_map(|event| &event.facts).any(|(fact, value)| fact == name && is_it(value))
            })
        };
        has("from", &self.from) && has("to", &self.to)
    }
}

/// A journey, for people and scripts.
#[derive(Debug, Serialize, Deserialize)]
pub struct JourneyView {
    /// Its id.
    pub id: String,
    /// The number of its trace, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// What happened, in order.
    pub events: Vec<EventView>,
    /// Where it is now, for each of its recipients.
    #[serde(default)]
    pub now: Vec<WhereView>,
}

/// One event of a journey.
#[derive(Debug, Serialize, Deserialize)]
pub struct EventView {
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// What.
    pub kind: String,
    /// More of it, each with its name.
    pub facts: Vec<(String, String)>,
}

impl From<TrailEvent> for EventView {
    fn from(event: TrailEvent) -> Self {
        Self { at: event.at.0, kind: event.kind.name().to_owned(), facts: event.facts }
    }
}

pub async fn answer(request: TrailRequest, house: &House) -> Result<Value, Refusal> {
    let journeys = match request {
        TrailRequest::Journey { id } => vec![id.0],
        TrailRequest::QueueEntry { id } => vec![journey_of_entry(house, QueueId(id)).await?],
        TrailRequest::Address { address, limit, filter } => {
            let mut views = of_address(house, &address.0, limit.min(MAX_JOURNEYS), &filter).await?;
            if views.is_empty() {
                // Many a Message-ID looks like an address.
                views = of_message_id(house, &address.0.to_string(), limit).await?;
            }
            return shape(views);
        }
        TrailRequest::MessageId { id, limit } => return shape(of_message_id(house, &id, limit).await?),
    };
    let mut views = Vec::with_capacity(journeys.len());
    for journey in journeys {
        views.extend(view_of(house, journey).await?);
    }
    shape(views)
}

/// A journey, unless it is forgotten.
async fn view_of(house: &House, journey: JourneyId) -> Result<Option<JourneyView>, Refusal> {
    wanted_view_of(house, journey, &JourneyFilter::default()).await
}

/// The same, if it is wanted. Where it is now is looked up only then.
async fn wanted_view_of(
    house: &House,
    journey: JourneyId,
    filter: &JourneyFilter,
) -> Result<Option<JourneyView>, Refusal> {
    let told = house.store.trail(journey).await?;
    let events: Vec<EventView> = told.iter().cloned().map(EventView::from).collect();
    if events.is_empty() || !filter.matches(&events) {
        return Ok(None);
    }
    let now = whereabouts(house, journey, &told).await?;
    let trace = house.telemetry.as_ref().and_then(|telemetry| telemetry.trace_of(journey));
    Ok(Some(JourneyView { id: journey.to_string(), trace, events, now }))
}

/// The newest journeys of an address that are wanted, the oldest of them first.
async fn of_address(
    house: &House,
    address: &Address,
    limit: usize,
    filter: &JourneyFilter,
) -> Result<Vec<JourneyView>, Refusal> {
    let mut views = Vec::new();
    for summary in house.store.journeys(&address.folded(), MAX_LOOKED_AT).await? {
        if views.len() >= limit {
            break;
        }
        if filter.is_of_time(summary.began_at.0)
            && let Some(view) = wanted_view_of(house, summary.journey, filter).await?
        {
            views.push(view);
        }
    }
    views.reverse();
    Ok(views)
}

/// The newest journeys of messages with a Message-ID, the oldest of them first.
async fn of_message_id(house: &House, id: &str, limit: usize) -> Result<Vec<JourneyView>, Refusal> {
    let Some(key) = message_id_key(id) else { return Ok(Vec::new()) };
    let mut views = Vec::new();
    for summary in house.store.journeys(&key, limit.min(MAX_JOURNEYS)).await?.into_iter().rev() {
        views.extend(view_of(house, summary.journey).await?);
    }
    Ok(views)
}

async fn journey_of_entry(house: &House, id: QueueId) -> Result<JourneyId, Refusal> {
    let filter = QueueFilter { id: Some(id), ..QueueFilter::default() };
    let entries = house.store.queue_entries(&filter, None, 1).await?;
    let entry = entries.first().ok_or(StorageError::NotFound(Named::QueueEntry))?;
    Ok(entry.message.journey)
}
