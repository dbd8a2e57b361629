//! Suppression of duplicates.

use posthouse_model::{AccountId, UnixMillis};
use posthouse_storage::duplicates::{MAX_DUPLICATE_RULES, MAX_DUPLICATE_WINDOW_MS, MAX_REMEMBERED_MESSAGES};
use posthouse_storage::{
    DeliveredOnce, Delivery, DuplicateCheck, DuplicateRule, Fingerprint, Named, Scope, StorageError,
};
use rusqlite::{OptionalExtension, params};

use super::work::Work;
use crate::fault::Fault;
use crate::reader::retention::scope_columns;

impl Work<'_> {
    pub(crate) fn put_duplicate_rule(&mut self, rule: DuplicateRule) -> Result<(), Fault> {
        self.require_scope(rule.scope)?;
        *self.suppresses = Some(true);
        if !(0..=MAX_DUPLICATE_WINDOW_MS).contains(&rule.window_ms) {
            let limit = MAX_DUPLICATE_WINDOW_MS as u64;
            return Err(StorageError::Limit { what: "milliseconds of a window", limit }.into());
        }
        let (scope, owner) = scope_columns(rule.scope);
        let sql = "INSERT INTO duplicate_rule (scope, owner, window_ms) VALUES (?1, ?2, ?3)
                   ON CONFLICT DO UPDATE SET window_ms = ?3";
        self.connection.prepare_cached(sql)?.execute(params![scope, owner, rule.window_ms])?;
        let sql = "SELECT count(*) FROM duplicate_rule";
        let count: i64 = self.connection.prepare_cached(sql)?.query_row((), |row| row.get(0))?;
        if count as usize > MAX_DUPLICATE_RULES {
            return Err(StorageError::Limit { what: "rules", limit: MAX_DUPLICATE_RULES as u64 }.into());
        }
        Ok(())
    }

    pub(crate) fn remove_duplicate_rule(&mut self, scope: Scope) -> Result<(), Fault> {
        let (scope, owner) = scope_columns(scope);
        let sql = "DELETE FROM duplicate_rule WHERE scope = ?1 AND owner = ?2";
        match self.connection.prepare_cached(sql)?.execute(params![scope, owner])? {
            0 => Err(StorageError::NotFound(Named::Rule).into()),
            _ => Ok(()),
        }
    }

    /// Delivers, but not into accounts that have the message already.
    pub(crate) fn deliver_once(
        &mut self,
        mut delivery: Delivery,
        checks: Vec<DuplicateCheck>,
        now: UnixMillis,
    ) -> Result<DeliveredOnce, Fault> {
        let mut suppressed = Vec::new();
        for check in checks {
            let is_duplicate = match self.duplicate_window(check.account)? {
                0 => false,
                window_ms => !self.remember(check.account, check.fingerprint, now, window_ms)?,
            };
            if is_duplicate {
                delivery.placements.retain(|placement| placement.account != check.account);
                delivery.trail.push(check.suppressed);
                suppressed.push(check.account);
            } else {
                delivery.trail.push(check.delivered);
            }
        }
        Ok(DeliveredOnce { delivered: self.deliver(&delivery)?, suppressed })
    }

    /// The window of the narrowest rule for an account; 0 when duplicates are not suppressed.
    fn duplicate_window(&mut self, account: AccountId) -> Result<i64, Fault> {
        let suppresses = match *self.suppresses {
            Some(known) => known,
            None => self.connection.prepare_cached("SELECT 1 FROM duplicate_rule LIMIT 1")?.exists(())?,
        };
        *self.suppresses = Some(suppresses);
        if !suppresses {
            return Ok(0);
        }
        let sql = "SELECT window_ms FROM duplicate_rule WHERE (scope = 2 AND owner = ?1)
                   OR (scope = 1 AND owner = (SELECT domain FROM account WHERE id = ?1)) OR (scope = 0 AND owner = 0)
                   ORDER BY scope DESC LIMIT 1";
        let window = self.connection.prepare_cached(sql)?.query_row(params![account.0 as i64], |row| row.get(0));
        Ok(window.optional()?.unwrap_or(0))
    }

    /// Remembers a message for a window; false when it is remembered already.
    fn remember(
        &mut self,
        account: AccountId,
        fingerprint: Fingerprint,
        now: UnixMillis,
        window_ms: i64,
    ) -> Result<bool, Fault> {
        let account = account.0 as i64;
        let sql = "SELECT ends_at FROM remembered WHERE account = ?1 AND fingerprint = ?2";
        let given = params![account, fingerprint.0];
        let known: Option<i64> = self.connection.prepare_cached(sql)?.query_row(given, |row| row.get(0)).optional()?;
        if known.is_some_and(|ends_at| ends_at > now.0) {
            return Ok(false);
        }
        if known.is_none() {
            let sql = "INSERT INTO remembered_count (account, entries) VALUES (?1, 1)
                       ON CONFLICT DO UPDATE SET entries = entries + 1 WHERE entries < ?2";
            let limit = MAX_REMEMBERED_MESSAGES as i64;
            if self.connection.prepare_cached(sql)?.execute(params![account, limit])? == 0 {
                return Ok(true);
            }
        }
        let sql = "INSERT INTO remembered (account, fingerprint, ends_at) VALUES (?1, ?2, ?3)
                   ON CONFLICT DO UPDATE SET ends_at = ?3";
        let ends_at = now.0.saturating_add(window_ms);
        self.connection.prepare_cached(sql)?.execute(params![account, fingerprint.0, ends_at])?;
        Ok(true)
    }

    /// Forgets up to `limit` messages whose window ended before `now`. Returns how many.
    pub(crate) fn forget_duplicates(&mut self, now: UnixMillis, limit: usize) -> Result<u64, Fault> {
        let sql = "DELETE FROM remembered WHERE (account, fingerprint) IN (SELECT account, fingerprint FROM remembered
                   WHERE ends_at <= ?1 ORDER BY ends_at LIMIT ?2) RETURNING account";
        let accounts: Vec<i64> = self
            .connection
            .prepare_cached(sql)?
            .query_map(params![now.0, limit as i64], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let sql = "UPDATE remembered_count SET entries = entries - 1 WHERE account = ?1";
        for account in &accounts {
            self.connection.prepare_cached(sql)?.execute(params![account])?;
        }
        if accounts.is_empty() {
            self.connection.prepare_cached("DELETE FROM remembered_count WHERE entries <= 0")?.execute(())?;
        }
        Ok(accounts.len() as u64)
    }
}
