//! What is done with mail that lies: rules of retention are applied, and what was kept long enough is forgotten.

use std::sync::Arc;
use std::time::Duration;

use posthouse_mailbox::Mailboxes;
use posthouse_model::UnixMillis;
use posthouse_storage::{Duplicates, ReceivedTlsReports, Recovery};
use posthouse_storage_sqlite::SqliteStorage;
use tokio::sync::watch;

/// How often there is a round.
const INTERVAL: Duration = Duration::from_secs(10 * 60);
/// How long the next one waits when one was cut short.
const PAUSE: Duration = Duration::from_secs(1);

/// How long reports of others about TLS are kept, in milliseconds: a year and some.
const KEEP_TLS_REPORTS_MS: i64 = 400 * 24 * 60 * 60 * 1000;

/// What the rounds work with.
pub struct Keeper {
    /// The store.
    pub store: Arc<SqliteStorage>,
    /// Mail at rest.
    pub mailboxes: Arc<Mailboxes>,
    /// How long what was expunged can be put back.
    pub undelete_for: Duration,
}

impl Keeper {
    /// Has a round now and then, until `shutdown` becomes true.
    pub async fn run(self, now: impl Fn() -> UnixMillis + Send, mut shutdown: watch::Receiver<bool>) {
        loop {
            let wait = if self.round(now()).await { PAUSE } else { INTERVAL };
            tokio::select! {
                _ = shutdown.wait_for(|is_over| *is_over) => return,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// One round. Whether there is more to do.
    async fn round(&self, now: UnixMillis) -> bool {
        let is_cut_short = match self.mailboxes.apply_retention(now).await {
            Ok(round) => {
                if round.expunged > 0 {
                    tracing::info!(count = round.expunged, "messages were expunged by rules of retention");
                }
                round.is_cut_short
            }
            Err(error) => {
                tracing::error!(%error, "rules of retention cannot be applied");
                false
            }
        };
        let kept_ms = i64::try_from(self.undelete_for.as_millis()).unwrap_or(i64::MAX);
        match self.store.forget_expunged(UnixMillis(now.0.saturating_sub(kept_ms))).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "expunged messages can no longer be put back"),
            Err(error) => tracing::error!(%error, "expunged messages cannot be forgotten"),
        }
        if let Err(error) = self.store.forget_duplicates(now).await {
            tracing::error!(%error, "messages whose duplicates were suppressed cannot be forgotten");
        }
        if let Err(error) = self.store.forget_tls_reports(UnixMillis(now.0.saturating_sub(KEEP_TLS_REPORTS_MS))).await {
            tracing::error!(%error, "old reports about TLS cannot be forgotten");
        }
        is_cut_short
    }
}
