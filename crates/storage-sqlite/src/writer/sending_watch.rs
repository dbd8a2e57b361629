//! Accounts that may not send for now.

use posthouse_model::{AccountId, UnixMillis};
use posthouse_storage::sending_watch::MAX_FREEZE_WORDS_BYTES;
use posthouse_storage::{HeldMail, Named, Scope, SendingFreeze, StorageError, Watched};
use rusqlite::params;

use super::work::Work;
use crate::fault::Fault;
use crate::reader::sending_watch::cause_column;

impl Work<'_> {
    pub(crate) fn count_bounces(&mut self, account: AccountId, bounced: u64, at: UnixMillis) -> Result<Watched, Fault> {
        self.require_scope(Scope::Account(account))?;
        self.sending.watch(self.connection, account, |watched| watched.as_of(at).plus_bounced(bounced))
    }

    pub(crate) fn freeze_sending(&mut self, freeze: &SendingFreeze) -> Result<bool, Fault> {
        let account = freeze.account;
        self.require_scope(Scope::Account(account))?;
        let end = (0..=freeze.words.len().min(MAX_FREEZE_WORDS_BYTES)).rev();
        let end = end.into_iter().find(|&at| freeze.words.is_char_boundary(at)).unwrap_or(0);
        let sql = "INSERT INTO sending_freeze (account, cause, words, frozen_at) VALUES (?1, ?2, ?3, ?4)
                   ON CONFLICT DO NOTHING";
        let values = params![account.0 as i64, cause_column(freeze.cause), &freeze.words[..end], freeze.at.0];
        if self.connection.prepare_cached(sql)?.execute(values)? == 0 {
            return Ok(false);
        }
        self.sending.bounds_changed();
        Ok(true)
    }

    pub(crate) fn release_sending(&mut self, account: AccountId, held: HeldMail, at: UnixMillis) -> Result<(), Fault> {
        let sql = "DELETE FROM sending_freeze WHERE account = ?1";
        if self.connection.prepare_cached(sql)?.execute(params![account.0 as i64])? == 0 {
            return Err(StorageError::NotFound(Named::Rule).into());
        }
        self.sending.bounds_changed();
        self.sending.watch(self.connection, account, |watched| watched.released(held, at))?;
        Ok(())
    }
}
