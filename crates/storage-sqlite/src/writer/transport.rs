//! Other domains' transport security.

use posthouse_model::Domain;
use posthouse_storage::transport::{MAX_STS_POLICIES, MAX_TLS_COUNTS};
use posthouse_storage::{StsRecord, TlsCountKey, TlsHistory, TlsHistoryDelta};
use rusqlite::params;

use super::work::Work;
use crate::fault::Fault;
use crate::reader::transport;

impl Work<'_> {
    /// Keeps a policy. Where there are too many, the one that ends first goes.
    pub(crate) fn put_sts_policy(&mut self, record: &StsRecord) -> Result<(), Fault> {
        let sql = "INSERT INTO sts_policy (domain, id, policy, fetched_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)
                   ON CONFLICT (domain) DO UPDATE SET id = ?2, policy = ?3, fetched_at = ?4, expires_at = ?5";
        let StsRecord { domain, id, policy, fetched_at, expires_at } = record;
        let values = params![domain.as_str(), id, policy, fetched_at.0, expires_at.0];
        self.connection.prepare_cached(sql)?.execute(values)?;
        let sql = "SELECT count(*) FROM sts_policy";
        let count: i64 = self.connection.prepare_cached(sql)?.query_row((), |row| row.get(0))?;
        if count as usize > MAX_STS_POLICIES {
            let sql = "DELETE FROM sts_policy WHERE domain =
                       (SELECT domain FROM sts_policy WHERE domain <> ?1 ORDER BY expires_at LIMIT 1)";
            self.connection.prepare_cached(sql)?.execute(params![domain.as_str()])?;
        }
        Ok(())
    }

    /// Forgets the policy of a domain.
    pub(crate) fn forget_sts_policy(&mut self, domain: &Domain) -> Result<(), Fault> {
        let sql = "DELETE FROM sts_policy WHERE domain = ?1";
        self.connection.prepare_cached(sql)?.execute(params![domain.as_str()])?;
        Ok(())
    }

    /// Adds to histories and counts.
    pub(crate) fn add_tls_outcomes(
        &mut self,
        histories: &[TlsHistoryDelta],
        counts: &[(TlsCountKey, u64)],
    ) -> Result<(), Fault> {
        for delta in histories {
            let history = match transport::tls_history(self.connection, &delta.domain)? {
                Some(mut history) => {
                    history.add(delta);
                    history
                }
                None => TlsHistory::from(delta),
            };
            let sql = "INSERT INTO tls_history (domain, clear, encrypted, verified, streak, streak_since, last_at)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (domain) DO UPDATE SET
                       clear = ?2, encrypted = ?3, verified = ?4, streak = ?5, streak_since = ?6, last_at = ?7";
            let values = params![
                history.domain.as_str(),
                history.clear as i64,
                history.encrypted as i64,
                history.verified as i64,
                history.streak as i64,
                history.streak_since.0,
                history.last_at.0
            ];
            self.connection.prepare_cached(sql)?.execute(values)?;
        }
        // What one call brings is of one day, or of two.
        let mut room: Vec<(u32, usize)> = Vec::new();
        for (key, count) in counts {
            let at = match room.iter().position(|(day, _)| *day == key.day) {
                Some(at) => at,
                None => {
                    room.push((key.day, self.room_on(key.day)?));
                    room.len() - 1
                }
            };
            if !self.add_to_count(key, *count)? && room[at].1 > 0 {
                self.insert_count(key, *count)?;
                room[at].1 -= 1;
            }
        }
        Ok(())
    }

    /// How many counts a day has room for.
    fn room_on(&self, day: u32) -> Result<usize, Fault> {
        let sql = "SELECT count(*) FROM tls_count WHERE day = ?1";
        let there: i64 = self.connection.prepare_cached(sql)?.query_row(params![day], |row| row.get(0))?;
        Ok(MAX_TLS_COUNTS.saturating_sub(there as usize))
    }

    /// Whether there is such a count.
    fn add_to_count(&self, key: &TlsCountKey, count: u64) -> Result<bool, Fault> {
        let sql = "UPDATE tls_count SET sessions = sessions + ?9 WHERE day = ?1 AND domain = ?2 AND policy_type = ?3
                   AND policy = ?4 AND mx_host = ?5 AND receiving_ip = ?6 AND result = ?7 AND detail = ?8";
        self.run_with_count(sql, key, count)
    }

    fn insert_count(&self, key: &TlsCountKey, count: u64) -> Result<bool, Fault> {
        let sql = "INSERT INTO tls_count
                   (day, domain, policy_type, policy, mx_host, receiving_ip, result, detail, sessions)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        self.run_with_count(sql, key, count)
    }

    fn run_with_count(&self, sql: &str, key: &TlsCountKey, count: u64) -> Result<bool, Fault> {
        let TlsCountKey { day, domain, policy_type, policy, mx_host, receiving_ip, result, detail } = key;
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let values = params![day, domain.as_str(), policy_type, policy, mx_host, receiving_ip, result, detail, count];
        Ok(self.connection.prepare_cached(sql)?.execute(values)? > 0)
    }

    /// Forgets the counts of earlier days.
    pub(crate) fn forget_tls_counts(&mut self, before: u32) -> Result<(), Fault> {
        self.connection.prepare_cached("DELETE FROM tls_count WHERE day < ?1")?.execute(params![before])?;
        Ok(())
    }
}
