//! What happened to a message.

use posthouse_model::{Address, JourneyId, QueueId, TrailEvent};
use posthouse_storage::{Named, Queue, QueueFilter, StorageError, Trail};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Refusal, Text, shape};
use crate::house::House;

/// Most journeys of one response.
pub const MAX_JOURNEYS: usize = 100;

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
    },
}

/// A journey, for people and scripts.
#[derive(Debug, Serialize, Deserialize)]
pub struct JourneyView {
    /// Its id.
    pub id: String,
    /// What happened, in order.
    pub events: Vec<EventView>,
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
        TrailRequest::Address { address, limit } => {
            let found = house.store.journeys(&address.0.folded(), limit.min(MAX_JOURNEYS)).await?;
            found.into_iter().rev().map(|summary| summary.journey).collect()
        }
    };
    let mut views = Vec::with_capacity(journeys.len());
    for journey in journeys {
        let events: Vec<EventView> = house.store.trail(journey).await?.into_iter().map(EventView::from).collect();
        if !events.is_empty() {
            views.push(JourneyView { id: journey.to_string(), events });
        }
    }
    shape(views)
}

async fn journey_of_entry(house: &House, id: QueueId) -> Result<JourneyId, Refusal> {
    let filter = QueueFilter { id: Some(id), ..QueueFilter::default() };
    let entries = house.store.queue_entries(&filter, None, 1).await?;
    let entry = entries.first().ok_or(StorageError::NotFound(Named::QueueEntry))?;
    Ok(entry.message.journey)
}
