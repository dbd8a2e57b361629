//! FUTURERELEASE (RFC 4865): a message that is handed in now and let go later.

use std::time::Duration;

use posthouse_model::{FutureRelease, HoldRequest, UnixMillis};

use super::session::ServerSession;
use crate::command::CommandError;
use crate::extension::Extension;
use crate::reply::{self, Reply};

impl ServerSession {
    /// How long messages may wait here, and what the date is.
    fn hold_offer(&self) -> Option<(Duration, UnixMillis)> {
        Some((self.config.offered_hold()?, self.date()?))
    }

    /// ```text
    /// "FUTURERELEASE" SP max-future-release-interval SP max-future-release-date-time
    /// ```
    pub(super) fn future_release_line(&self) -> Option<String> {
        let (most, now) = self.hold_offer()?;
        let latest = UnixMillis::from_seconds((now + most).seconds());
        Some(format!("{} {} {}", Extension::FutureRelease.keyword(), most.as_secs(), latest.to_rfc3339()))
    }

    /// When a message is to be let go, or why that is refused.
    pub(super) fn future_release(&self, request: HoldRequest) -> Result<FutureRelease, Reply> {
        let Some((most, now)) = self.hold_offer() else { return Err(reply::parameter_not_offered()) };
        if self.identity.is_none() {
            // RFC 4865 §6: who may have mail kept here is known.
            return Err(reply::authentication_required());
        }
        let at = match request {
            HoldRequest::For(seconds) => now + Duration::from_secs(seconds.into()),
            HoldRequest::Until(at) => at,
        };
        // RFC 4865 §4.2 (7), (8), (10), (11): what is invalid, such as the past, is refused like what is too far.
        if at <= now || at > now + most {
            return Err(reply::command(CommandError::BadParameterValue));
        }
        Ok(FutureRelease { request, at })
    }
}
