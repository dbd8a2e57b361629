//! How long mailboxes keep what is in them.

use posthouse_model::{Address, MailboxName, SpecialUse};
use posthouse_storage::{
    Directory, Keep, Mail, Named, RetainedMailbox, Retention, RetentionRule, RetentionRules, RetentionTarget,
    StorageError,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::scope::{ScopeName, ScopeNames};
use super::{Refusal, Text, shape};
use crate::house::House;

/// What is asked about rules.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RetentionRequest {
    /// Make a rule or replace one.
    Set {
        /// For whom.
        scope: ScopeName,
        /// A special use such as `\Junk`, or a name.
        mailbox: String,
        /// How many days; `None` is for ever.
        days: Option<u32>,
        /// Whether flagged messages stay.
        keep_flagged: bool,
    },
    /// Remove a rule.
    Unset {
        /// For whom it is.
        scope: ScopeName,
        /// Its special use or name.
        mailbox: String,
    },
    /// All rules: a list of [`RuleView`].
    List,
    /// What holds for each mailbox of an account: a list of [`MailboxView`].
    Show {
        /// Which.
        address: Text<Address>,
    },
}

/// A rule, for people and scripts.
#[derive(Debug, Serialize, Deserialize)]
pub struct RuleView {
    /// For whom.
    pub whose: String,
    /// A special use with its backslash, or a name.
    pub mailbox: String,
    /// How many days; none is for ever.
    pub days: Option<u32>,
    /// Whether flagged messages stay.
    pub keep_flagged: bool,
}

/// A mailbox and the rule that holds for it.
#[derive(Debug, Serialize, Deserialize)]
pub struct MailboxView {
    /// Its name.
    pub mailbox: String,
    /// What it is for.
    pub special_use: Option<String>,
    /// Messages in it.
    pub messages: u32,
    /// The rule, if there is one.
    pub rule: Option<RuleView>,
}

pub async fn answer(request: RetentionRequest, house: &House) -> Result<Value, Refusal> {
    match request {
        RetentionRequest::Set { scope, mailbox, days, keep_flagged } => {
            let keep = days.map_or(Keep::ForEver, Keep::Days);
            let (scope, target) = (scope.find(house).await?, target(&mailbox)?);
            shape(house.store.put_retention_rule(RetentionRule { scope, target, keep, keep_flagged }).await?)
        }
        RetentionRequest::Unset { scope, mailbox } => {
            let (scope, target) = (scope.find(house).await?, target(&mailbox)?);
            shape(house.store.remove_retention_rule(scope, &target).await?)
        }
        RetentionRequest::List => {
            let names = ScopeNames::read(house).await?;
            let mut views = Vec::new();
            for rule in house.store.retention_rules().await? {
                views.push(rule_view(&rule, &names, house).await?);
            }
            shape(views)
        }
        RetentionRequest::Show { address } => show(&address.0, house).await,
    }
}

async fn show(address: &Address, house: &House) -> Result<Value, Refusal> {
    let account = house.identity.account_at(address).await?;
    let domain = house.store.domain(&account.address.domain).await?;
    let domain = domain.ok_or(StorageError::NotFound(Named::Domain))?.id;
    let names = ScopeNames::read(house).await?;
    let rules = RetentionRules::new(house.store.retention_rules().await?);
    let mut views = Vec::new();
    for record in house.store.mailboxes(account.id).await? {
        let mailbox = RetainedMailbox {
            id: record.id,
            account: account.id,
            domain,
            name: record.name.clone(),
            special_use: record.special_use,
        };
        let rule = match rules.rule_for(&mailbox) {
            Some(rule) => Some(rule_view(rule, &names, house).await?),
            None => None,
        };
        views.push(MailboxView {
            mailbox: record.name.to_string(),
            special_use: record.special_use.map(|one| one.attribute().to_owned()),
            messages: record.messages,
            rule,
        });
    }
    shape(views)
}

async fn rule_view(rule: &RetentionRule, names: &ScopeNames, house: &House) -> Result<RuleView, Refusal> {
    Ok(RuleView {
        whose: names.name(rule.scope, house).await?,
        mailbox: match &rule.target {
            RetentionTarget::Use(special_use) => special_use.attribute().to_owned(),
            RetentionTarget::Name(name) => name.to_string(),
        },
        days: match rule.keep {
            Keep::ForEver => None,
            Keep::Days(days) => Some(days),
        },
        keep_flagged: rule.keep_flagged,
    })
}

/// A special use where the text begins with a backslash, else a name.
fn target(text: &str) -> Result<RetentionTarget, Refusal> {
    if !text.starts_with('\\') {
        return Ok(RetentionTarget::Name(mailbox_name(text)?));
    }
    SpecialUse::from_attribute(text).map(RetentionTarget::Use).ok_or_else(|| {
        let allowed: Vec<&str> = SpecialUse::EACH.iter().map(|one| one.attribute()).collect();
        Refusal::Other(format!("`{text}` is not a special use: there are {}", allowed.join(" ")))
    })
}

/// Reads the name of a mailbox.
///
/// # Errors
/// When it cannot be one.
pub fn mailbox_name(text: &str) -> Result<MailboxName, Refusal> {
    MailboxName::parse(text).map_err(|error| Refusal::Other(format!("`{text}` is not a mailbox name: {error}")))
}
