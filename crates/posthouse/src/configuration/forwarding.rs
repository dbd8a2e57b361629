//! `[forwarding]`: what is done with mail that aliases lead on.

use posthouse_flow::Forwarding;
use posthouse_model::Domain;
use serde::Deserialize;

use super::value::Parsed;

/// The table as it stands in the file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ForwardingTable {
    rewrite_senders: Option<bool>,
    sender_domain: Option<Parsed<Domain>>,
    seal: Option<bool>,
}

impl ForwardingTable {
    /// What it says.
    pub(super) fn options(self) -> Forwarding {
        let usual = Forwarding::default();
        Forwarding {
            rewrites_senders: self.rewrite_senders.unwrap_or(usual.rewrites_senders),
            srs_domain: self.sender_domain.map(|domain| domain.0),
            seals: self.seal.unwrap_or(usual.seals),
        }
    }
}
