//! Questions about who connects with what.

use posthouse_model::{AccountId, UnixMillis};
use posthouse_storage::{Sighting, SightingFilter, SightingKey};
use rusqlite::{Connection, Row, params};

use crate::fault::Fault;

/// The account of those who have none.
pub(crate) const NOBODY: i64 = 0;

pub(crate) fn sightings(
    connection: &Connection,
    filter: &SightingFilter,
    limit: usize,
) -> Result<Vec<Sighting>, Fault> {
    let sql = "SELECT account, peer, listener, port, tls_version, cipher_suite, mechanism, client, first_at, last_at,
                   connections, credential
               FROM sighting
               WHERE (?1 IS NULL OR account = ?1) AND (?2 IS NULL OR listener = ?2) AND (?3 IS NULL OR port = ?3)
                   AND (?4 IS NULL OR tls_version = ?4) AND (?5 IS NULL OR mechanism = ?5)
                   AND (?6 IS NULL OR last_at >= ?6)
               ORDER BY last_at DESC, account, peer, listener, port, tls_version, cipher_suite, mechanism, credential,
                   client
               LIMIT ?7";
    let SightingFilter { account, listener, port, tls_version, mechanism, since } = filter;
    let account = account.map(|id| id.0 as i64);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(sql)?;
    let since = since.map(|since| since.0);
    let mut rows = statement.query(params![account, listener, port, tls_version, mechanism, since, limit])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(sighting_of(row)?);
    }
    Ok(found)
}

fn sighting_of(row: &Row<'_>) -> rusqlite::Result<Sighting> {
    let account: i64 = row.get(0)?;
    Ok(Sighting {
        key: SightingKey {
            account: (account != NOBODY).then_some(AccountId(account as u64)),
            peer: row.get(1)?,
            listener: row.get(2)?,
            port: row.get(3)?,
            tls_version: row.get(4)?,
            cipher_suite: row.get(5)?,
            mechanism: row.get(6)?,
            client: row.get(7)?,
            credential: row.get(11)?,
        },
        first_at: UnixMillis(row.get(8)?),
        last_at: UnixMillis(row.get(9)?),
        connections: row.get::<_, i64>(10)? as u64,
    })
}
