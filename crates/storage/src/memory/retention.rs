//! Retention in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use posthouse_model::{AccountId, MailboxId, SystemFlag, Uid, UidSet};

use super::{MemoryStorage, State};
use crate::error::{Named, StorageError};
use crate::retention::{
    Keep, MAX_RETENTION_DAYS, MAX_RETENTION_RULES, MAX_RETENTION_STEP, RetainedMailbox, Retention, RetentionRule,
    RetentionStep, RetentionStepDone, RetentionTarget,
};
use crate::scope::Scope;

/// Rules by scope and target.
pub(super) type RetentionTable = BTreeMap<(Scope, RetentionTarget), RetentionRule>;

impl State {
    /// Whether what a scope names is there.
    pub(super) fn require_scope(&self, scope: Scope) -> Result<(), StorageError> {
        match scope {
            Scope::Everyone => Ok(()),
            Scope::Domain(id) => match self.directory.domains().any(|domain| domain.id == id) {
                true => Ok(()),
                false => Err(StorageError::NotFound(Named::Domain)),
            },
            Scope::Account(id) => self.directory.account(id).map(drop),
        }
    }
}

#[async_trait]
impl Retention for MemoryStorage {
    async fn put_retention_rule(&self, rule: RetentionRule) -> Result<(), StorageError> {
        let mut state = self.state()?;
        state.require_scope(rule.scope)?;
        if matches!(rule.keep, Keep::Days(days) if days > MAX_RETENTION_DAYS) {
            return Err(StorageError::Limit { what: "days of a rule", limit: MAX_RETENTION_DAYS.into() });
        }
        let key = (rule.scope, rule.target.clone());
        let count = state.retention.keys().filter(|(scope, _)| *scope == rule.scope).count();
        if count >= MAX_RETENTION_RULES && !state.retention.contains_key(&key) {
            return Err(StorageError::Limit { what: "rules of one scope", limit: MAX_RETENTION_RULES as u64 });
        }
        state.retention.insert(key, rule);
        Ok(())
    }

    async fn remove_retention_rule(&self, scope: Scope, target: &RetentionTarget) -> Result<(), StorageError> {
        let removed = self.state()?.retention.remove(&(scope, target.clone()));
        removed.map(drop).ok_or(StorageError::NotFound(Named::Rule))
    }

    async fn retention_rules(&self) -> Result<Vec<RetentionRule>, StorageError> {
        Ok(self.state()?.retention.values().cloned().collect())
    }

    async fn retained_mailboxes(
        &self,
        after: Option<MailboxId>,
        limit: usize,
    ) -> Result<Vec<RetainedMailbox>, StorageError> {
        let state = self.state()?;
        let has_rule = |target: RetentionTarget| state.retention.keys().any(|(_, one)| *one == target);
        let mut found = Vec::new();
        for record in state.mail.records().filter(|record| after.is_none_or(|after| record.id > after)) {
            let of_use = record.special_use.is_some_and(|one| has_rule(RetentionTarget::Use(one)));
            if record.messages == 0 || !(of_use || has_rule(RetentionTarget::Name(record.name.clone()))) {
                continue;
            }
            found.push(RetainedMailbox {
                id: record.id,
                account: record.account,
                domain: state.directory.domain_id_of(record.account)?,
                name: record.name.clone(),
                special_use: record.special_use,
            });
        }
        found.truncate(limit.min(MAX_RETENTION_STEP));
        Ok(found)
    }

    async fn expunge_old(
        &self,
        account: AccountId,
        mailbox: MailboxId,
        step: RetentionStep,
    ) -> Result<RetentionStepDone, StorageError> {
        let mut state = self.state()?;
        let shelf = state.mail.shelf(account, mailbox)?;
        let mut going = UidSet::new();
        let mut next_after: Option<Uid> = None;
        let limit = step.limit.clamp(1, MAX_RETENTION_STEP);
        let ahead = shelf.messages.values().filter(|message| step.after.is_none_or(|after| message.uid > after));
        let mut looked_at = 0;
        for message in ahead.take_while(|message| message.saved_at < step.saved_before).take(limit) {
            looked_at += 1;
            next_after = Some(message.uid);
            if !step.keep_flagged || !message.flags.has(SystemFlag::Flagged) {
                going.insert(message.uid);
            }
        }
        if looked_at < limit {
            next_after = None;
        }
        let expunged = state.expunge(account, mailbox, &going, false)?;
        Ok(RetentionStepDone { expunged, next_after })
    }
}
