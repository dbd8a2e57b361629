//! `[alerts]`: when there are alerts, and who hears of them.

use std::time::Duration;

use posthouse_flow::alerts::{AlertMail, AlertThresholds};
use serde::Deserialize;
use toml::Spanned;

use super::listener::Fault;
use super::value::{ByteSize, Parsed};

/// Shortest pause between two letters.
const LEAST_PAUSE: Duration = Duration::from_secs(60);

/// The table as it stands in the file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AlertsTable {
    mail: Option<bool>,
    mail_pause: Option<Spanned<Parsed<Duration>>>,
    queue_entries: Option<Spanned<u64>>,
    queue_growth_per_hour: Option<Spanned<u64>>,
    queue_age: Option<Parsed<Duration>>,
    disk_free: Option<Parsed<ByteSize>>,
    disk_free_percent: Option<Spanned<u64>>,
    certificate_left: Option<Parsed<Duration>>,
    clock_jump: Option<Spanned<Parsed<Duration>>>,
    resolver_failed_percent: Option<Spanned<u64>>,
}

/// When there are alerts, and who hears of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertSettings {
    /// Whether the postmaster gets letters.
    pub mail: AlertMail,
    /// From when on there are alerts.
    pub thresholds: AlertThresholds,
}

impl AlertSettings {
    /// What the table says.
    pub(super) fn of_table(table: AlertsTable) -> Result<Self, Fault> {
        let usual = AlertThresholds::default();
        let mail = AlertMail::default();
        if let Some(pause) = table.mail_pause.as_ref().filter(|pause| pause.as_ref().0 < LEAST_PAUSE) {
            return Err((pause.span(), "allowed is 1m or more; `mail = false` sends none".to_owned()));
        }
        if let Some(jump) = table.clock_jump.as_ref().filter(|jump| jump.as_ref().0.is_zero()) {
            return Err((jump.span(), "allowed is 1s or more".to_owned()));
        }
        let thresholds = AlertThresholds {
            queue_entries: at_least_one(table.queue_entries, usual.queue_entries)?,
            queue_growth: at_least_one(table.queue_growth_per_hour, usual.queue_growth)?,
            queue_age: table.queue_age.map_or(usual.queue_age, |age| age.0),
            disk_free_bytes: table.disk_free.map_or(usual.disk_free_bytes, |size| size.0.0),
            disk_free_percent: percent(table.disk_free_percent, 0, usual.disk_free_percent)?,
            certificate_left: table.certificate_left.map_or(usual.certificate_left, |left| left.0),
            clock_jump: table.clock_jump.map_or(usual.clock_jump, |jump| jump.into_inner().0),
            resolver_failed_percent: percent(table.resolver_failed_percent, 1, usual.resolver_failed_percent)?,
        };
        let mail = AlertMail {
            is_sent: table.mail.unwrap_or(mail.is_sent),
            pause: table.mail_pause.map_or(mail.pause, |pause| pause.into_inner().0),
        };
        Ok(Self { mail, thresholds })
    }
}

fn at_least_one(given: Option<Spanned<u64>>, usual: u64) -> Result<u64, Fault> {
    match given {
        None => Ok(usual),
        Some(count) if *count.as_ref() == 0 => Err((count.span(), "allowed are 1 and more".to_owned())),
        Some(count) => Ok(count.into_inner()),
    }
}

fn percent(given: Option<Spanned<u64>>, least: u64, usual: u64) -> Result<u64, Fault> {
    match given {
        None => Ok(usual),
        Some(percent) if (least..=100).contains(percent.as_ref()) => Ok(percent.into_inner()),
        Some(percent) => Err((percent.span(), format!("allowed are {least} to 100 percent"))),
    }
}
