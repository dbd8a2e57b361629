//! Rules about how long mailboxes keep what is in them, and expunging what is old.

use posthouse_model::{AccountId, MailboxId, SystemFlag, Uid, UidSet};
use posthouse_storage::retention::{MAX_RETENTION_DAYS, MAX_RETENTION_RULES, MAX_RETENTION_STEP};
use posthouse_storage::{
    Keep, Named, RetentionRule, RetentionStep, RetentionStepDone, RetentionTarget, Scope, StorageError,
};
use rusqlite::params;

use super::work::Work;
use crate::fault::Fault;
use crate::reader::retention;

impl Work<'_> {
    /// Whether what a scope names is there.
    pub(super) fn require_scope(&self, scope: Scope) -> Result<(), Fault> {
        let (sql, named) = match scope {
            Scope::Everyone => return Ok(()),
            Scope::Domain(_) => ("SELECT 1 FROM domain WHERE id = ?1", Named::Domain),
            Scope::Account(_) => ("SELECT 1 FROM account WHERE id = ?1", Named::Account),
        };
        let (_, owner) = retention::scope_columns(scope);
        match self.connection.prepare_cached(sql)?.exists(params![owner])? {
            true => Ok(()),
            false => Err(StorageError::NotFound(named).into()),
        }
    }

    /// Removes the rules of something that is being removed.
    pub(super) fn forget_rules(&mut self, scope: Scope) -> Result<(), Fault> {
        let (column, owner) = retention::scope_columns(scope);
        for table in ["retention_rule", "duplicate_rule"] {
            let sql = format!("DELETE FROM {table} WHERE scope = ?1 AND owner = ?2");
            self.connection.prepare_cached(&sql)?.execute(params![column, owner])?;
        }
        Ok(())
    }

    pub(crate) fn put_retention_rule(&mut self, rule: &RetentionRule) -> Result<(), Fault> {
        self.require_scope(rule.scope)?;
        let days = match rule.keep {
            Keep::ForEver => None,
            Keep::Days(days) if days <= MAX_RETENTION_DAYS => Some(days),
            Keep::Days(_) => {
                let limit = MAX_RETENTION_DAYS.into();
                return Err(StorageError::Limit { what: "days of a rule", limit }.into());
            }
        };
        let (scope, owner) = retention::scope_columns(rule.scope);
        let sql = "INSERT INTO retention_rule (scope, owner, target, keep_days, keep_flagged)
                   VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET keep_days = ?4, keep_flagged = ?5";
        let target = retention::target_column(&rule.target);
        self.connection.prepare_cached(sql)?.execute(params![scope, owner, target, days, rule.keep_flagged])?;
        let sql = "SELECT count(*) FROM retention_rule WHERE scope = ?1 AND owner = ?2";
        let count: i64 = self.connection.prepare_cached(sql)?.query_row(params![scope, owner], |row| row.get(0))?;
        if count as usize > MAX_RETENTION_RULES {
            let limit = MAX_RETENTION_RULES as u64;
            return Err(StorageError::Limit { what: "rules of one scope", limit }.into());
        }
        Ok(())
    }

    pub(crate) fn remove_retention_rule(&mut self, scope: Scope, target: &RetentionTarget) -> Result<(), Fault> {
        let (scope, owner) = retention::scope_columns(scope);
        let sql = "DELETE FROM retention_rule WHERE scope = ?1 AND owner = ?2 AND target = ?3";
        let target = retention::target_column(target);
        match self.connection.prepare_cached(sql)?.execute(params![scope, owner, target])? {
            0 => Err(StorageError::NotFound(Named::Rule).into()),
            _ => Ok(()),
        }
    }

    /// Expunges what is old among the next messages of a mailbox.
    pub(crate) fn expunge_old(
        &mut self,
        account: AccountId,
        mailbox: MailboxId,
        step: &RetentionStep,
    ) -> Result<RetentionStepDone, Fault> {
        self.expect_mailbox(account, mailbox)?;
        let limit = step.limit.clamp(1, MAX_RETENTION_STEP);
        let old = retention::old_messages(self.connection, mailbox, step.saved_before, step.after, limit)?;
        let next_after: Option<Uid> = old.last().filter(|_| old.len() == limit).map(|&(uid, _)| uid);
        let flagged = SystemFlag::Flagged as u8;
        let going: UidSet =
            old.iter().filter(|(_, flags)| !step.keep_flagged || flags & flagged == 0).map(|&(uid, _)| uid).collect();
        let expunged = self.expunge(account, mailbox, &going, false)?;
        Ok(RetentionStepDone { expunged, next_after })
    }
}
