//! Passwords that are replaced.

use posthouse_model::AccountId;
use posthouse_storage::Credential;
use posthouse_storage::password_history::MAX_EARLIER_PASSWORDS;
use rusqlite::params;

use super::work::Work;
use crate::fault::Fault;

impl Work<'_> {
    pub(crate) fn replace_credential(
        &mut self,
        id: AccountId,
        credential: &Credential,
        keep: usize,
    ) -> Result<(), Fault> {
        let sql = "INSERT OR REPLACE INTO earlier_password (account, changed_at, argon2)
                   SELECT account, changed_at, argon2 FROM credential WHERE account = ?1";
        self.connection.prepare_cached(sql)?.execute(params![id.0 as i64])?;
        let sql = "DELETE FROM earlier_password WHERE account = ?1 AND changed_at NOT IN
                   (SELECT changed_at FROM earlier_password WHERE account = ?1 ORDER BY changed_at DESC LIMIT ?2)";
        let keep = keep.min(MAX_EARLIER_PASSWORDS) as i64;
        self.connection.prepare_cached(sql)?.execute(params![id.0 as i64, keep])?;
        self.set_credential(id, Some(credential))
    }
}
