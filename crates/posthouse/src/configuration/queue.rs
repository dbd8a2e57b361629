//! `[queue]`: when mail that leaves is tried again, and how much of it goes at once.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use posthouse_flow::{DestinationRate, RetrySchedule};
use posthouse_model::Domain;
use serde::Deserialize;
use toml::Spanned;

use super::listener::Fault;
use super::value::Parsed;

/// The table as it stands in the file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct QueueTable {
    retry_after: Option<Spanned<Vec<Parsed<Duration>>>>,
    lifetime: Option<Parsed<Duration>>,
    report_delay_after: Option<Parsed<Duration>>,
    #[serde(default)]
    schedules: BTreeMap<Parsed<Domain>, ScheduleTable>,
    pub deliveries: Option<Spanned<usize>>,
    pub deliveries_per_destination: Option<Spanned<usize>>,
    messages_per_minute_per_destination: Option<Spanned<u32>>,
    pub held_messages_per_account: Option<usize>,
    #[serde(default)]
    messages_per_minute: BTreeMap<Parsed<Domain>, Spanned<u32>>,
}

/// When mail for one destination is tried again.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScheduleTable {
    retry_after: Option<Spanned<Vec<Parsed<Duration>>>>,
    lifetime: Option<Parsed<Duration>>,
    report_delay_after: Option<Parsed<Duration>>,
}

impl QueueTable {
    /// When to try again.
    pub fn schedule(&self) -> Result<RetrySchedule, Fault> {
        let (lifetime, late) = (self.lifetime.as_ref(), self.report_delay_after.as_ref());
        schedule(self.retry_after.as_ref(), lifetime, late, &RetrySchedule::default())
    }

    /// Those of some destinations. What one does not say is as for all.
    pub fn schedules(&self) -> Result<BTreeMap<Domain, RetrySchedule>, Fault> {
        let usual = self.schedule()?;
        let read = |table: &ScheduleTable| {
            let (lifetime, late) = (table.lifetime.as_ref(), table.report_delay_after.as_ref());
            schedule(table.retry_after.as_ref(), lifetime, late, &usual)
        };
        self.schedules.iter().map(|(domain, table)| Ok((domain.0.clone(), read(table)?))).collect()
    }

    /// How fast mail may go to a destination.
    pub fn default_rate(&self) -> Result<Option<DestinationRate>, Fault> {
        self.messages_per_minute_per_destination.as_ref().map(read_rate).transpose()
    }

    /// The same for some of them.
    pub fn rates(&self) -> Result<BTreeMap<Domain, DestinationRate>, Fault> {
        self.messages_per_minute.iter().map(|(domain, rate)| Ok((domain.0.clone(), read_rate(rate)?))).collect()
    }
}

/// A schedule, where what is not given is as `usual`.
fn schedule(
    waits: Option<&Spanned<Vec<Parsed<Duration>>>>,
    lifetime: Option<&Parsed<Duration>>,
    report_delay_after: Option<&Parsed<Duration>>,
    usual: &RetrySchedule,
) -> Result<RetrySchedule, Fault> {
    let waits = match waits {
        None => usual.waits.clone(),
        Some(list) if list.as_ref().is_empty() || list.as_ref().iter().any(|wait| wait.0.is_zero()) => {
            let message = "write at least one wait, and none of zero, such as [\"5m\", \"30m\", \"4h\"]";
            return Err((list.span(), message.to_owned()));
        }
        Some(list) => list.as_ref().iter().map(|wait| wait.0).collect(),
    };
    Ok(RetrySchedule {
        waits,
        lifetime: lifetime.map_or(usual.lifetime, |lifetime| lifetime.0),
        report_delay_after: report_delay_after.map_or(usual.report_delay_after, |after| after.0),
    })
}

fn read_rate(given: &Spanned<u32>) -> Result<DestinationRate, Fault> {
    let highest = DestinationRate::HIGHEST;
    let rate = NonZeroU32::new(*given.as_ref()).filter(|rate| rate.get() <= highest);
    let message = || (given.span(), format!("allowed are 1 to {highest} messages a minute; leave it out for no limit"));
    rate.map(DestinationRate::per_minute).ok_or_else(message)
}
