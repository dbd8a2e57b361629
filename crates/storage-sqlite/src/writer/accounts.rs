//! Accounts, credentials and settings.

use posthouse_model::{AccountId, Secret};
use posthouse_storage::settings::MAX_SETTING_BYTES;
use posthouse_storage::{
    AccountRecord, AccountStatus, Credential, MailboxRecord, Named, NewAccount, Scope, StorageError, Subject,
};
use rusqlite::params;

use super::work::Work;
use crate::convert;
use crate::encryption::{SETTING, SecretSealer};
use crate::fault::Fault;
use crate::reader::{directory, mail};

impl Work<'_> {
    pub(crate) fn create_account(&mut self, new: &NewAccount) -> Result<AccountRecord, Fault> {
        let domain = self.domain_id(&new.address.domain)?.ok_or(StorageError::NotFound(Named::Domain))?;
        if directory::resolve(self.connection, &new.address)?.is_some() {
            return Err(StorageError::AlreadyExists(Named::Address).into());
        }
        if !new.mailboxes.iter().any(|(name, _)| name.is_inbox()) {
            return Err(StorageError::NotFound(Named::Mailbox).into());
        }
        let record = AccountRecord {
            id: AccountId(self.numbers.account() as u64),
            address: new.address.clone(),
            display_name: new.display_name.clone(),
            status: AccountStatus::Active,
            administrator: new.administrator,
            mail_access_for_administrator: false,
            created_at: new.created_at,
        };
        let sql = "INSERT INTO account (id, domain, address, folded, folded_local, display_name, status,
                   administrator, mail_access, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
        self.connection.prepare_cached(sql)?.execute(params![
            record.id.0 as i64,
            domain,
            record.address.to_string(),
            record.address.folded(),
            record.address.local_part.folded(),
            record.display_name,
            convert::status_column(record.status),
            record.administrator,
            record.mail_access_for_administrator,
            record.created_at.0
        ])?;
        let sql = "INSERT INTO account_modseq (account, modseq) VALUES (?1, 0)";
        self.connection.prepare_cached(sql)?.execute(params![record.id.0 as i64])?;
        let sql = "INSERT INTO account_quota (account, size_bytes, messages) VALUES (?1, 0, 0)";
        self.connection.prepare_cached(sql)?.execute(params![record.id.0 as i64])?;
        for (name, special_use) in &new.mailboxes {
            self.create_mailbox(record.id, name, *special_use)?;
            self.set_subscribed(record.id, name, true)?;
        }
        if let Some(credential) = &new.credential {
            self.set_credential(record.id, Some(credential))?;
        }
        Ok(record)
    }

    pub(crate) fn update_account(&mut self, record: &AccountRecord) -> Result<(), Fault> {
        let sql = "UPDATE account SET display_name = ?2, status = ?3, administrator = ?4, mail_access = ?5,
                   created_at = ?6 WHERE id = ?1";
        let found = self.connection.prepare_cached(sql)?.execute(params![
            record.id.0 as i64,
            record.display_name,
            convert::status_column(record.status),
            record.administrator,
            record.mail_access_for_administrator,
            record.created_at.0
        ])?;
        if found == 0 { Err(StorageError::NotFound(Named::Account).into()) } else { Ok(()) }
    }

    pub(crate) fn delete_account(&mut self, id: AccountId) -> Result<(), Fault> {
        let mailboxes: Vec<MailboxRecord> = mail::mailboxes(self.connection, id)?;
        for mailbox in mailboxes {
            self.delete_mailbox(id, mailbox.id)?;
        }
        self.reset_index(id)?;
        self.forget_subject(Subject::Account(id))?;
        self.forget_reader(id)?;
        // While it is still known of which domain it is.
        self.settle_tally()?;
        self.forget_annotations_of(id)?;
        self.note_former_account(id)?;
        self.forget_rules(Scope::Account(id))?;
        self.forget_sender(id)?;
        self.forget_keys_of(id)?;
        // Subscriptions, credential, keys, memberships and modification sequence go with it.
        match self.connection.prepare_cached("DELETE FROM account WHERE id = ?1")?.execute(params![id.0 as i64])? {
            0 => Err(StorageError::NotFound(Named::Account).into()),
            _ => {
                self.modseqs.forget(id);
                self.ledger.limits_changed();
                Ok(())
            }
        }
    }

    pub(crate) fn set_credential(&mut self, id: AccountId, credential: Option<&Credential>) -> Result<(), Fault> {
        if directory::account(self.connection, id)?.is_none() {
            return Err(StorageError::NotFound(Named::Account).into());
        }
        let Some(credential) = credential else {
            let sql = "DELETE FROM credential WHERE account = ?1";
            self.connection.prepare_cached(sql)?.execute(params![id.0 as i64])?;
            return Ok(());
        };
        let sql = "INSERT OR REPLACE INTO credential (account, argon2, scram_sha_256, scram_sha_1, cram_md5,
                   changed_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        self.connection.prepare_cached(sql)?.execute(params![
            id.0 as i64,
            credential.argon2.expose(),
            credential.scram_sha_256.expose(),
            credential.scram_sha_1.expose(),
            credential.cram_md5.as_ref().map(Secret::expose),
            credential.changed_at.0
        ])?;
        Ok(())
    }

    pub(crate) fn setting_or_insert(&mut self, name: &str, value: &Secret) -> Result<Secret, Fault> {
        if let Some(there) = directory::setting(self.connection, self.keys, name)? {
            return Ok(there);
        }
        self.put_setting(name, value)?;
        Ok(value.clone())
    }

    pub(crate) fn put_setting(&mut self, name: &str, value: &Secret) -> Result<(), Fault> {
        if value.len() > MAX_SETTING_BYTES {
            let limit = MAX_SETTING_BYTES as u64;
            return Err(StorageError::Limit { what: "octets of one setting", limit }.into());
        }
        let mut sealer = SecretSealer::new(&self.keys.load(), &SETTING, name);
        let sql = "INSERT INTO setting (name, value, sealed_by) VALUES (?1, ?2, ?3)
                   ON CONFLICT (name) DO UPDATE SET value = ?2, sealed_by = ?3";
        let value = sealer.seal("value", value);
        self.connection.prepare_cached(sql)?.execute(params![name, value, sealer.sealed_by])?;
        Ok(())
    }
}
