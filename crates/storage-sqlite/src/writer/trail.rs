//! The trail: one row for events of one journey that are written together.

use std::mem;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use posthouse_model::{JourneyId, TrailEvent, UnixMillis};
use posthouse_storage::TrailObserver;
use rusqlite::{OptionalExtension, params};

use super::work::Work;
use crate::convert;
use crate::fault::Fault;
use crate::trail_codec;

/// Events that wait for the next commit, and who is told of those that are written.
pub(crate) struct WaitingTrail {
    /// Most of them.
    limit: usize,
    events: Mutex<Vec<TrailEvent>>,
    observers: RwLock<Vec<Arc<dyn TrailObserver>>>,
}

impl WaitingTrail {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, events: Mutex::default(), observers: RwLock::default() }
    }

    /// Adds events; the oldest are dropped when there are too many.
    pub(crate) fn add(&self, more: Vec<TrailEvent>) {
        let mut events = self.events.lock();
        events.extend(more);
        self.bound(&mut events);
    }

    /// Has somebody told of what is written from now on.
    pub(crate) fn observe(&self, observer: Arc<dyn TrailObserver>) {
        self.observers.write().push(observer);
    }

    /// Whether anybody is told.
    pub(super) fn is_observed(&self) -> bool {
        !self.observers.read().is_empty()
    }

    /// Tells of what has been committed.
    pub(super) fn tell(&self, events: &[TrailEvent]) {
        if !events.is_empty() {
            self.observers.read().iter().for_each(|observer| observer.recorded(events));
        }
    }

    /// Whether none waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.events.lock().is_empty()
    }

    pub(super) fn take(&self) -> Vec<TrailEvent> {
        mem::take(&mut self.events.lock())
    }

    /// Puts back what could not be committed.
    pub(super) fn put_back(&self, mut earlier: Vec<TrailEvent>) {
        let mut events = self.events.lock();
        earlier.append(&mut events);
        *events = earlier;
        self.bound(&mut events);
    }

    fn bound(&self, events: &mut Vec<TrailEvent>) {
        let over = events.len().saturating_sub(self.limit);
        if over > 0 {
            tracing::warn!(dropped = over, limit = self.limit, "trail events are dropped: too many wait for the disk");
            events.drain(..over);
        }
    }
}

impl Work<'_> {
    /// Writes events, those of one journey in one row.
    pub(super) fn write_trail(&mut self, events: &[TrailEvent]) -> Result<(), Fault> {
        let mut journeys: Vec<JourneyId> = Vec::new();
        for event in events {
            if !journeys.contains(&event.journey) {
                journeys.push(event.journey);
            }
        }
        for journey in journeys {
            let own: Vec<&TrailEvent> = events.iter().filter(|event| event.journey == journey).collect();
            self.write_journey(journey, &own)?;
        }
        if self.trail_is_observed {
            self.effects.trail.extend_from_slice(events);
        }
        Ok(())
    }

    fn write_journey(&mut self, journey: JourneyId, events: &[&TrailEvent]) -> Result<(), Fault> {
        let Some(first_at) = events.iter().map(|event| event.at.0).min() else { return Ok(()) };
        let last_at = events.iter().map(|event| event.at.0).max().unwrap_or(first_at);
        let column = convert::journey_column(journey);
        let sql = "SELECT began_at FROM trail WHERE journey = ?1 LIMIT 1";
        let known = self.connection.prepare_cached(sql)?.query_row(params![column], |row| row.get(0)).optional()?;
        let began_at: i64 = known.unwrap_or(first_at);
        let sql = "INSERT INTO trail (journey, began_at, last_at, events) VALUES (?1, ?2, ?3, ?4)";
        let encoded = trail_codec::encode(events);
        self.connection.prepare_cached(sql)?.execute(params![column, began_at, last_at, encoded])?;
        let mut keys: Vec<String> = events.iter().flat_map(|event| event.keys()).collect();
        keys.sort_unstable();
        keys.dedup();
        let sql = "INSERT INTO trail_address (address, began_at, journey) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
        for key in keys {
            self.connection.prepare_cached(sql)?.execute(params![key, began_at, column])?;
        }
        Ok(())
    }

    /// Forgets up to `limit` journeys whose last event is before `before`. Returns how many.
    pub(crate) fn prune_trail(&mut self, before: UnixMillis, limit: usize) -> Result<u64, Fault> {
        let sql = "SELECT DISTINCT journey FROM trail AS old WHERE last_at < ?1 AND NOT EXISTS
                   (SELECT 1 FROM trail WHERE journey = old.journey AND last_at >= ?1) LIMIT ?2";
        let ended: Vec<i64> = self
            .connection
            .prepare_cached(sql)?
            .query_map(params![before.0, limit as i64], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for &journey in &ended {
            let sql = "DELETE FROM trail WHERE journey = ?1 RETURNING began_at, events";
            let rows: Vec<(i64, Vec<u8>)> = self
                .connection
                .prepare_cached(sql)?
                .query_map(params![journey], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<Result<_, _>>()?;
            let sql = "DELETE FROM trail_address WHERE address = ?1 AND began_at = ?2 AND journey = ?3";
            for (began_at, events) in rows {
                for event in trail_codec::decode(convert::journey(journey), &events)? {
                    for key in event.keys() {
                        self.connection.prepare_cached(sql)?.execute(params![key, began_at, journey])?;
                    }
                }
            }
        }
        Ok(ended.len() as u64)
    }
}
