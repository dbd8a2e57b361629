//! What is counted, in the text format of Prometheus.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// By listener.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ListenerLabel {
    listener: String,
}

/// By listener and reason.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    listener: String,
    reason: &'static str,
}

/// Handshakes by listener and version.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HandshakeLabels {
    listener: String,
    version: String,
}

/// Sign-ins by listener, mechanism and result.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LoginLabels {
    listener: String,
    mechanism: &'static str,
    result: &'static str,
}

/// Bytes by listener and direction.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DirectionLabels {
    listener: String,
    direction: &'static str,
}

/// Messages by listener and result.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MessageLabels {
    listener: String,
    result: &'static str,
}

/// All counters of the server.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    open: Family<ListenerLabel, Gauge>,
    connections: Family<ListenerLabel, Counter>,
    turned_away: Family<ReasonLabels, Counter>,
    handshakes: Family<HandshakeLabels, Counter>,
    handshakes_failed: Family<ListenerLabel, Counter>,
    logins: Family<LoginLabels, Counter>,
    messages: Family<MessageLabels, Counter>,
    bytes: Family<DirectionLabels, Counter>,
    questions: Family<ReasonLabels, Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("posthouse"),
            open: Family::default(),
            connections: Family::default(),
            turned_away: Family::default(),
            handshakes: Family::default(),
            handshakes_failed: Family::default(),
            logins: Family::default(),
            messages: Family::default(),
            bytes: Family::default(),
            questions: Family::default(),
        };
        let registry = &mut metrics.registry;
        registry.register("connections_open", "Connections that are open now", metrics.open.clone());
        registry.register("connections", "Connections that were accepted", metrics.connections.clone());
        registry.register("connections_turned_away", "Connections that were turned away", metrics.turned_away.clone());
        registry.register("tls_handshakes", "TLS handshakes that succeeded", metrics.handshakes.clone());
        registry.register("tls_handshakes_failed", "TLS handshakes that failed", metrics.handshakes_failed.clone());
        registry.register("logins", "Attempts to sign in", metrics.logins.clone());
        registry.register("messages", "Messages that were handed in", metrics.messages.clone());
        registry.register("bytes", "Bytes inside TLS, if there is any", metrics.bytes.clone());
        registry.register("imap_questions", "What IMAP sessions asked the house for", metrics.questions.clone());
        metrics
    }
}

impl Metrics {
    /// All figures in the text format of OpenMetrics.
    pub fn render(&self) -> String {
        let mut text = String::new();
        // Writing to a String does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }

    /// The registry, for others to add to before the server starts.
    pub fn registry_mut(&mut self) -> &mut Registry {
        &mut self.registry
    }

    /// The counters of one listener, looked up once.
    pub(crate) fn of_listener(&self, name: &str) -> ListenerMetrics {
        let listener = ListenerLabel { listener: name.to_owned() };
        let direction =
            |direction| self.bytes.get_or_create_owned(&DirectionLabels { listener: name.to_owned(), direction });
        let message = |result| self.messages.get_or_create_owned(&MessageLabels { listener: name.to_owned(), result });
        ListenerMetrics {
            open: self.open.get_or_create_owned(&listener),
            connections: self.connections.get_or_create_owned(&listener),
            handshakes_failed: self.handshakes_failed.get_or_create_owned(&listener),
            received: direction("in"),
            sent: direction("out"),
            accepted: message("accepted"),
            refused: message("refused"),
            name: name.to_owned(),
            turned_away: self.turned_away.clone(),
            handshakes: self.handshakes.clone(),
            logins: self.logins.clone(),
            questions: self.questions.clone(),
        }
    }
}

/// The counters of one listener.
#[derive(Debug)]
pub(crate) struct ListenerMetrics {
    pub(crate) open: Gauge,
    pub(crate) connections: Counter,
    pub(crate) handshakes_failed: Counter,
    pub(crate) received: Counter,
    pub(crate) sent: Counter,
    pub(crate) accepted: Counter,
    pub(crate) refused: Counter,
    name: String,
    turned_away: Family<ReasonLabels, Counter>,
    handshakes: Family<HandshakeLabels, Counter>,
    logins: Family<LoginLabels, Counter>,
    questions: Family<ReasonLabels, Counter>,
}

impl ListenerMetrics {
    pub(crate) fn turned_away(&self, reason: &'static str) {
        self.turned_away.get_or_create(&ReasonLabels { listener: self.name.clone(), reason }).inc();
    }

    pub(crate) fn handshake(&self, version: &str) {
        let labels = HandshakeLabels { listener: self.name.clone(), version: version.to_owned() };
        self.handshakes.get_or_create(&labels).inc();
    }

    pub(crate) fn login(&self, mechanism: &'static str, succeeded: bool) {
        let result = if succeeded { "ok" } else { "failed" };
        self.logins.get_or_create(&LoginLabels { listener: self.name.clone(), mechanism, result }).inc();
    }

    pub(crate) fn question(&self, name: &'static str) {
        self.questions.get_or_create(&ReasonLabels { listener: self.name.clone(), reason: name }).inc();
    }
}

/// Counts one for as long as it lives.
#[derive(Debug)]
pub(crate) struct Counted(Gauge);

impl Counted {
    pub(crate) fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_rendered() {
        let metrics = Metrics::default();
        let listener = metrics.of_listener("mx");
        let open = Counted::new(&listener.open);
        listener.connections.inc();
        listener.login("PLAIN", false);
        listener.handshake("TLS1.3");
        listener.turned_away("too fast");
        let text = metrics.render();
        for line in [
            "posthouse_connections_open{listener=\"mx\"} 1",
            "posthouse_connections_total{listener=\"mx\"} 1",
            "posthouse_logins_total{listener=\"mx\",mechanism=\"PLAIN\",result=\"failed\"} 1",
            "posthouse_tls_handshakes_total{listener=\"mx\",version=\"TLS1.3\"} 1",
            "posthouse_connections_turned_away_total{listener=\"mx\",reason=\"too fast\"} 1",
        ] {
            assert!(text.contains(line), "{line} in\n{text}");
        }
        drop(open);
        assert!(metrics.render().contains("posthouse_connections_open{listener=\"mx\"} 0"));
    }
}
