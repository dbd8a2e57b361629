//! DELIVERBY (RFC 2852): a message that is to be delivered within a time, or returned, or its sender told.

use posthouse_model::{ByMode, DeliverBy, FutureRelease, UnixMillis};

use super::session::ServerSession;
use crate::command::{ByValue, CommandError};
use crate::extension::Extension;
use crate::reply::{self, Reply};

impl ServerSession {
    /// ```text
    /// "DELIVERBY" [ SP min-by-time ]
    /// ```
    pub(super) fn deliver_by_line(&self) -> Option<String> {
        self.date().filter(|_| !self.config.is_lmtp())?;
        let keyword = Extension::DeliverBy.keyword();
        Some(match self.config.min_deliver_by {
            None => keyword.to_owned(),
            Some(least) => format!("{keyword} {}", least.as_secs()),
        })
    }

    /// Until when a message is to be delivered, or why that is refused.
    pub(super) fn deliver_by(&self, by: ByValue, release: Option<FutureRelease>) -> Result<DeliverBy, Reply> {
        let Some(now) = self.date().filter(|_| !self.config.is_lmtp()) else {
            return Err(reply::parameter_not_offered());
        };
        let least = self.config.min_deliver_by.unwrap_or_default().as_secs();
        if by.mode == ByMode::Return && by.seconds < i64::try_from(least).unwrap_or(i64::MAX) {
            // RFC 2852 §3: "rejected with a permanent failure (55z)"; §4: 555 where a valid time cannot be honoured.
            return Err(reply::deliver_by_too_soon());
        }
        let at = UnixMillis(now.0.saturating_add(by.seconds.saturating_mul(1000)));
        if release.is_some_and(|release| release.at > at) {
            // RFC 4865 §5.2.2: both cannot be kept.
            return Err(reply::command(CommandError::BadParameterValue));
        }
        Ok(DeliverBy { at, mode: by.mode, trace: by.trace })
    }
}
