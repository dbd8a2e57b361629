//! The monotonic clock of the sessions.

use posthouse_model::Instant;

/// Milliseconds since the server started, as sessions want them. Follows tokio's clock, which tests can pause.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    origin: tokio::time::Instant,
}

impl Clock {
    /// A clock that starts now.
    pub(crate) fn start() -> Self {
        Self { origin: tokio::time::Instant::now() }
    }

    /// The time.
    pub(crate) fn now(self) -> Instant {
        Instant(u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// When the clock will show `instant`.
    pub(crate) fn at(self, instant: Instant) -> tokio::time::Instant {
        self.origin + instant.since(Instant(0))
    }
}
