//! Languages that change.

use posthouse_model::{AccountId, Domain, Language};
use posthouse_storage::{Named, StorageError};
use rusqlite::params;

use super::work::Work;
use crate::fault::Fault;

impl Work<'_> {
    pub(crate) fn set_account_language(&mut self, id: AccountId, language: Option<Language>) -> Result<(), Fault> {
        let sql = "UPDATE account SET language = ?2 WHERE id = ?1";
        let tag = language.map(Language::tag);
        match self.connection.prepare_cached(sql)?.execute(params![id.0 as i64, tag])? {
            0 => Err(StorageError::NotFound(Named::Account).into()),
            _ => Ok(()),
        }
    }

    pub(crate) fn set_domain_language(&mut self, name: &Domain, language: Option<Language>) -> Result<(), Fault> {
        let sql = "UPDATE domain SET language = ?2 WHERE name = ?1";
        let tag = language.map(Language::tag);
        match self.connection.prepare_cached(sql)?.execute(params![name.as_str(), tag])? {
            0 => Err(StorageError::NotFound(Named::Domain).into()),
            _ => Ok(()),
        }
    }
}
