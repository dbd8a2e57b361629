//! `[sending_watch]`: from when on an account that sends too much is frozen.

use posthouse_flow::WatchThresholds;
use serde::Deserialize;
use toml::Spanned;

use super::listener::Fault;

/// The table as it stands in the file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SendingWatchTable {
    enabled: Option<bool>,
    recipients_per_hour: Option<u64>,
    recipients_per_day: Option<u64>,
    times_usual: Option<Spanned<u64>>,
    bounces_per_day: Option<u64>,
    bounce_percent: Option<Spanned<u64>>,
}

impl SendingWatchTable {
    /// What it says; `None` when nobody is watched.
    pub(super) fn thresholds(self) -> Result<Option<WatchThresholds>, Fault> {
        let usual = WatchThresholds::default();
        if let Some(times) = self.times_usual.as_ref().filter(|times| *times.as_ref() == 0) {
            return Err((times.span(), "allowed is 1 or more".to_owned()));
        }
        if let Some(percent) = self.bounce_percent.as_ref().filter(|percent| !(1..=100).contains(percent.as_ref())) {
            return Err((percent.span(), "allowed are 1 to 100".to_owned()));
        }
        let thresholds = WatchThresholds {
            hour: self.recipients_per_hour.unwrap_or(usual.hour),
            day: self.recipients_per_day.unwrap_or(usual.day),
            times_usual: self.times_usual.map_or(usual.times_usual, Spanned::into_inner),
            bounces: self.bounces_per_day.unwrap_or(usual.bounces),
            bounce_percent: self.bounce_percent.map_or(usual.bounce_percent, Spanned::into_inner),
        };
        Ok(self.enabled.unwrap_or(true).then_some(thresholds))
    }
}
