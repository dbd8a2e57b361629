//! What DNS says about this house and the domains it has mail for, and what it ought to say.
//!
//! A survey asks, compares and advises; it changes nothing. Each finding that is not as it should be says what to do, and
//! where a record is missing, which.

mod blocklists;
mod domain;
mod host;
#[cfg(test)]
mod tests;

use posthouse_model::Domain;

pub use blocklists::{BLOCKLISTS, Blocklist, survey_blocklists};
pub use domain::{ExpectedKey, OwnDomain, survey_domain};
pub use host::{OwnHost, survey_host};

use crate::LookupError;

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// As it should be.
    Good,
    /// It works, but could be better, or nothing can be said.
    Advice,
    /// Mail does not come, or is not believed.
    Failure,
}

/// A record to be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedRecord {
    /// Its name.
    pub name: String,
    /// `MX`, `TXT`…
    pub kind: &'static str,
    /// Its content.
    pub content: String,
}

/// Something that was found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is about, such as `example.org, SPF`.
    pub subject: String,
    /// How it stands.
    pub standing: Standing,
    /// What was found.
    pub details: String,
    /// What to do, if anything.
    pub advice: Option<String>,
    /// A record that would mend it.
    pub wanted: Option<WantedRecord>,
}

impl Finding {
    fn good(subject: String, details: impl Into<String>) -> Self {
        Self { subject, standing: Standing::Good, details: details.into(), advice: None, wanted: None }
    }

    fn advice(subject: String, details: impl Into<String>, advice: impl Into<String>) -> Self {
        let (details, advice) = (details.into(), Some(advice.into()));
        Self { subject, standing: Standing::Advice, details, advice, wanted: None }
    }

    fn failure(subject: String, details: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { standing: Standing::Failure, ..Self::advice(subject, details, advice) }
    }

    /// DNS did not say.
    fn silent(subject: String, error: &LookupError) -> Self {
        Self::advice(subject, format!("cannot be looked up: {error}"), "look again later; is the DNS server all right?")
    }

    fn with(mut self, name: impl Into<String>, kind: &'static str, content: impl Into<String>) -> Self {
        self.wanted = Some(WantedRecord { name: name.into(), kind, content: content.into() });
        self
    }
}

/// Whether a name is one that DNS has nothing about (RFC 6761 §6, RFC 2606), so that nobody need be asked.
#[must_use]
pub fn is_for_tests(domain: &Domain) -> bool {
    const FOR_TESTS: [&str; 4] = ["test", "example", "invalid", "localhost"];
    const EXAMPLES: [&str; 3] = ["example.com", "example.net", "example.org"];
    let name = domain.as_str();
    let last = name.rsplit('.').next().unwrap_or_default();
    let is_below = |of: &str| name.strip_suffix(of).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    FOR_TESTS.contains(&last) || EXAMPLES.into_iter().any(is_below)
}

/// The value of a tag in a record of tags, such as `p` in `v=DMARC1; p=none`.
fn tag<'r>(record: &'r str, name: &str) -> Option<&'r str> {
    let tags = record.split(';').filter_map(|tag| tag.split_once('='));
    tags.map(|(tag, value)| (tag.trim(), value.trim()))
        .find(|(tag, _)| tag.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}
