//! What accounts and domains use, kept by the writer between commits.
//!
//! Nobody else writes it, so the writer need not ask the index for what it has written before: a request is judged by
//! what stands here, and what a batch comes to is written once for each account and each domain. Readers see what the
//! last commit left ([`UsageBoard`]).

use std::collections::{BTreeSet, HashMap};

use parking_lot::RwLock;
use posthouse_model::AccountId;
use posthouse_storage::{AccountQuota, AccountQuotaSettings, DomainQuota, Usage};
use rusqlite::{Connection, params};

use crate::fault::Fault;
use crate::reader::quotas;

/// Accounts of which it is kept; with one more, all begin anew.
const MOST_ACCOUNTS: usize = 16 * 1024;

/// Octets and messages that came, less those that went.
pub(super) type Change = (i64, i64);

/// What is known of one account.
#[derive(Clone, Copy, Debug)]
struct Own {
    domain: i64,
    settings: AccountQuotaSettings,
    used: Usage,
    /// As of which reading of the limits.
    reading: u64,
}

/// What accounts and domains use, as the transaction under way leaves it.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    accounts: HashMap<AccountId, Own>,
    domains: HashMap<i64, DomainQuota>,
    /// Not yet written.
    unwritten_accounts: HashMap<AccountId, Change>,
    unwritten_domains: HashMap<i64, Change>,
    /// Accounts about which readers are to be told when the transaction is committed.
    touched: BTreeSet<AccountId>,
    /// How often limits have changed.
    reading: u64,
    /// Whether readers have to forget what they were told.
    upset: bool,
}

impl Ledger {
    /// The quota of an account after `change`. `None` without such an account.
    pub(super) fn after(
        &mut self,
        connection: &Connection,
        account: AccountId,
        change: Change,
    ) -> Result<Option<AccountQuota>, Fault> {
        let Some(own) = self.known(connection, account)? else { return Ok(None) };
        let mut domain = self.domains[&own.domain];
        domain.used = grown(domain.used, change);
        let allowed = own.settings.allowance(domain.settings.each_account);
        Ok(Some(AccountQuota { settings: own.settings, allowed, used: grown(own.used, change), domain }))
    }

    /// Enters what an account that is known has come to; [`Self::write`] writes it.
    pub(super) fn enter(&mut self, account: AccountId, change: Change) {
        let Some(own) = self.accounts.get_mut(&account) else { return };
        own.used = grown(own.used, change);
        add(self.unwritten_accounts.entry(account).or_default(), change);
        add(self.unwritten_domains.entry(own.domain).or_default(), change);
        if let Some(domain) = self.domains.get_mut(&own.domain) {
            domain.used = grown(domain.used, change);
        }
        self.touched.insert(account);
    }

    /// Limits have changed, or accounts or domains are gone.
    pub(super) fn limits_changed(&mut self) {
        self.reading += 1;
        self.upset = true;
    }

    /// Writes what has been entered into the transaction under way.
    pub(super) fn write(&mut self, connection: &Connection) -> Result<(), Fault> {
        let sql = "UPDATE account_quota SET size_bytes = size_bytes + ?2, messages = messages + ?3 WHERE account = ?1";
        for (account, (size_bytes, messages)) in self.unwritten_accounts.drain() {
            connection.prepare_cached(sql)?.execute(params![account.0 as i64, size_bytes, messages])?;
        }
        let sql = "UPDATE domain_quota SET size_bytes = size_bytes + ?2, messages = messages + ?3 WHERE domain = ?1";
        for (domain, (size_bytes, messages)) in self.unwritten_domains.drain() {
            connection.prepare_cached(sql)?.execute(params![domain, size_bytes, messages])?;
        }
        Ok(())
    }

    /// The transaction has been committed.
    pub(super) fn committed(&mut self, board: &UsageBoard) {
        if self.upset || !self.touched.is_empty() {
            board.take(self);
        }
        self.touched.clear();
        self.upset = false;
        if self.accounts.len() > MOST_ACCOUNTS {
            self.forget();
        }
    }

    /// The transaction did not happen: what was entered is not so.
    pub(super) fn forget(&mut self) {
        *self = Self { reading: self.reading, ..Self::default() };
    }

    fn known(&mut self, connection: &Connection, account: AccountId) -> Result<Option<Own>, Fault> {
        let reading = self.reading;
        if let Some(own) = self.accounts.get(&account).filter(|own| own.reading == reading) {
            return Ok(Some(*own));
        }
        let Some((written, domain)) = quotas::account_and_domain(connection, account)? else { return Ok(None) };
        // What is here may be ahead of what is written; the limits never are.
        let used = self.accounts.get(&account).map_or(written.used, |own| own.used);
        let own = Own { domain, settings: written.settings, used, reading };
        self.accounts.insert(account, own);
        let whole = self.domains.entry(domain).or_insert(written.domain);
        whole.settings = written.domain.settings;
        Ok(Some(own))
    }
}

/// What readers are told about accounts that got or lost mail of late.
#[derive(Debug, Default)]
pub(crate) struct UsageBoard {
    accounts: RwLock<Board>,
}

#[derive(Debug, Default)]
struct Board {
    accounts: HashMap<AccountId, Own>,
    domains: HashMap<i64, DomainQuota>,
}

impl UsageBoard {
    /// The quota of an account, if it is one of them.
    pub(crate) fn account(&self, account: AccountId) -> Option<AccountQuota> {
        let board = self.accounts.read();
        let own = board.accounts.get(&account)?;
        let domain = *board.domains.get(&own.domain)?;
        let allowed = own.settings.allowance(domain.settings.each_account);
        Some(AccountQuota { settings: own.settings, allowed, used: own.used, domain })
    }

    fn take(&self, ledger: &Ledger) {
        let mut board = self.accounts.write();
        if ledger.upset || board.accounts.len() > MOST_ACCOUNTS {
            *board = Board::default();
        }
        for account in &ledger.touched {
            let Some(own) = ledger.accounts.get(account).filter(|own| own.reading == ledger.reading) else { continue };
            let Some(domain) = ledger.domains.get(&own.domain) else { continue };
            board.accounts.insert(*account, *own);
            board.domains.insert(own.domain, *domain);
        }
    }
}

fn add(sum: &mut Change, change: Change) {
    sum.0 += change.0;
    sum.1 += change.1;
}

fn grown(used: Usage, change: Change) -> Usage {
    Usage {
        size_bytes: used.size_bytes.saturating_add_signed(change.0),
        messages: used.messages.saturating_add_signed(change.1),
    }
}
