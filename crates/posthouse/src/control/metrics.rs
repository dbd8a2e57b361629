//! All figures, in the text format of OpenMetrics.

use posthouse_flow::FilterFigure;
use posthouse_flow::alerts::{ALL, Alerts};
use posthouse_storage::{Queue, SendingWatch};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use serde_json::Value;

use super::Refusal;
use crate::house::House;

/// How much mail is on its way out, as it was when the figures were last asked for.
#[derive(Debug, Default)]
pub struct QueueFigures {
    entries: Gauge,
    held: Gauge,
    under_way: Gauge,
    frozen_accounts: Gauge,
    spooled_bytes: Gauge,
    tls_downgrades: Gauge,
    double_bounces_kept: Gauge,
    double_bounces_dropped: Gauge,
}

impl QueueFigures {
    /// Puts them beside those of the listeners.
    pub fn register(registry: &mut Registry) -> Self {
        let figures = Self::default();
        registry.register("queue_entries", "Recipients whose mail is on its way out", figures.entries.clone());
        registry.register("queue_held", "Of them, held back", figures.held.clone());
        registry.register("queue_under_way", "Of them, under way now", figures.under_way.clone());
        registry.register("accounts_frozen", "Accounts that may not send", figures.frozen_accounts.clone());
        let spooled = "Octets of messages in flight that are in memory";
        registry.register("spooled_bytes", spooled, figures.spooled_bytes.clone());
        let downgrades = "Deliveries with less TLS than their domain has always had, since the start";
        registry.register("tls_downgrades", downgrades, figures.tls_downgrades.clone());
        let kept = "Double bounces that were kept in the queue, since the start";
        registry.register("double_bounces_kept", kept, figures.double_bounces_kept.clone());
        let dropped = "Double bounces that were dropped for their number, age or size, since the start";
        registry.register("double_bounces_dropped", dropped, figures.double_bounces_dropped.clone());
        figures
    }
}

/// How far the index of words is, as it was when the figures were last asked for.
#[derive(Debug, Default)]
pub struct IndexFigures {
    waiting: Gauge,
    documents: Gauge,
    size_bytes: Gauge,
}

impl IndexFigures {
    /// Puts them beside the others.
    pub fn register(registry: &mut Registry) -> Self {
        let figures = Self::default();
        registry.register("search_index_waiting", "Messages not in the search index yet", figures.waiting.clone());
        registry.register("search_index_messages", "Messages in the search index", figures.documents.clone());
        registry.register("search_index_bytes", "Octets of the search index", figures.size_bytes.clone());
        figures
    }
}

/// What is not as it should be, as it was when the figures were last asked for.
#[derive(Debug, Default)]
pub struct AlertFigures {
    active: Family<NameLabel, Gauge>,
    raised: Family<NameLabel, Gauge>,
}

/// By the name of a kind of alert, of which there are only so many.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct NameLabel {
    name: &'static str,
}

impl AlertFigures {
    /// Puts them beside the others.
    pub fn register(registry: &mut Registry) -> Self {
        let figures = Self::default();
        registry.register("alert_active", "Alerts that stand, by name", figures.active.clone());
        registry.register("alert_raised", "Alerts that began since the start, by name", figures.raised.clone());
        figures
    }

    fn set(&self, alerts: &Alerts) {
        for kind in ALL {
            let (active, raised) = alerts.figures(kind);
            let of = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
            self.active.get_or_create(&NameLabel { name: kind.name }).set(of(active));
            self.raised.get_or_create(&NameLabel { name: kind.name }).set(of(raised));
        }
    }
}

/// What content filters said, as it was when the figures were last asked for.
#[derive(Debug, Default)]
pub struct FilterFigures {
    verdicts: Family<FilterLabels, Gauge>,
}

/// By filter and what it said, of which there are only so many.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FilterLabels {
    filter: String,
    verdict: &'static str,
}

impl FilterFigures {
    /// Puts them beside the others.
    pub fn register(registry: &mut Registry) -> Self {
        let figures = Self::default();
        let help = "What content filters said since the start, by filter and verdict";
        registry.register("filter_verdicts", help, figures.verdicts.clone());
        figures
    }

    fn set(&self, figures: Vec<FilterFigure>) {
        for FilterFigure { filter, verdict, count } in figures {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            self.verdicts.get_or_create(&FilterLabels { filter, verdict }).set(count);
        }
    }
}

pub async fn answer(house: &House) -> Result<Value, Refusal> {
    let counts = house.store.queue_counts().await?;
    let figures = &house.queue_figures;
    let of = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    figures.entries.set(of(counts.entries));
    figures.held.set(of(counts.held));
    figures.under_way.set(of(counts.leased));
    figures.frozen_accounts.set(of(house.store.sending_freezes().await?.len() as u64));
    figures.spooled_bytes.set(of(house.spool_room.in_memory_bytes()));
    figures.tls_downgrades.set(of(house.flow.tls_downgrades()));
    figures.double_bounces_kept.set(of(house.flow.double_bounces_kept()));
    figures.double_bounces_dropped.set(of(house.flow.double_bounces_dropped()));
    house.alert_figures.set(house.flow.alerts());
    house.filter_figures.set(house.flow.filter_figures());
    let index = house.indexer.state(None).await?;
    house.index_figures.waiting.set(of(index.waiting));
    house.index_figures.documents.set(of(index.documents));
    house.index_figures.size_bytes.set(of(index.size_bytes));
    Ok(Value::String(house.metrics.render()))
}
