//! Bounds on senders in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use posthouse_model::{AccountId, DomainId, KeyId, UnixMillis};

use super::{MemoryStorage, State, bodies};
use crate::error::{Named, StorageError};
use crate::scope::Scope;
use crate::sending_quotas::{
    Bounds, Figures, LimitHolder, LimitKind, SendingLimit, SendingQuotas, SendingStanding, SendingUnit, Sent,
    Submission, Submitted, units_of, units_of_key,
};

#[derive(Default)]
pub(super) struct SendingTables {
    /// By holder and kind, and whether it is an exception.
    limits: BTreeMap<(LimitHolder, LimitKind, bool), SendingLimit>,
    sent: BTreeMap<SendingUnit, Sent>,
}

impl SendingTables {
    pub fn forget_account(&mut self, id: AccountId) {
        let own = [LimitHolder::Account(id), LimitHolder::EachKeyOf(id)];
        self.limits.retain(|(holder, _, _), _| !own.contains(holder));
        self.sent.remove(&SendingUnit::Account(id));
    }

    pub fn forget_key(&mut self, id: KeyId) {
        self.limits.retain(|(holder, _, _), _| *holder != LimitHolder::Key(id));
        self.sent.remove(&SendingUnit::Key(id));
    }

    pub fn forget_domain(&mut self, id: DomainId) {
        let own = [LimitHolder::Domain(id), LimitHolder::EachAccountOf(id)];
        self.limits.retain(|(holder, _, _), _| !own.contains(holder));
        self.sent.remove(&SendingUnit::Domain(id));
    }

    fn standing(&self, units: &[SendingUnit], at: UnixMillis) -> SendingStanding {
        let limits: Vec<_> = self.limits.values().copied().collect();
        let sent = |unit: &SendingUnit| (*unit, self.sent.get(unit).copied().unwrap_or_default().as_of(at));
        let bounds = Bounds::new(units, &limits, at).bounds;
        SendingStanding { at, bounds, sent: units.iter().map(sent).collect(), frozen: None }
    }
}

impl State {
    fn units(&self, unit: SendingUnit) -> Result<Vec<SendingUnit>, StorageError> {
        Ok(match unit {
            SendingUnit::Server => vec![unit],
            SendingUnit::Domain(id) => {
                self.require_scope(Scope::Domain(id))?;
                vec![unit, SendingUnit::Server]
            }
            SendingUnit::Account(id) => units_of(id, self.directory.domain_id_of(id)?).to_vec(),
            SendingUnit::Key(id) => {
                let account = self.keys.get(id).ok_or(StorageError::NotFound(Named::Key))?.account;
                units_of_key(id, account, self.directory.domain_id_of(account)?).to_vec()
            }
        })
    }

    fn require_holder(&self, holder: LimitHolder) -> Result<(), StorageError> {
        match holder {
            LimitHolder::Server | LimitHolder::EachDomain | LimitHolder::EachAccount | LimitHolder::EachKey => Ok(()),
            LimitHolder::Domain(id) | LimitHolder::EachAccountOf(id) => self.require_scope(Scope::Domain(id)),
            LimitHolder::Account(id) | LimitHolder::EachKeyOf(id) => self.require_scope(Scope::Account(id)),
            LimitHolder::Key(id) => self.keys.get(id).map(drop).ok_or(StorageError::NotFound(Named::Key)),
        }
    }
}

#[async_trait]
impl SendingQuotas for MemoryStorage {
    async fn submit(&self, submission: Submission) -> Result<Submitted, StorageError> {
        let Submission { delivery, duplicates, account, key, recipients, at } = submission;
        let octets = bodies::gather(&delivery.body)?;
        let mut state = self.state()?;
        let units = state.units(key.map_or(SendingUnit::Account(account), SendingUnit::Key))?;
        if !units.contains(&SendingUnit::Account(account)) {
            return Err(StorageError::NotFound(Named::Key));
        }
        if let Some(cause) = state.watch.cause(account) {
            return Err(StorageError::SendingFrozen(cause));
        }
        let more = Figures { messages: 1, recipients };
        let standing = state.sending.standing(&units, at);
        if let Some(over) = standing.passed_by(more) {
            return Err(StorageError::OverSendingQuota(over));
        }
        let delivered = state.deliver_once(delivery, octets, duplicates, at)?;
        state.sending.sent.extend(standing.sent.into_iter().map(|(unit, sent)| (unit, sent.plus(more))));
        let watched = state.watch.change(account, |watched| watched.as_of(at).plus_sent(recipients));
        Ok(Submitted { delivered, watched })
    }

    async fn sending_standing(&self, unit: SendingUnit, at: UnixMillis) -> Result<SendingStanding, StorageError> {
        let state = self.state()?;
        let units = state.units(unit)?;
        let frozen = units.iter().find_map(|unit| match unit {
            SendingUnit::Account(id) => state.watch.cause(*id),
            _ => None,
        });
        Ok(SendingStanding { frozen, ..state.sending.standing(&units, at) })
    }

    async fn set_sending_limit(&self, limit: SendingLimit) -> Result<(), StorageError> {
        let mut state = self.state()?;
        state.require_holder(limit.holder)?;
        state.sending.limits.insert((limit.holder, limit.kind, limit.until.is_some()), limit);
        Ok(())
    }

    async fn clear_sending_limit(
        &self,
        holder: LimitHolder,
        kind: LimitKind,
        exception: bool,
    ) -> Result<(), StorageError> {
        let cleared = self.state()?.sending.limits.remove(&(holder, kind, exception));
        cleared.map(drop).ok_or(StorageError::NotFound(Named::Rule))
    }

    async fn sending_limits(&self, holder: Option<LimitHolder>) -> Result<Vec<SendingLimit>, StorageError> {
        let state = self.state()?;
        let wanted = |limit: &&SendingLimit| holder.is_none_or(|holder| limit.holder == holder);
        Ok(state.sending.limits.values().filter(wanted).copied().collect())
    }
}
