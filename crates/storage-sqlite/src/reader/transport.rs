//! Questions about other domains' transport security.

use posthouse_model::{Domain, UnixMillis};
use posthouse_storage::{StsRecord, TlsCountKey, TlsHistory};
use rusqlite::{Connection, Row, params};

use crate::convert;
use crate::fault::Fault;

const POLICY_COLUMNS: &str = "domain, id, policy, fetched_at, expires_at";
const HISTORY_COLUMNS: &str = "domain, clear, encrypted, verified, streak, streak_since, last_at";

pub(crate) fn sts_policy(connection: &Connection, domain: &Domain) -> Result<Option<StsRecord>, Fault> {
    let sql = format!("SELECT {POLICY_COLUMNS} FROM sts_policy WHERE domain = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![domain.as_str()])?;
    rows.next()?.map(policy_of).transpose()
}

pub(crate) fn sts_policies(
    connection: &Connection,
    after: Option<&Domain>,
    limit: usize,
) -> Result<Vec<StsRecord>, Fault> {
    let sql = format!("SELECT {POLICY_COLUMNS} FROM sts_policy WHERE domain > ?1 ORDER BY domain LIMIT ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![after.map_or("", Domain::as_str), limit as i64])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(policy_of(row)?);
    }
    Ok(found)
}

pub(crate) fn tls_history(connection: &Connection, domain: &Domain) -> Result<Option<TlsHistory>, Fault> {
    let sql = format!("SELECT {HISTORY_COLUMNS} FROM tls_history WHERE domain = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![domain.as_str()])?;
    rows.next()?.map(history_of).transpose()
}

pub(crate) fn tls_histories(
    connection: &Connection,
    after: Option<&Domain>,
    limit: usize,
) -> Result<Vec<TlsHistory>, Fault> {
    let sql = format!("SELECT {HISTORY_COLUMNS} FROM tls_history WHERE domain > ?1 ORDER BY domain LIMIT ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![after.map_or("", Domain::as_str), limit as i64])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(history_of(row)?);
    }
    Ok(found)
}

pub(crate) fn tls_counts(connection: &Connection, day: u32) -> Result<Vec<(TlsCountKey, u64)>, Fault> {
    let sql = "SELECT domain, policy_type, policy, mx_host, receiving_ip, result, detail, sessions FROM tls_count
               WHERE day = ?1 ORDER BY domain, policy_type, policy, mx_host, receiving_ip, result, detail";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![day])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let key = TlsCountKey {
            day,
            domain: convert::domain(&row.get::<_, String>(0)?)?,
            policy_type: row.get(1)?,
            policy: row.get(2)?,
            mx_host: row.get(3)?,
            receiving_ip: row.get(4)?,
            result: row.get(5)?,
            detail: row.get(6)?,
        };
        found.push((key, row.get::<_, i64>(7)? as u64));
    }
    Ok(found)
}

fn policy_of(row: &Row<'_>) -> Result<StsRecord, Fault> {
    Ok(StsRecord {
        domain: convert::domain(&row.get::<_, String>(0)?)?,
        id: row.get(1)?,
        policy: row.get(2)?,
        fetched_at: UnixMillis(row.get(3)?),
        expires_at: UnixMillis(row.get(4)?),
    })
}

fn history_of(row: &Row<'_>) -> Result<TlsHistory, Fault> {
    Ok(TlsHistory {
        domain: convert::domain(&row.get::<_, String>(0)?)?,
        clear: row.get::<_, i64>(1)? as u64,
        encrypted: row.get::<_, i64>(2)? as u64,
        verified: row.get::<_, i64>(3)? as u64,
        streak: row.get::<_, i64>(4)? as u64,
        streak_since: UnixMillis(row.get(5)?),
        last_at: UnixMillis(row.get(6)?),
    })
}
