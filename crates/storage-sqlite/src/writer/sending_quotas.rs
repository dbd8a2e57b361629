//! How much may be sent: setting limits, and taking messages that count.

use posthouse_model::{AccountId, DomainId, KeyId};
use posthouse_storage::{
    Figures, LimitHolder, LimitKind, Named, Scope, SendingLimit, SendingUnit, StorageError, Submission, Submitted,
};
use rusqlite::params;

use super::work::Work;
use crate::fault::Fault;
use crate::reader::account_keys;
use crate::reader::sending_quotas::{holder_columns, unit_columns};

impl Work<'_> {
    /// Counts a message that somebody hands in, and delivers it.
    pub(crate) fn submit(&mut self, submission: Submission) -> Result<Submitted, Fault> {
        let Submission { delivery, duplicates, account, key, recipients, at } = submission;
        let more = Figures { messages: 1, recipients };
        let watched = self.sending.count(self.connection, (account, key), more, at)?;
        Ok(Submitted { delivered: self.deliver_once(delivery, duplicates, at)?, watched })
    }

    pub(crate) fn set_sending_limit(&mut self, limit: &SendingLimit) -> Result<(), Fault> {
        match limit.holder {
            LimitHolder::Server | LimitHolder::EachDomain | LimitHolder::EachAccount | LimitHolder::EachKey => {}
            LimitHolder::Domain(id) | LimitHolder::EachAccountOf(id) => self.require_scope(Scope::Domain(id))?,
            LimitHolder::Account(id) | LimitHolder::EachKeyOf(id) => self.require_scope(Scope::Account(id))?,
            LimitHolder::Key(id) => {
                account_keys::owner(self.connection, id)?.ok_or(StorageError::NotFound(Named::Key))?;
            }
        }
        let (holder, owner) = holder_columns(limit.holder);
        let most = limit.most.map(|most| i64::try_from(most).unwrap_or(i64::MAX));
        let until = limit.until.map(|until| until.0);
        let sql = "INSERT INTO sending_limit (holder, owner, kind, exception, most, ends_at)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET most = ?5, ends_at = ?6";
        let values = params![holder, owner, limit.kind.code(), until.is_some(), most, until];
        self.connection.prepare_cached(sql)?.execute(values)?;
        self.sending.bounds_changed();
        Ok(())
    }

    pub(crate) fn clear_sending_limit(
        &mut self,
        holder: LimitHolder,
        kind: LimitKind,
        exception: bool,
    ) -> Result<(), Fault> {
        let (holder, owner) = holder_columns(holder);
        let sql = "DELETE FROM sending_limit WHERE holder = ?1 AND owner = ?2 AND kind = ?3 AND exception = ?4";
        match self.connection.prepare_cached(sql)?.execute(params![holder, owner, kind.code(), exception])? {
            0 => Err(StorageError::NotFound(Named::Rule).into()),
            _ => {
                self.sending.bounds_changed();
                Ok(())
            }
        }
    }

    /// Removes limits and counts of an account that is being removed.
    pub(super) fn forget_sender(&mut self, id: AccountId) -> Result<(), Fault> {
        self.forget_sending(&[LimitHolder::Account(id), LimitHolder::EachKeyOf(id)], SendingUnit::Account(id))
    }

    /// Likewise of a key.
    pub(super) fn forget_sending_key(&mut self, id: KeyId) -> Result<(), Fault> {
        self.forget_sending(&[LimitHolder::Key(id)], SendingUnit::Key(id))
    }

    /// Likewise of a domain.
    pub(super) fn forget_sending_domain(&mut self, id: DomainId) -> Result<(), Fault> {
        self.forget_sending(&[LimitHolder::Domain(id), LimitHolder::EachAccountOf(id)], SendingUnit::Domain(id))
    }

    fn forget_sending(&mut self, holders: &[LimitHolder], unit: SendingUnit) -> Result<(), Fault> {
        for &holder in holders {
            let (column, owner) = holder_columns(holder);
            let sql = "DELETE FROM sending_limit WHERE holder = ?1 AND owner = ?2";
            self.connection.prepare_cached(sql)?.execute(params![column, owner])?;
        }
        let (column, owner) = unit_columns(unit);
        let sql = "DELETE FROM sent WHERE unit = ?1 AND owner = ?2";
        self.connection.prepare_cached(sql)?.execute(params![column, owner])?;
        self.sending.forget_unit(unit);
        Ok(())
    }
}
