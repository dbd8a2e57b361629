//! `[transport]`: what proves the hosts that mail goes to.

use posthouse_model::Domain;
use serde::Deserialize;

use super::value::Parsed;

/// The table as it stands in the file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TransportTable {
    dane: Option<bool>,
    #[serde(default)]
    dane_only: Vec<Parsed<Domain>>,
}

/// What proves the hosts that mail goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transport {
    /// Whether hosts are held to their signed TLSA records (RFC 7672).
    pub dane: bool,
    /// Domains whose hosts have to have some.
    pub dane_only: Vec<Domain>,
}

impl Transport {
    pub(super) fn of_table(table: TransportTable) -> Self {
        Self {
            dane: table.dane.unwrap_or(true),
            dane_only: table.dane_only.into_iter().map(|domain| domain.0).collect(),
        }
    }
}
