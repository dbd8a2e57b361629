//! What is kept of what was expunged.

use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::listener::Fault;
use super::value::Parsed;

/// How long what was expunged can be put back when nothing else is said.
const USUAL_UNDELETE: Duration = Duration::from_secs(14 * 24 * 60 * 60);
/// Longest time for which it can be put back.
const MAX_UNDELETE: Duration = Duration::from_secs(365 * 24 * 60 * 60);

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeepingTable {
    undelete_for: Option<Spanned<Parsed<Duration>>>,
}

/// What is kept of what was expunged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keeping {
    /// How long it can be put back; zero switches that off.
    pub undelete_for: Duration,
}

impl Keeping {
    pub(super) fn of_table(table: KeepingTable) -> Result<Self, Fault> {
        let Some(given) = table.undelete_for else { return Ok(Self { undelete_for: USUAL_UNDELETE }) };
        if given.as_ref().0 > MAX_UNDELETE {
            return Err((given.span(), "allowed are 0d (nothing is kept) to 365d".to_owned()));
        }
        Ok(Self { undelete_for: given.into_inner().0 })
    }
}
