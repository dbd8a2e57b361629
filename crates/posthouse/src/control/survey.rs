//! What DNS says about this house.

use posthouse_domain_policy::survey::{
    BLOCKLISTS, ExpectedKey, Finding, OwnDomain, OwnHost, Standing, is_for_tests, survey_blocklists, survey_domain,
    survey_host,
};
use posthouse_flow::signing::SigningKey;
use posthouse_model::Domain;
use posthouse_server::ListenerRole;
use posthouse_storage::{Directory, Named, StorageError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Refusal, Text, shape};
use crate::house::House;
use crate::output::txt_strings;

/// What is asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SurveyRequest {
    /// About the host: a list of [`FindingView`].
    Host {
        /// Whether lists of bad senders are asked, too.
        blocklists: bool,
    },
    /// About a domain: a list of [`FindingView`].
    Domain {
        /// Its name.
        name: Text<Domain>,
    },
}

/// A finding, for people and scripts.
#[derive(Debug, Serialize, Deserialize)]
pub struct FindingView {
    /// What it is about.
    pub subject: String,
    /// `good`, `advice` or `failure`.
    pub standing: String,
    /// What was found.
    pub details: String,
    /// What to do, if anything.
    pub advice: Option<String>,
    /// The record that would mend it, as a line of a zone file.
    pub wanted: Option<String>,
}

impl From<Finding> for FindingView {
    fn from(finding: Finding) -> Self {
        let standing = match finding.standing {
            Standing::Good => "good",
            Standing::Advice => "advice",
            Standing::Failure => "failure",
        };
        let wanted = finding.wanted.map(|record| match record.kind {
            "TXT" => format!("{}. TXT {}", record.name, txt_strings(&record.content).join(" ")),
            kind => format!("{}. {kind} {}", record.name, record.content),
        });
        let (subject, details, advice) = (finding.subject, finding.details, finding.advice);
        Self { subject, standing: standing.to_owned(), details, advice, wanted }
    }
}

pub async fn answer(request: SurveyRequest, house: &House) -> Result<Value, Refusal> {
    let findings = match request {
        SurveyRequest::Host { blocklists } => host(house, blocklists).await,
        SurveyRequest::Domain { name: Text(name) } => domain(house, name).await?,
    };
    shape(findings.into_iter().map(FindingView::from).collect::<Vec<_>>())
}

/// Whether there is no sense in looking a name up: the world's DNS has nothing about it.
fn is_unknown_to_the_world(house: &House, name: &Domain) -> bool {
    name.as_ip().is_some() || (house.asks_the_worlds_dns && is_for_tests(name))
}

fn left_out(name: &Domain) -> Vec<Finding> {
    let details = "not looked up: it is a name for tests, or an address".to_owned();
    vec![Finding { subject: format!("{name}, DNS"), standing: Standing::Good, details, advice: None, wanted: None }]
}

async fn host(house: &House, blocklists: bool) -> Vec<Finding> {
    if is_unknown_to_the_world(house, &house.host_name) {
        return left_out(&house.host_name);
    }
    let (host, mut findings) = survey_host(&*house.resolver, &house.host_name).await;
    if blocklists {
        findings.extend(survey_blocklists(&*house.resolver, &host, &BLOCKLISTS).await);
    }
    findings
}

async fn domain(house: &House, name: Domain) -> Result<Vec<Finding>, Refusal> {
    let record = house.store.domain(&name).await?.ok_or(StorageError::NotFound(Named::Domain))?;
    if is_unknown_to_the_world(house, &name) {
        return Ok(left_out(&name));
    }
    let (signs_as, keys) = house.flow.keys_that_sign(&name).await?;
    let expected = |key: SigningKey| ExpectedKey { name: key.record_name(&signs_as), record: key.record };
    let keys = keys.into_iter().map(expected).collect();
    // What is to be said of the host itself has been said: SurveyRequest::Host.
    let addresses = house.resolver.addresses(&house.host_name).await.map_or_else(|_| Vec::new(), |found| found.records);
    let host = OwnHost { name: house.host_name.clone(), addresses };
    let own = OwnDomain { name: name.clone(), keys, signs_as, sends_only: record.sends_only };
    let mut findings = survey_domain(&*house.resolver, &host, &own).await;
    findings.extend(policy_certificate(house, &name));
    Ok(findings)
}

/// Whether the listener that serves the MTA-STS policy has a certificate for it. Without one nobody believes it.
fn policy_certificate(house: &House, name: &Domain) -> Option<Finding> {
    let serves = house.listeners.iter().any(|listener| listener.role == ListenerRole::Https.name());
    house.own_policies.of(name).filter(|_| serves)?;
    let host = format!("mta-sts.{name}");
    let chosen = house.certificates.library().certificate_for(Some(&host));
    let is_there = chosen.is_some_and(|one| one.facts().is_for(&host));
    let (standing, details, advice) = match is_there {
        true => (Standing::Good, format!("the policy is served with a certificate for {host}"), None),
        false => {
            let advice = format!("get one that is for {host}, and put it into [[certificate]]");
            (Standing::Advice, format!("no certificate is for {host}, so nobody believes the policy"), Some(advice))
        }
    };
    Some(Finding { subject: format!("{name}, MTA-STS policy"), standing, details, advice, wanted: None })
}
