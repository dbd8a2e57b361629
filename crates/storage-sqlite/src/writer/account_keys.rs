//! Keys of accounts.

use posthouse_model::{AccountId, KeyId};
use posthouse_storage::account_keys::{MAX_KEYS_PER_ACCOUNT, check_new_key};
use posthouse_storage::{AccountKey, KeyUse, Named, NewAccountKey, Scope, StorageError};
use rusqlite::{OptionalExtension, params};

use super::work::Work;
use crate::encryption::{ACCOUNT_KEY, SecretSealer};
use crate::fault::Fault;
use crate::reader::account_keys::row_name;

impl Work<'_> {
    pub(crate) fn add_account_key(&mut self, key: NewAccountKey) -> Result<AccountKey, Fault> {
        check_new_key(&key)?;
        let owner = key.account.0 as i64;
        self.require_scope(Scope::Account(key.account))?;
        if self.key_id(key.account, &key.label)?.is_some() {
            return Err(StorageError::AlreadyExists(Named::Key).into());
        }
        let sql = "SELECT count(*) FROM account_key WHERE account = ?1";
        let count: i64 = self.connection.prepare_cached(sql)?.query_row(params![owner], |row| row.get(0))?;
        if count as usize >= MAX_KEYS_PER_ACCOUNT {
            let limit = MAX_KEYS_PER_ACCOUNT as u64;
            return Err(StorageError::Limit { what: "credentials of an account", limit }.into());
        }
        let name = row_name(key.account, &key.label);
        let mut sealer = SecretSealer::new(&self.keys.load(), &ACCOUNT_KEY, &name);
        let digest = sealer.seal("digest", &key.proof.digest);
        let scram_sha_256 = sealer.seal("scram_sha_256", &key.proof.scram_sha_256);
        let scram_sha_1 = sealer.seal("scram_sha_1", &key.proof.scram_sha_1);
        let cram_md5 = key.proof.cram_md5.as_ref().map(|state| sealer.seal("cram_md5", state));
        let sql = "INSERT INTO account_key (account, label, name, services, created_at, expires_at, digest,
                   scram_sha_256, scram_sha_1, cram_md5, sealed_by)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
        self.connection.prepare_cached(sql)?.execute(params![
            owner,
            key.label,
            name,
            key.services.bits(),
            key.created_at.0,
            key.expires_at.map(|at| at.0),
            digest,
            scram_sha_256,
            scram_sha_1,
            cram_md5,
            sealer.sealed_by
        ])?;
        Ok(AccountKey {
            id: KeyId(self.connection.last_insert_rowid() as u64),
            account: key.account,
            label: key.label,
            services: key.services,
            created_at: key.created_at,
            expires_at: key.expires_at,
            last_use: None,
            proof: key.proof,
        })
    }

    fn key_id(&self, account: AccountId, label: &str) -> Result<Option<KeyId>, Fault> {
        let sql = "SELECT id FROM account_key WHERE account = ?1 AND label = ?2";
        let id = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
        let found = self.connection.prepare_cached(sql)?.query_row(params![account.0 as i64, label], id).optional()?;
        Ok(found.map(|id| KeyId(id as u64)))
    }

    pub(crate) fn remove_account_key(&mut self, account: AccountId, label: &str) -> Result<KeyId, Fault> {
        let id = self.key_id(account, label)?.ok_or(StorageError::NotFound(Named::Key))?;
        self.connection.prepare_cached("DELETE FROM account_key WHERE id = ?1")?.execute(params![id.0 as i64])?;
        self.forget_sending_key(id)?;
        Ok(id)
    }

    /// Removes what was counted and set for the keys of an account that is being removed; they themselves go with it.
    pub(super) fn forget_keys_of(&mut self, account: AccountId) -> Result<(), Fault> {
        let sql = "SELECT id FROM account_key WHERE account = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let ids = statement.query_map(params![account.0 as i64], |row| row.get::<_, i64>(0))?;
        for id in ids.collect::<Result<Vec<_>, _>>()? {
            self.forget_sending_key(KeyId(id as u64))?;
        }
        Ok(())
    }

    /// The latest use stays, and nothing else of the row changes: what is sealed there is as it was.
    pub(crate) fn note_key_use(&mut self, key: KeyId, used: KeyUse) -> Result<(), Fault> {
        let sql = "UPDATE account_key SET last_used_at = ?2, last_service = ?3
                   WHERE id = ?1 AND (last_used_at IS NULL OR last_used_at <= ?2)";
        self.connection.prepare_cached(sql)?.execute(params![key.0 as i64, used.at.0, used.service.code()])?;
        Ok(())
    }

    pub(crate) fn bar_password(&mut self, account: AccountId, barred: bool) -> Result<(), Fault> {
        self.require_scope(Scope::Account(account))?;
        let sql = match barred {
            true => "INSERT INTO barred_password (account) VALUES (?1) ON CONFLICT DO NOTHING",
            false => "DELETE FROM barred_password WHERE account = ?1",
        };
        self.connection.prepare_cached(sql)?.execute(params![account.0 as i64])?;
        Ok(())
    }
}
