//! For whom messages that come twice are suppressed.

use posthouse_storage::{DuplicateRule, Duplicates};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::scope::{ScopeName, ScopeNames};
use super::{Refusal, shape};
use crate::house::House;

/// What is asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DuplicatesRequest {
    /// Make a rule or replace one.
    Set {
        /// For whom.
        scope: ScopeName,
        /// How long after the first another one is a duplicate, in milliseconds; 0 for those who are to get all.
        window_ms: i64,
    },
    /// Remove a rule.
    Unset {
        /// For whom it is.
        scope: ScopeName,
    },
    /// All rules: a list of [`DuplicateRuleView`].
    List,
}

/// A rule, for people and scripts.
#[derive(Debug, Serialize, Deserialize)]
pub struct DuplicateRuleView {
    /// For whom.
    pub whose: String,
    /// How long after the first another one is a duplicate, in milliseconds.
    pub window_ms: i64,
}

pub async fn answer(request: DuplicatesRequest, house: &House) -> Result<Value, Refusal> {
    match request {
        DuplicatesRequest::Set { scope, window_ms } => {
            let scope = scope.find(house).await?;
            shape(house.store.put_duplicate_rule(DuplicateRule { scope, window_ms }).await?)
        }
        DuplicatesRequest::Unset { scope } => {
            let scope = scope.find(house).await?;
            shape(house.store.remove_duplicate_rule(scope).await?)
        }
        DuplicatesRequest::List => {
            let names = ScopeNames::read(house).await?;
            let mut views = Vec::new();
            for rule in house.store.duplicate_rules().await? {
                let whose = names.name(rule.scope, house).await?;
                views.push(DuplicateRuleView { whose, window_ms: rule.window_ms });
            }
            shape(views)
        }
    }
}
