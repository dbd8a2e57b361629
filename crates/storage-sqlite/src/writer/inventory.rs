//! Who connects with what, as it is added up.

use std::collections::BTreeMap;

use posthouse_model::UnixMillis;
use posthouse_storage::inventory::{MAX_SIGHTINGS_OF_PEERS, MAX_SIGHTINGS_PER_ACCOUNT};
use posthouse_storage::{Sighting, SightingKey};
use rusqlite::params;

use super::work::Work;
use crate::fault::Fault;
use crate::reader::inventory::NOBODY;

impl Work<'_> {
    /// Adds sightings; of whoever has too many then, the oldest go.
    pub(crate) fn add_sightings(&mut self, sightings: &[Sighting]) -> Result<(), Fault> {
        // By account, whether it is there.
        let mut touched: BTreeMap<i64, bool> = BTreeMap::from([(NOBODY, true)]);
        for sighting in sightings {
            let account = sighting.key.account.map_or(NOBODY, |id| id.0 as i64);
            let is_there = match touched.get(&account) {
                Some(is_there) => *is_there,
                None => {
                    let is_there = self.is_account(account)?;
                    touched.insert(account, is_there);
                    is_there
                }
            };
            if is_there {
                self.add_sighting(account, sighting)?;
            }
        }
        for (account, is_there) in touched {
            if is_there {
                self.trim_sightings(account)?;
            }
        }
        Ok(())
    }

    fn is_account(&self, account: i64) -> Result<bool, Fault> {
        Ok(self.connection.prepare_cached("SELECT 1 FROM account WHERE id = ?1")?.exists(params![account])?)
    }

    fn add_sighting(&self, account: i64, sighting: &Sighting) -> Result<(), Fault> {
        let sql =
            "INSERT INTO sighting (account, peer, listener, port, tls_version, cipher_suite, mechanism, credential,
                       client, first_at, last_at, connections)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
                   ON CONFLICT DO UPDATE SET first_at = min(first_at, ?10), last_at = max(last_at, ?11),
                       connections = connections + ?12";
        let SightingKey { account: _, peer, listener, port, tls_version, cipher_suite, mechanism, credential, client } =
            &sighting.key;
        let connections = i64::try_from(sighting.connections).unwrap_or(i64::MAX);
        self.connection.prepare_cached(sql)?.execute(params![
            account,
            peer,
            listener,
            port,
            tls_version,
            cipher_suite,
            mechanism,
            credential,
            client,
            sighting.first_at.0,
            sighting.last_at.0,
            connections
        ])?;
        Ok(())
    }

    fn trim_sightings(&self, account: i64) -> Result<(), Fault> {
        let most = if account == NOBODY { MAX_SIGHTINGS_OF_PEERS } else { MAX_SIGHTINGS_PER_ACCOUNT };
        let sql = "SELECT count(*) FROM sighting WHERE account = ?1";
        let there: i64 = self.connection.prepare_cached(sql)?.query_row(params![account], |row| row.get(0))?;
        let surplus = there.saturating_sub(most as i64);
        if surplus <= 0 {
            return Ok(());
        }
        let sql = "DELETE FROM sighting
                   WHERE (account, peer, listener, port, tls_version, cipher_suite, mechanism, credential, client)
                   IN (SELECT account, peer, listener, port, tls_version, cipher_suite, mechanism, credential, client
                       FROM sighting WHERE account = ?1 ORDER BY last_at LIMIT ?2)";
        self.connection.prepare_cached(sql)?.execute(params![account, surplus])?;
        Ok(())
    }

    /// Forgets what was not seen for long.
    pub(crate) fn forget_sightings(&mut self, before: UnixMillis) -> Result<u64, Fault> {
        let sql = "DELETE FROM sighting WHERE last_at < ?1";
        Ok(self.connection.prepare_cached(sql)?.execute(params![before.0])? as u64)
    }
}
