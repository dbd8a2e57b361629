//! Which log lines are written.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Refusal, shape};
use crate::house::House;

/// Show, or change, which log lines are written: [`LogLevelView`], as it is then.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogLevelRequest {
    /// Only show it.
    Show,
    /// Write the lines that pass this filter, until the server ends.
    Set {
        /// The filter.
        filter: String,
    },
    /// Write those that the configuration wants.
    Reset,
}

/// Which log lines are written.
#[derive(Debug, Serialize, Deserialize)]
pub struct LogLevelView {
    /// Those that pass this filter.
    pub current: String,
    /// The filter of the configuration.
    pub configured: String,
}

pub fn answer(request: &LogLevelRequest, house: &House) -> Result<Value, Refusal> {
    let switch = &house.log_switch;
    let filter = match request {
        LogLevelRequest::Show => None,
        LogLevelRequest::Set { filter } => Some(filter.as_str()),
        LogLevelRequest::Reset => Some(switch.configured()),
    };
    if let Some(filter) = filter {
        let refused = |error: anyhow::Error| {
            Refusal::Other(format!(
                "`{filter}` is not a log filter ({error}): write error, warn, info, debug or trace, or `target=level` \
                 separated by commas"
            ))
        };
        switch.set(filter).map_err(refused)?;
        tracing::info!(filter, "other log lines are written from now on");
    }
    shape(LogLevelView { current: switch.current(), configured: switch.configured().to_owned() })
}
