//! Gathers events and hands them to the collector, batch by batch.

use std::time::Duration;

use posthouse_model::TrailEvent;
use tokio::sync::mpsc::Receiver;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::TelemetryFigures;
use super::collector::{Collector, ExportError};
use super::encoding::{Resource, encode};

/// Most events of a batch.
const MAX_BATCH_EVENTS: usize = 512;
/// How long a batch is gathered that does not become full.
const INTERVAL: Duration = Duration::from_secs(2);
/// How long the collector may take for everything that is left when the server ends.
const LAST_PATIENCE: Duration = Duration::from_secs(3);

/// Hands events to the collector.
pub struct Exporter {
    events: Receiver<TrailEvent>,
    collector: Collector,
    resource: Resource,
    figures: TelemetryFigures,
    /// Whether the last batch was not taken.
    fails: bool,
}

impl Exporter {
    pub(super) fn new(
        events: Receiver<TrailEvent>,
        collector: Collector,
        resource: Resource,
        figures: TelemetryFigures,
    ) -> Self {
        Self { events, collector, resource, figures, fails: false }
    }

    /// Works until `shutdown` becomes true, and then for as long as what is left takes, within bounds.
    pub async fn run(mut self, mut shutdown: watch::Receiver<bool>) {
        let mut batch = Vec::with_capacity(MAX_BATCH_EVENTS);
        loop {
            tokio::select! {
                _ = shutdown.wait_for(|is_over| *is_over) => break,
                () = gather(&mut self.events, &mut batch) => {}
            }
            if batch.is_empty() {
                // Nobody follows the trail any more.
                break;
            }
            // What is interrupted is handed over once more: spans have their own numbers, so nobody counts them twice.
            tokio::select! {
                _ = shutdown.wait_for(|is_over| *is_over) => break,
                () = self.export(&batch) => batch.clear(),
            }
        }
        self.events.close();
        while let Ok(event) = self.events.try_recv() {
            batch.push(event);
        }
        let mut left = batch.len();
        let finish = async {
            for part in batch.chunks(MAX_BATCH_EVENTS) {
                self.export(part).await;
                left -= part.len();
            }
        };
        let finished = timeout(LAST_PATIENCE, finish).await;
        if finished.is_err() {
            self.figures.dropped.inc_by(left as u64);
        }
    }

    /// Hands over a batch. A collector that is busy and says until when is asked once more.
    async fn export(&mut self, batch: &[TrailEvent]) {
        let body = encode(batch, &self.resource);
        let mut outcome = self.collector.take(&body).await;
        if let Err(ExportError::Later(wait)) = outcome {
            sleep(wait).await;
            outcome = self.collector.take(&body).await;
        }
        match outcome {
            Ok(rejected) => {
                self.figures.dropped.inc_by(rejected.min(batch.len() as u64));
                if std::mem::take(&mut self.fails) {
                    tracing::info!("traces are taken again");
                }
            }
            Err(error) => {
                self.figures.dropped.inc_by(batch.len() as u64);
                // Said once, not for every batch.
                if !std::mem::replace(&mut self.fails, true) {
                    tracing::warn!(%error, "traces cannot be handed to the collector and are dropped until they can");
                }
            }
        }
    }
}

/// Waits for an event, and for what comes in the time after it until the batch is full.
async fn gather(events: &mut Receiver<TrailEvent>, batch: &mut Vec<TrailEvent>) {
    if batch.is_empty() {
        events.recv_many(batch, MAX_BATCH_EVENTS).await;
    }
    let until = Instant::now() + INTERVAL;
    while batch.len() < MAX_BATCH_EVENTS {
        let room = MAX_BATCH_EVENTS - batch.len();
        match timeout_at(until, events.recv_many(batch, room)).await {
            Ok(1..) => {}
            // Nobody sends any more, or the time is over.
            Ok(0) | Err(_) => return,
        }
    }
}
