//! Traces of OpenTelemetry: the trail of each message as spans, sent to a collector by OTLP over HTTP, in JSON.
//!
//! It follows the trail behind the store and never stands in its way: what the collector does not take in time is dropped
//! and counted. Neither text of messages nor addresses of people leave by here.

mod collector;
mod encoding;
mod exporter;
mod ids;

use std::sync::Arc;
use std::time::Duration;

use posthouse_domain_policy::Resolver;
use posthouse_model::{Domain, JourneyId, TrailEvent};
use posthouse_server::https::{HttpsClient, HttpsOptions};
use posthouse_storage::TrailObserver;
use posthouse_tls::ClientTls;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use tokio::sync::mpsc::{self, Sender};

use crate::configuration::TelemetrySettings;
use collector::Collector;
use encoding::Resource;
pub use exporter::Exporter;
use ids::{Sample, TraceId};

/// Most events that wait for the collector; more are dropped.
const MAX_WAITING_EVENTS: usize = 8192;
/// How long the collector may take for a batch.
const PATIENCE: Duration = Duration::from_secs(10);

/// What telemetry does, in figures.
#[derive(Clone, Debug, Default)]
pub struct TelemetryFigures {
    dropped: Counter,
}

impl TelemetryFigures {
    /// Puts them beside those of the listeners.
    pub fn register(registry: &mut Registry) -> Self {
        let figures = Self::default();
        let dropped = "Events of the trail that no collector of traces took";
        registry.register("telemetry_dropped", dropped, figures.dropped.clone());
        figures
    }
}

/// Follows the trail.
pub struct Telemetry {
    sample: Sample,
    events: Sender<TrailEvent>,
    figures: TelemetryFigures,
}

impl Telemetry {
    /// Who follows the trail, and who sends what they saw.
    pub fn new(
        settings: TelemetrySettings,
        host_name: &Domain,
        resolver: Arc<dyn Resolver>,
        tls: Arc<ClientTls>,
        figures: TelemetryFigures,
    ) -> (Arc<Self>, Exporter) {
        // The administrator chose the collector; it may well be in a network of theirs.
        let options = HttpsOptions { timeout: PATIENCE, may_be_private: true, ..HttpsOptions::default() };
        let collector = Collector::new(settings.endpoint, HttpsClient::new(resolver, tls, options), PATIENCE);
        let resource = Resource { service_name: settings.service_name, host_name: host_name.to_string() };
        let (events, waiting) = mpsc::channel(MAX_WAITING_EVENTS);
        let exporter = Exporter::new(waiting, collector, resource, figures.clone());
        (Arc::new(Self { sample: Sample::new(settings.sample), events, figures }), exporter)
    }

    /// The trace of a journey; `None` when it has none.
    pub fn trace_of(&self, journey: JourneyId) -> Option<String> {
        self.sample.keeps(journey).then(|| TraceId::of(journey).to_string())
    }
}

impl TrailObserver for Telemetry {
    fn recorded(&self, events: &[TrailEvent]) {
        for event in events.iter().filter(|event| self.sample.keeps(event.journey)) {
            // The store waits for this: nobody else does.
            if self.events.try_send(event.clone()).is_err() {
                self.figures.dropped.inc();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use posthouse_model::{TrailKind, UnixMillis};

    use super::*;

    #[test]
    fn what_finds_no_room_is_dropped_and_counted() {
        let (events, mut waiting) = mpsc::channel(2);
        let figures = TelemetryFigures::default();
        let telemetry = Telemetry { sample: Sample::new(1.0), events, figures: figures.clone() };
        let event = |at| TrailEvent::new(JourneyId(7), UnixMillis(at), TrailKind::Queued);
        telemetry.recorded(&[event(1), event(2), event(3)]);
        assert_eq!(figures.dropped.get(), 1);
        assert_eq!(waiting.try_recv().unwrap(), event(1));
        drop(waiting);
        telemetry.recorded(&[event(4)]);
        assert_eq!(figures.dropped.get(), 2);
        let none = Telemetry { sample: Sample::new(0.0), events: telemetry.events, figures: figures.clone() };
        none.recorded(&[event(5)]);
        assert_eq!((figures.dropped.get(), none.trace_of(JourneyId(7))), (2, None));
    }
}
