//! Suppression of duplicates in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use bytes::Bytes;
use posthouse_model::{AccountId, UnixMillis};

use super::{MemoryStorage, State, bodies};
use crate::duplicates::{
    DeliveredOnce, DuplicateCheck, DuplicateRule, Duplicates, Fingerprint, MAX_DUPLICATE_RULES,
    MAX_DUPLICATE_WINDOW_MS, MAX_REMEMBERED_MESSAGES,
};
use crate::error::{Named, StorageError};
use crate::mail::Delivery;
use crate::scope::Scope;

#[derive(Default)]
pub(super) struct DuplicateTables {
    rules: BTreeMap<Scope, i64>,
    /// When the window of each message ends.
    remembered: BTreeMap<(AccountId, Fingerprint), UnixMillis>,
}

impl DuplicateTables {
    /// The rules of something that is no more go with it.
    pub fn forget_scope(&mut self, scope: Scope) {
        self.rules.remove(&scope);
    }
}

impl State {
    /// Delivers a message of these octets, but not into accounts that have it already.
    pub(super) fn deliver_once(
        &mut self,
        mut delivery: Delivery,
        octets: Bytes,
        checks: Vec<DuplicateCheck>,
        now: UnixMillis,
    ) -> Result<DeliveredOnce, StorageError> {
        self.check_delivery(&delivery)?;
        let (mut suppressed, mut to_remember) = (Vec::new(), Vec::new());
        for check in checks {
            let scopes = [
                Scope::Account(check.account),
                Scope::Domain(self.directory.domain_id_of(check.account)?),
                Scope::Everyone,
            ];
            let window = scopes.iter().find_map(|scope| self.duplicates.rules.get(scope).copied()).unwrap_or(0);
            let key = (check.account, check.fingerprint);
            let own = |one: &(&(AccountId, Fingerprint), &UnixMillis)| one.0.0 == check.account;
            let count = self.duplicates.remembered.iter().filter(own).count() as u64;
            let is_known = self.duplicates.remembered.get(&key).is_some_and(|ends| *ends > now);
            if window > 0 && is_known {
                delivery.placements.retain(|placement| placement.account != check.account);
                delivery.trail.push(check.suppressed);
                suppressed.push(check.account);
                continue;
            }
            if window > 0 && count < MAX_REMEMBERED_MESSAGES {
                to_remember.push((key, UnixMillis(now.0.saturating_add(window))));
            }
            delivery.trail.push(check.delivered);
        }
        self.check_delivery_growth(&delivery)?;
        self.duplicates.remembered.extend(to_remember);
        let is_queued = delivery.queue.as_ref().is_some_and(|submission| !submission.recipients.is_empty());
        let mut changes = Vec::new();
        let delivered = self.deliver(delivery, octets, &mut changes);
        self.announce(&changes);
        if is_queued {
            self.announce_queue();
        }
        Ok(DeliveredOnce { delivered, suppressed })
    }
}

#[async_trait]
impl Duplicates for MemoryStorage {
    async fn put_duplicate_rule(&self, rule: DuplicateRule) -> Result<(), StorageError> {
        let mut state = self.state()?;
        state.require_scope(rule.scope)?;
        if !(0..=MAX_DUPLICATE_WINDOW_MS).contains(&rule.window_ms) {
            let limit = MAX_DUPLICATE_WINDOW_MS as u64;
            return Err(StorageError::Limit { what: "milliseconds of a window", limit });
        }
        let rules = &mut state.duplicates.rules;
        if rules.len() >= MAX_DUPLICATE_RULES && !rules.contains_key(&rule.scope) {
            return Err(StorageError::Limit { what: "rules", limit: MAX_DUPLICATE_RULES as u64 });
        }
        rules.insert(rule.scope, rule.window_ms);
        Ok(())
    }

    async fn remove_duplicate_rule(&self, scope: Scope) -> Result<(), StorageError> {
        let removed = self.state()?.duplicates.rules.remove(&scope);
        removed.map(drop).ok_or(StorageError::NotFound(Named::Rule))
    }

    async fn duplicate_rules(&self) -> Result<Vec<DuplicateRule>, StorageError> {
        let state = self.state()?;
        Ok(state.duplicates.rules.iter().map(|(&scope, &window_ms)| DuplicateRule { scope, window_ms }).collect())
    }

    async fn deliver_once(
        &self,
        delivery: Delivery,
        checks: Vec<DuplicateCheck>,
        now: UnixMillis,
    ) -> Result<DeliveredOnce, StorageError> {
        let octets = bodies::gather(&delivery.body)?;
        self.state()?.deliver_once(delivery, octets, checks, now)
    }

    async fn forget_duplicates(&self, now: UnixMillis) -> Result<u64, StorageError> {
        let mut state = self.state()?;
        let before = state.duplicates.remembered.len();
        state.duplicates.remembered.retain(|_, ends| *ends > now);
        Ok((before - state.duplicates.remembered.len()) as u64)
    }
}
