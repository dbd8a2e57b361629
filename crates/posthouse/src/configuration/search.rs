//! `[search]`: how the index of words is kept.

use posthouse_mailbox::{IndexWhen, IndexerOptions};
use serde::Deserialize;

use super::value::{Parsed, words};

words! {
    /// When messages are indexed.
    When, "a time at which messages are indexed":
    /// When some have come.
    Always = "always",
    /// When somebody searches.
    Searched = "searched",
    /// When `posthouse reindex` says so.
    Never = "never",
}

/// The table as it stands in the file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SearchTable {
    index: Option<Parsed<When>>,
}

impl SearchTable {
    /// What it says.
    pub(super) fn options(self) -> IndexerOptions {
        let when = match self.index.map(|index| index.0) {
            None => return IndexerOptions::default(),
            Some(When::Always) => IndexWhen::Always,
            Some(When::Searched) => IndexWhen::Searched,
            Some(When::Never) => IndexWhen::Never,
        };
        IndexerOptions { when }
    }
}
