//! The trail is kept for a while, not for ever: who wrote to whom is nobody's business after that.

use std::sync::Arc;
use std::time::Duration;

use posthouse_model::UnixMillis;
use posthouse_storage::Trail;
use posthouse_storage_sqlite::SqliteStorage;
use tokio::sync::watch;

/// How often old journeys are looked for.
const INTERVAL: Duration = Duration::from_secs(60 * 60);

/// Forgets journeys that ended longer than `keep_for` ago, now and then, until `shutdown` becomes true.
pub async fn run(
    store: Arc<SqliteStorage>,
    now: impl Fn() -> UnixMillis + Send,
    keep_for: Duration,
    mut shutdown: watch::Receiver<bool>,
) {
    let keep_ms = i64::try_from(keep_for.as_millis()).unwrap_or(i64::MAX);
    loop {
        match store.prune_trail(UnixMillis(now().0.saturating_sub(keep_ms))).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "old journeys were forgotten"),
            Err(error) => tracing::error!(%error, "old journeys cannot be forgotten"),
        }
        tokio::select! {
            _ = shutdown.wait_for(|is_over| *is_over) => return,
            () = tokio::time::sleep(INTERVAL) => {}
        }
    }
}
