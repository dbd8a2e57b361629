//! Messages that are brought in from elsewhere, each once.

use posthouse_model::{AccountId, Uid};
use posthouse_storage::{AppendWanted, ImportKey};
use rusqlite::params;

use super::work::Work;
use crate::fault::Fault;

impl Work<'_> {
    /// Appends messages whose keys are not known, and remembers these.
    pub(crate) fn import(&mut self, mut wanted: AppendWanted, keys: &[ImportKey]) -> Result<Vec<Option<Uid>>, Fault> {
        let account = wanted.account.0 as i64;
        let mut is_new = Vec::with_capacity(keys.len());
        for key in keys {
            let sql = "INSERT INTO imported (account, key) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
            is_new.push(self.connection.prepare_cached(sql)?.execute(params![account, key.0])? > 0);
        }
        let mut new = is_new.iter();
        wanted.messages.retain(|_| *new.next().unwrap_or(&false));
        let mut uids = match wanted.messages.is_empty() {
            true => Vec::new(),
            false => self.append(&wanted)?.uids,
        }
        .into_iter();
        Ok(is_new.into_iter().map(|is_new| if is_new { uids.next() } else { None }).collect())
    }

    /// Forgets up to `limit` keys of an account. Returns how many.
    pub(crate) fn forget_imports(&mut self, account: AccountId, limit: usize) -> Result<u64, Fault> {
        let sql = "DELETE FROM imported WHERE account = ?1 AND key IN
                   (SELECT key FROM imported WHERE account = ?1 LIMIT ?2)";
        let count = self.connection.prepare_cached(sql)?.execute(params![account.0 as i64, limit as i64])?;
        Ok(count as u64)
    }
}
