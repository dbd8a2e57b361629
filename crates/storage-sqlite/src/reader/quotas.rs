//! Questions about quotas.

use posthouse_model::{AccountId, Domain};
use posthouse_storage::{
    AccountQuota, AccountQuotaSettings, Allowance, DomainQuota, DomainQuotaSettings, QuotaSetting, Usage,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::fault::Fault;

/// The columns of [`domain_quota`], of a table called `whole`.
const DOMAIN_COLUMNS: &str = "whole.max_size_bytes, whole.max_messages, whole.each_max_size_bytes,
                              whole.each_max_messages, whole.size_bytes, whole.messages";

/// What stands for no bound in the columns of an account.
const UNLIMITED: i64 = -1;

pub(crate) fn account(connection: &Connection, account: AccountId) -> Result<Option<AccountQuota>, Fault> {
    Ok(account_and_domain(connection, account)?.map(|(quota, _)| quota))
}

/// The quota of an account, and the number of its domain.
pub(crate) fn account_and_domain(
    connection: &Connection,
    account: AccountId,
) -> Result<Option<(AccountQuota, i64)>, Fault> {
    let sql = format!(
        "SELECT {DOMAIN_COLUMNS}, own.max_size_bytes, own.max_messages, own.size_bytes, own.messages, whole.domain
         FROM account_quota AS own JOIN account ON account.id = own.account
         JOIN domain_quota AS whole ON whole.domain = account.domain WHERE own.account = ?1"
    );
    let row = |row: &Row<'_>| Ok((account_quota(row)?, row.get(10)?));
    Ok(connection.prepare_cached(&sql)?.query_row(params![account.0 as i64], row).optional()?)
}

pub(crate) fn domain(connection: &Connection, domain: &Domain) -> Result<Option<DomainQuota>, Fault> {
    let sql = format!(
        "SELECT {DOMAIN_COLUMNS} FROM domain_quota AS whole JOIN domain ON domain.id = whole.domain
         WHERE domain.name = ?1"
    );
    Ok(connection.prepare_cached(&sql)?.query_row(params![domain.as_str()], domain_quota).optional()?)
}

fn account_quota(row: &Row<'_>) -> rusqlite::Result<AccountQuota> {
    let domain = domain_quota(row)?;
    let settings = AccountQuotaSettings { size_bytes: setting(row.get(6)?), messages: setting(row.get(7)?) };
    Ok(AccountQuota {
        settings,
        allowed: settings.allowance(domain.settings.each_account),
        used: Usage { size_bytes: row.get::<_, i64>(8)? as u64, messages: row.get::<_, i64>(9)? as u64 },
        domain,
    })
}

fn domain_quota(row: &Row<'_>) -> rusqlite::Result<DomainQuota> {
    let most = |at| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(at)?.map(|most| most as u64));
    Ok(DomainQuota {
        settings: DomainQuotaSettings {
            total: Allowance { size_bytes: most(0)?, messages: most(1)? },
            each_account: Allowance { size_bytes: most(2)?, messages: most(3)? },
        },
        used: Usage { size_bytes: row.get::<_, i64>(4)? as u64, messages: row.get::<_, i64>(5)? as u64 },
    })
}

fn setting(column: Option<i64>) -> QuotaSetting {
    match column {
        None => QuotaSetting::Inherit,
        Some(most) => u64::try_from(most).map_or(QuotaSetting::Unlimited, QuotaSetting::AtMost),
    }
}

pub(crate) fn setting_column(setting: QuotaSetting) -> Option<i64> {
    match setting {
        QuotaSetting::Inherit => None,
        QuotaSetting::Unlimited => Some(UNLIMITED),
        QuotaSetting::AtMost(most) => Some(most_column(most)),
    }
}

pub(crate) fn most_column(most: u64) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}
