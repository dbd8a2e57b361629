//! The trail at rest: kept apart from mail, with its own retention.

use std::sync::Arc;

use async_trait::async_trait;
use posthouse_model::{JourneyId, TrailEvent, UnixMillis};

use crate::error::StorageError;

/// One journey, for a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JourneySummary {
    /// Which.
    pub journey: JourneyId,
    /// When its first event happened.
    pub began_at: UnixMillis,
}

/// Somebody who follows the trail. Called after the commit, in commit order, on the store's writer thread; so it must be
/// quick and must not call the store.
pub trait TrailObserver: Send + Sync {
    /// These events are durable now, in this order.
    fn recorded(&self, events: &[TrailEvent]);
}

/// The trail at rest.
#[async_trait]
pub trait Trail: Send + Sync + 'static {
    /// Adds events. Returns at once: they are written with the next commit, and lost if the process is killed
    /// before it. Events that belong to a delivery or a settlement travel with it and share its durability.
    fn record(&self, events: Vec<TrailEvent>);
    /// Has somebody follow the trail from now on, whichever way its events come.
    fn observe_trail(&self, observer: Arc<dyn TrailObserver>);
    /// All events of a journey, in order.
    async fn trail(&self, journey: JourneyId) -> Result<Vec<TrailEvent>, StorageError>;
    /// The newest journeys that concern an address ([`posthouse_model::Address::folded`]) or a Message-ID
    /// ([`posthouse_model::trail::message_id_key`]), newest first.
    async fn journeys(&self, key: &str, limit: usize) -> Result<Vec<JourneySummary>, StorageError>;
    /// Forgets journeys that ended before `before`; returns how many.
    async fn prune_trail(&self, before: UnixMillis) -> Result<u64, StorageError>;
}
