//! `[mta_sts_policy]`: what others may expect of our mail hosts (RFC 8461).

use std::collections::BTreeMap;
use std::time::Duration;

use posthouse_domain_policy::transport::{MAX_STS_AGE_SECONDS, StsPolicy};
use posthouse_model::Domain;
use serde::Deserialize;
use toml::Spanned;

use super::listener::Fault;
use super::value::{Parsed, words};

words! {
    /// What others are asked to do.
    PolicyMode, "a mode":
    /// To hold our hosts to the policy.
    Enforce = "enforce",
    /// To report what would go wrong.
    Testing = "testing",
    /// To forget a policy that was there.
    None = "none",
    /// Nothing: there is no policy.
    Off = "off",
}

/// How long a policy counts when nothing else is said.
const USUAL_AGE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The table as it stands in the file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OwnPolicyTable {
    mode: Option<Parsed<PolicyMode>>,
    max_age: Option<Spanned<Parsed<Duration>>>,
    mx: Option<Spanned<Vec<String>>>,
    #[serde(default)]
    domain: BTreeMap<Parsed<Domain>, DomainTable>,
}

/// What is different for one domain.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DomainTable {
    mode: Option<Parsed<PolicyMode>>,
    max_age: Option<Spanned<Parsed<Duration>>>,
    mx: Option<Spanned<Vec<String>>>,
}

/// The policies of our domains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnPolicies {
    usual: Option<StsPolicy>,
    /// Those that are not as usual.
    by_domain: BTreeMap<Domain, Option<StsPolicy>>,
}

impl OwnPolicies {
    /// What the table says; hosts are this one, where it names none.
    pub(super) fn of_table(table: OwnPolicyTable, host: &Domain) -> Result<Self, Fault> {
        // A host without a name has no place in a policy.
        let is_named = host.as_ip().is_none() || table.mx.is_some();
        let usual_mode = if is_named { PolicyMode::Testing } else { PolicyMode::Off };
        let mode = table.mode.map_or(usual_mode, |mode| mode.0);
        let age = age(table.max_age, USUAL_AGE)?;
        let hosts = table.mx.as_ref().map_or_else(|| vec![host.to_string()], |hosts| hosts.as_ref().clone());
        let usual = policy(mode, age, &hosts, table.mx.as_ref())?;
        let mut by_domain = BTreeMap::new();
        for (Parsed(domain), own) in table.domain {
            let mode = own.mode.map_or(mode, |mode| mode.0);
            let own_age = self::age(own.max_age, age)?;
            let own_hosts = own.mx.as_ref().map_or(&hosts, Spanned::as_ref);
            by_domain.insert(domain, policy(mode, own_age, own_hosts, own.mx.as_ref())?);
        }
        Ok(Self { usual, by_domain })
    }

    /// The policy of a domain; `None` where it has none.
    pub fn of(&self, domain: &Domain) -> Option<&StsPolicy> {
        self.by_domain.get(domain).unwrap_or(&self.usual).as_ref()
    }
}

fn age(given: Option<Spanned<Parsed<Duration>>>, usual: Duration) -> Result<Duration, Fault> {
    let Some(given) = given else { return Ok(usual) };
    // RFC 8461 §3.2: a year and a day at the most.
    match given.as_ref().0.as_secs() {
        1..=MAX_STS_AGE_SECONDS => Ok(given.into_inner().0),
        _ => Err((given.span(), "allowed are 1s to 365d".to_owned())),
    }
}

fn policy(
    mode: PolicyMode,
    age: Duration,
    hosts: &[String],
    given: Option<&Spanned<Vec<String>>>,
) -> Result<Option<StsPolicy>, Fault> {
    if mode == PolicyMode::Off {
        return Ok(None);
    }
    let hosts: String = hosts.iter().map(|host| format!("mx: {host}\n")).collect();
    let text = format!("version: STSv1\nmode: {}\n{hosts}max_age: {}\n", mode.word(), age.as_secs());
    // What others could not read is not published.
    let read = StsPolicy::parse(text.as_bytes());
    let span = given.map_or(0..0, Spanned::span);
    read.map(Some).map_err(|error| (span, format!("the policy would be of no use: {error}")))
}
