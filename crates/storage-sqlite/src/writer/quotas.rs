//! Quotas: counting what a request does to them, and refusing what passes them.
//!
//! A request notes what it puts into accounts and takes out ([`Work::note_usage`]). When it is done its sum is entered,
//! and if that leaves more than there may be the request as a whole is taken back. So whatever a request does inside,
//! only what it comes to counts: a message that is moved from one mailbox to another needs no room.

use std::collections::BTreeMap;

use posthouse_model::{AccountId, Domain};
use posthouse_storage::{AccountQuota, AccountQuotaSettings, DomainQuotaSettings, Named, StorageError};
use rusqlite::params;

use super::usage::Change;
use super::work::Work;
use crate::fault::Fault;
use crate::reader::quotas::{most_column, setting_column};

/// What a request has done to accounts so far.
#[derive(Default)]
pub(super) struct Tally {
    changes: BTreeMap<AccountId, Change>,
    /// What of it has been entered.
    entered: Vec<(AccountId, Change)>,
    /// What the request brings is kept even where it is too much.
    lifted: bool,
}

impl Work<'_> {
    /// Notes that messages came into an account, or with negative figures that they went.
    pub(super) fn note_usage(&mut self, account: AccountId, size_bytes: i64, messages: i64) {
        let change = self.tally.changes.entry(account).or_default();
        change.0 += size_bytes;
        change.1 += messages;
    }

    /// Has this request pass what there may be.
    pub(super) fn lift_quotas(&mut self) {
        self.tally.lifted = true;
    }

    /// Begins to count anew.
    pub(super) fn begin_tally(&mut self) {
        self.tally = Tally::default();
    }

    /// Enters what has been noted. Fails if that leaves more in some account than there may be.
    pub(super) fn settle_tally(&mut self) -> Result<(), Fault> {
        let changes = std::mem::take(&mut self.tally.changes);
        let mut over = Vec::new();
        for (account, change) in changes {
            if change == (0, 0) {
                continue;
            }
            let Some(quota) = self.ledger.after(self.connection, account, change)? else { continue };
            let grown = (change.0 > 0, change.1 > 0);
            if is_passed(&quota, grown) && !self.tally.lifted {
                // Whoever else is of the same domain may have the room.
                over.push(account);
                continue;
            }
            self.enter_usage(account, change);
            if grown != (false, false) {
                self.warn_of_usage(account, &quota, change);
            }
        }
        if over.is_empty() { Ok(()) } else { Err(StorageError::OverQuota { accounts: over }.into()) }
    }

    fn enter_usage(&mut self, account: AccountId, change: Change) {
        self.ledger.enter(account, change);
        self.tally.entered.push((account, change));
    }

    /// The request under way is taken back, with what has been entered of it.
    pub(super) fn take_back_usage(&mut self) {
        for (account, (size_bytes, messages)) in std::mem::take(&mut self.tally.entered) {
            self.ledger.enter(account, (-size_bytes, -messages));
        }
    }

    /// Notes down, once, that an account comes to have nearly all it may.
    fn warn_of_usage(&mut self, account: AccountId, quota: &AccountQuota, (size_bytes, messages): Change) {
        let Some(percent) = self.quota_warning_percent else { return };
        let crosses = |most: Option<u64>, used: u64, grown: i64| {
            most.is_some_and(|most| {
                let threshold = u128::from(most) * u128::from(percent);
                let before = used.saturating_sub(u64::try_from(grown).unwrap_or(0));
                u128::from(used) * 100 >= threshold && u128::from(before) * 100 < threshold
            })
        };
        if crosses(quota.allowed.size_bytes, quota.used.size_bytes, size_bytes)
            || crosses(quota.allowed.messages, quota.used.messages, messages)
        {
            self.effects.nearly_full.push(account);
        }
    }

    pub(crate) fn set_account_quota(
        &mut self,
        account: AccountId,
        settings: AccountQuotaSettings,
    ) -> Result<(), Fault> {
        let sql = "UPDATE account_quota SET max_size_bytes = ?2, max_messages = ?3 WHERE account = ?1";
        let (size_bytes, messages) = (setting_column(settings.size_bytes), setting_column(settings.messages));
        match self.connection.prepare_cached(sql)?.execute(params![account.0 as i64, size_bytes, messages])? {
            0 => Err(StorageError::NotFound(Named::Account).into()),
            _ => {
                self.ledger.limits_changed();
                Ok(())
            }
        }
    }

    pub(crate) fn set_domain_quota(&mut self, domain: &Domain, settings: DomainQuotaSettings) -> Result<(), Fault> {
        let id = self.domain_id(domain)?.ok_or(StorageError::NotFound(Named::Domain))?;
        let sql = "UPDATE domain_quota SET max_size_bytes = ?2, max_messages = ?3, each_max_size_bytes = ?4,
                   each_max_messages = ?5 WHERE domain = ?1";
        self.connection.prepare_cached(sql)?.execute(params![
            id,
            settings.total.size_bytes.map(most_column),
            settings.total.messages.map(most_column),
            settings.each_account.size_bytes.map(most_column),
            settings.each_account.messages.map(most_column)
        ])?;
        self.ledger.limits_changed();
        Ok(())
    }
}

fn is_passed(quota: &AccountQuota, grown: (bool, bool)) -> bool {
    quota.allowed.is_passed(quota.used, grown) || quota.domain.settings.total.is_passed(quota.domain.used, grown)
}
