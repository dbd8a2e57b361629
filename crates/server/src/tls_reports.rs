//! Sending reports about TLS, once a day, to the domains that want them (RFC 8460).

use std::sync::Arc;
use std::time::Duration;

use posthouse_domain_policy::Resolver;
use posthouse_domain_policy::transport::{ReportPlace, SessionCount, TlsReport, gzip, report_places};
use posthouse_flow::{Environment, Flow, TlsReportMail, day_of};
use posthouse_model::{Address, Domain, Secret};
use posthouse_storage::{Storage, StorageError, TlsCountKey};
use tokio::sync::watch;

use crate::https::HttpsClient;

/// How often it is looked whether a day is over.
const LOOK_INTERVAL: Duration = Duration::from_secs(30 * 60);
/// Days whose counts are kept.
const KEPT_DAYS: u32 = 30;
/// Days that are made up for after a time in which the server did not run.
const MOST_DAYS_BEHIND: u32 = 3;
/// Under which name the last day that was reported on is kept.
const LAST_DAY_SETTING: &str = "tls-reports.last-day";
/// Most octets of the answer to a report.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// The media type of a report (RFC 8460 §6.4).
const MEDIA_TYPE: &str = "application/tlsrpt+gzip";
const DAY_SECONDS: u64 = 24 * 60 * 60;

/// Who reports.
#[derive(Clone, Debug)]
pub struct Reporter {
    /// What we call ourselves.
    pub organization: String,
    /// Whom to ask, and whence reports come.
    pub from: Address,
}

/// Sends reports.
pub struct TlsReports {
    store: Arc<dyn Storage>,
    flow: Arc<Flow>,
    resolver: Arc<dyn Resolver>,
    https: HttpsClient,
    environment: Arc<dyn Environment>,
    reporter: Reporter,
}

impl TlsReports {
    /// Gets ready; sends nothing yet.
    pub fn new(
        store: Arc<dyn Storage>,
        flow: Arc<Flow>,
        resolver: Arc<dyn Resolver>,
        https: HttpsClient,
        environment: Arc<dyn Environment>,
        reporter: Reporter,
    ) -> Self {
        Self { store, flow, resolver, https, environment, reporter }
    }

    /// Sends the reports of each day when it is over, until told to stop.
    pub async fn run(self, mut is_over: watch::Receiver<bool>) {
        while !*is_over.borrow_and_update() {
            if let Err(error) = self.report_days().await {
                tracing::error!(%error, "reports about TLS cannot be made now");
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_INTERVAL) => {}
                changed = is_over.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Reports on the days that are over and were not reported on. A day that was begun is not begun again: a report
    /// that is lost does less harm than one that comes twice.
    ///
    /// # Errors
    /// When the store cannot.
    pub async fn report_days(&self) -> Result<(), StorageError> {
        let today = day_of(self.environment.now());
        let last = self.store.setting(LAST_DAY_SETTING).await?;
        let last = last.and_then(|value| std::str::from_utf8(value.expose()).ok()?.parse::<u32>().ok());
        // A server that starts for the first time has nothing to report on yet.
        let first = last.map_or(today, |last| (last + 1).max(today.saturating_sub(MOST_DAYS_BEHIND)));
        if last.is_none_or(|last| last + 1 < today) {
            let done = today.saturating_sub(1).to_string();
            self.store.put_setting(LAST_DAY_SETTING, Secret::new(done)).await?;
        }
        for day in first..today {
            self.report_day(day).await?;
        }
        self.store.forget_tls_counts(today.saturating_sub(KEPT_DAYS)).await
    }

    async fn report_day(&self, day: u32) -> Result<(), StorageError> {
        let counts = self.store.tls_counts(day).await?;
        // They come by domain.
        for of_domain in counts.chunk_by(|(one, _), (other, _)| one.domain == other.domain) {
            let Some((key, _)) = of_domain.first() else { continue };
            // One report, wherever it goes: whoever gets it twice sees that.
            let host = &self.flow.options().host_name;
            let id = format!("{day}.{:016x}@{host}", self.environment.random());
            for place in self.places(&key.domain).await {
                self.send(&key.domain, day, &id, of_domain, &place).await;
            }
        }
        Ok(())
    }

    /// Where a domain wants reports.
    async fn places(&self, domain: &Domain) -> Vec<ReportPlace> {
        let Ok(name) = Domain::parse(&format!("_smtp._tls.{domain}")) else { return Vec::new() };
        self.resolver.texts(&name).await.map(|found| report_places(&found.records)).unwrap_or_default()
    }

    async fn send(&self, domain: &Domain, day: u32, id: &str, counts: &[(TlsCountKey, u64)], place: &ReportPlace) {
        let host = &self.flow.options().host_name;
        let counts: Vec<_> = counts.iter().map(|(key, sessions)| session_count(key, *sessions)).collect();
        let Reporter { organization, from } = &self.reporter;
        let report = TlsReport::of_day(organization, &format!("mailto:{from}"), id, domain, day, &counts);
        let json = match report.to_json() {
            Ok(json) => json,
            Err(error) => return tracing::error!(%domain, %error, "a report about TLS cannot be written"),
        };
        let compressed = gzip(json.as_bytes());
        let begin = u64::from(day) * DAY_SECONDS;
        // RFC 8460 §5.1: who, about whom, from when, until when.
        let file_name = format!("{host}!{domain}!{begin}!{}.json.gz", begin + DAY_SECONDS - 1);
        let sent = match place {
            ReportPlace::Mail(to) => {
                let mail =
                    TlsReportMail { from, to, domain, report_id: id, file_name: &file_name, report: &compressed };
                self.flow.send_tls_report(&mail).await.map_err(|error| error.to_string())
            }
            ReportPlace::Https(url) => match self.https.post(url, MEDIA_TYPE, &compressed, MAX_ANSWER_BYTES).await {
                // RFC 8460 §5.4: anything of the class 2 is a success.
                Ok(response) if (200..300).contains(&response.status) => Ok(()),
                Ok(response) => Err(format!("the host answers {}", response.status)),
                Err(error) => Err(error.to_string()),
            },
        };
        match sent {
            Ok(()) => tracing::info!(%domain, day, id, "a report about TLS was sent"),
            Err(error) => tracing::warn!(%domain, day, error, "a report about TLS cannot be sent"),
        }
    }
}

fn session_count(key: &TlsCountKey, sessions: u64) -> SessionCount {
    SessionCount {
        policy_type: key.policy_type.clone(),
        policy: key.policy.clone(),
        mx_host: key.mx_host.clone(),
        receiving_ip: key.receiving_ip.clone(),
        result: key.result.clone(),
        detail: key.detail.clone(),
        sessions,
    }
}
