//! The trail in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use posthouse_model::{JourneyId, TrailEvent, UnixMillis};

use super::MemoryStorage;
use crate::error::StorageError;
use crate::trail::{JourneySummary, Trail, TrailObserver};

#[derive(Default)]
pub(super) struct TrailTables {
    journeys: BTreeMap<JourneyId, Vec<TrailEvent>>,
    by_key: BTreeMap<String, BTreeSet<JourneyId>>,
    observers: Vec<Arc<dyn TrailObserver>>,
}

impl TrailTables {
    pub fn record(&mut self, events: Vec<TrailEvent>) {
        if !events.is_empty() {
            self.observers.iter().for_each(|observer| observer.recorded(&events));
        }
        for event in events.into_iter().map(|event| event.since(None)) {
            for key in event.keys() {
                self.by_key.entry(key).or_default().insert(event.journey);
            }
            self.journeys.entry(event.journey).or_default().push(event);
        }
    }

    fn began_at(&self, journey: JourneyId) -> Option<UnixMillis> {
        self.journeys.get(&journey)?.iter().map(|event| event.at).min()
    }

    fn prune(&mut self, before: UnixMillis) -> u64 {
        let had = self.journeys.len();
        self.journeys.retain(|_, events| events.iter().any(|event| event.at >= before));
        let journeys = &self.journeys;
        self.by_key.retain(|_, of_key| {
            of_key.retain(|journey| journeys.contains_key(journey));
            !of_key.is_empty()
        });
        (had - self.journeys.len()) as u64
    }
}

#[async_trait]
impl Trail for MemoryStorage {
    fn record(&self, events: Vec<TrailEvent>) {
        if let Ok(mut state) = self.state() {
            state.trail.record(events);
        }
    }

    fn observe_trail(&self, observer: Arc<dyn TrailObserver>) {
        if let Ok(mut state) = self.state() {
            state.trail.observers.push(observer);
        }
    }

    async fn trail(&self, journey: JourneyId) -> Result<Vec<TrailEvent>, StorageError> {
        Ok(self.state()?.trail.journeys.get(&journey).cloned().unwrap_or_default())
    }

    async fn journeys(&self, key: &str, limit: usize) -> Result<Vec<JourneySummary>, StorageError> {
        let state = self.state()?;
        let of_key = state.trail.by_key.get(key).into_iter().flatten();
        let mut found: Vec<_> = of_key
            .filter_map(|&journey| Some(JourneySummary { journey, began_at: state.trail.began_at(journey)? }))
            .collect();
        found.sort_by_key(|summary| std::cmp::Reverse((summary.began_at, summary.journey)));
        found.truncate(limit);
        Ok(found)
    }

    async fn prune_trail(&self, before: UnixMillis) -> Result<u64, StorageError> {
        Ok(self.state()?.trail.prune(before))
    }
}
