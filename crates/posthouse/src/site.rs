//! What is answered over HTTP: our MTA-STS policies, reports that others post, how we are, and the figures.

use std::net::IpAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use posthouse_domain_policy::transport::ReportForm;
use posthouse_flow::ReportRefusal;
use posthouse_flow::alerts::DISK_LOW;
use posthouse_model::{Domain, Secret};
use posthouse_server::ListenerRole;
use posthouse_server::web::{Method, Reply, Request, Site};
use posthouse_storage::Settings;
use serde::Serialize;

use crate::control::metrics;
use crate::house::House;

/// Where the policy of a domain is (RFC 8461 §3.3): at this path of the host that has this label in front.
pub const POLICY_PATH: &str = "/.well-known/mta-sts.txt";
const POLICY_LABEL: &str = "mta-sts.";
/// Where reports about TLS are posted.
pub const REPORT_PATH: &str = "/tls-reports";
const LIVE_PATH: &str = "/health/live";
const READY_PATH: &str = "/health/ready";
const METRICS_PATH: &str = "/metrics";
/// The media type of figures in the text format of OpenMetrics.
const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const TEXT_TYPE: &str = "text/plain; charset=utf-8";
/// How long the store may take for a write before it counts as one that cannot.
const WRITE_PATIENCE: Duration = Duration::from_secs(5);
/// What is written to see that the store can be written.
const HEARTBEAT: &str = "health-heartbeat";
/// The prefix of IPv6 addresses that count as one source of reports: what a customer has at least.
const V6_SOURCE_PREFIX: u32 = 64;

/// Answers for a house, as long as it is there.
pub struct HouseSite {
    house: Weak<House>,
}

impl HouseSite {
    /// Somebody who answers for this house.
    pub fn new(house: &Arc<House>) -> Self {
        Self { house: Arc::downgrade(house) }
    }
}

/// How the parts are without which no mail flows.
#[derive(Debug, Serialize)]
struct Readiness {
    /// Whether all of them are well.
    ready: bool,
    /// Whether the store could be written just now.
    store: bool,
    /// Whether every listener accepts connections.
    listeners: bool,
    /// Whether the queue is worked on.
    queue: bool,
    /// Whether there is room on the disk: `[alerts] disk_free`.
    disk: bool,
}

#[async_trait]
impl Site for HouseSite {
    fn takes(&self, role: ListenerRole, path: &str) -> bool {
        role == ListenerRole::Https && path == REPORT_PATH
    }

    async fn answer(&self, role: ListenerRole, request: Request) -> Reply {
        let Some(house) = self.house.upgrade() else { return Reply::plain(503) };
        match (role, request.path.as_str()) {
            (ListenerRole::Https, POLICY_PATH) => policy(&house, &request.host).await,
            (ListenerRole::Https, REPORT_PATH) if request.method != Method::Post => Reply::only("POST"),
            (ListenerRole::Https, REPORT_PATH) => report(&house, request).await,
            (ListenerRole::Health, LIVE_PATH) => Reply::text(200, TEXT_TYPE, "live\n"),
            (ListenerRole::Health, READY_PATH) => readiness(&house).await,
            (ListenerRole::Health, METRICS_PATH) => figures(&house).await,
            _ => Reply::plain(404),
        }
    }
}

/// RFC 8461 §3.3: `text/plain`, and no redirects.
async fn policy(house: &House, host: &str) -> Reply {
    let domain = host.strip_prefix(POLICY_LABEL).and_then(|name| Domain::parse(name).ok());
    let Some(domain) = domain else { return Reply::plain(404) };
    match house.identity.is_ours(&domain).await {
        Ok(true) => match house.own_policies.of(&domain) {
            Some(policy) => Reply::text(200, "text/plain", policy.text()),
            None => Reply::plain(404),
        },
        Ok(false) => Reply::plain(404),
        Err(error) => {
            tracing::error!(%error, "whether a domain is ours cannot be found out");
            Reply::plain(503)
        }
    }
}

/// RFC 8460 §5.4.
async fn report(house: &House, request: Request) -> Reply {
    if house.flow.tls_report_address(&house.host_name).is_none() {
        return Reply::plain(404);
    }
    let Some(form) = ReportForm::of_media_type(&request.media_type) else { return Reply::plain(415) };
    match house.flow.take_posted_report(&source(request.peer), form, request.body).await {
        Ok(_) => Reply::plain(200),
        Err(refusal) => {
            tracing::info!(peer = %request.peer, ?refusal, "a report about TLS that was posted is not taken in");
            Reply::plain(match refusal {
                ReportRefusal::NoReport(_) | ReportRefusal::NotSigned | ReportRefusal::Unreadable(_) => 400,
                ReportRefusal::NotOurs => 422,
                ReportRefusal::TooMany => 429,
                ReportRefusal::Unavailable => 503,
            })
        }
    }
}

/// Whoever has one address of these has all of them.
fn source(peer: IpAddr) -> String {
    match peer.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let network = address.to_bits() & (u128::MAX << (128 - V6_SOURCE_PREFIX));
            format!("{}/{V6_SOURCE_PREFIX}", std::net::Ipv6Addr::from_bits(network))
        }
    }
}

async fn readiness(house: &House) -> Reply {
    let value = Secret::new(house.now().to_string());
    let written = tokio::time::timeout(WRITE_PATIENCE, house.store.put_setting(HEARTBEAT, value)).await;
    let (low_disks, _) = house.flow.alerts().figures(&DISK_LOW);
    let mut found = Readiness {
        ready: false,
        store: matches!(written, Ok(Ok(()))),
        listeners: house.is_accepting(),
        queue: house.queue_runs(),
        disk: low_disks == 0,
    };
    found.ready = found.store && found.listeners && found.queue && found.disk;
    let status = if found.ready { 200 } else { 503 };
    match serde_json::to_string(&found) {
        Ok(text) => Reply::text(status, "application/json", text + "\n"),
        Err(_) => Reply::plain(500),
    }
}

async fn figures(house: &House) -> Reply {
    match metrics::answer(house).await {
        Ok(serde_json::Value::String(text)) => Reply::text(200, METRICS_TYPE, text),
        Ok(_) => Reply::plain(500),
        Err(error) => {
            tracing::error!(%error, "the figures cannot be had");
            Reply::plain(503)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources() {
        for (peer, expected) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ] {
            assert_eq!(source(peer.parse().unwrap()), expected);
        }
    }
}
