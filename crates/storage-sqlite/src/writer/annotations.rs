//! Annotations, and who is charged with them.

use bytes::Bytes;
use posthouse_model::{AccountId, EntryName, EntryScope, MailboxId};
use posthouse_storage::annotations::{
    ACCOUNT_LIMIT, COUNT_LIMIT, MAX_ANNOTATION_BYTES, MAX_ANNOTATION_BYTES_OF_ACCOUNT, MAX_ANNOTATIONS_AT_A_PLACE,
    VALUE_LIMIT,
};
use posthouse_storage::{AnnotationChange, AnnotationPlace, ChangeOrigin, Named, StorageError};
use rusqlite::{OptionalExtension, params};

use super::work::Work;
use crate::fault::Fault;
use crate::reader::annotations::{EVERYBODY, place_column};
use crate::reader::directory;

fn limit(what: &'static str, limit: u64) -> Fault {
    StorageError::Limit { what, limit }.into()
}

impl Work<'_> {
    pub(crate) fn annotate(
        &mut self,
        writer: AccountId,
        place: AnnotationPlace,
        changes: &[(EntryName, Option<Bytes>)],
        origin: Option<ChangeOrigin>,
    ) -> Result<(), Fault> {
        let mailbox = place_column(self.connection, place)?;
        if directory::account(self.connection, writer)?.is_none() {
            return Err(StorageError::NotFound(Named::Account).into());
        }
        let owner = match place {
            AnnotationPlace::Server => EVERYBODY,
            AnnotationPlace::Mailbox { owner, .. } => owner.0 as i64,
        };
        for (name, value) in changes {
            let (holder, charged) = match name.scope() {
                EntryScope::Private => (writer.0 as i64, writer.0 as i64),
                EntryScope::Shared => (EVERYBODY, owner),
            };
            self.set_annotation(mailbox, holder, charged, name.path(), value.as_deref())?;
        }
        let names = changes.iter().map(|(name, _)| name.clone()).collect();
        self.effects.annotations.push(AnnotationChange { place, by: writer, origin, names });
        Ok(())
    }

    fn set_annotation(
        &mut self,
        mailbox: i64,
        holder: i64,
        charged: i64,
        path: &str,
        value: Option<&[u8]>,
    ) -> Result<(), Fault> {
        let sql = "DELETE FROM annotation WHERE mailbox = ?1 AND holder = ?2 AND name = ?3 RETURNING length(value)";
        let before: Option<i64> = self
            .connection
            .prepare_cached(sql)?
            .query_row(params![mailbox, holder, path], |row| row.get(0))
            .optional()?;
        if let Some(before) = before {
            self.charge(charged, -(before + path.len() as i64))?;
        }
        let Some(value) = value else { return Ok(()) };
        if value.len() > MAX_ANNOTATION_BYTES {
            return Err(limit(VALUE_LIMIT, MAX_ANNOTATION_BYTES as u64));
        }
        let sql = "SELECT count(*) FROM annotation WHERE mailbox = ?1 AND holder = ?2";
        let count: i64 = self.connection.prepare_cached(sql)?.query_row(params![mailbox, holder], |row| row.get(0))?;
        if before.is_none() && count as usize >= MAX_ANNOTATIONS_AT_A_PLACE {
            return Err(limit(COUNT_LIMIT, MAX_ANNOTATIONS_AT_A_PLACE as u64));
        }
        let octets = self.charge(charged, (value.len() + path.len()) as i64)?;
        let grows = before.is_none_or(|before| before < value.len() as i64);
        if grows && octets as u64 > MAX_ANNOTATION_BYTES_OF_ACCOUNT {
            return Err(limit(ACCOUNT_LIMIT, MAX_ANNOTATION_BYTES_OF_ACCOUNT));
        }
        let sql = "INSERT INTO annotation (mailbox, holder, name, charged, value) VALUES (?1, ?2, ?3, ?4, ?5)";
        self.connection.prepare_cached(sql)?.execute(params![mailbox, holder, path, charged, value])?;
        Ok(())
    }

    /// Charges an account with so many octets more, or fewer; returns how many it has then.
    fn charge(&mut self, charged: i64, octets: i64) -> Result<i64, Fault> {
        let sql = "INSERT INTO annotation_usage (charged, octets) VALUES (?1, ?2)
                   ON CONFLICT (charged) DO UPDATE SET octets = octets + ?2 RETURNING octets";
        Ok(self.connection.prepare_cached(sql)?.query_row(params![charged, octets], |row| row.get(0))?)
    }

    /// The annotations of a mailbox go with it.
    pub(super) fn forget_annotations_on(&mut self, mailbox: MailboxId) -> Result<(), Fault> {
        self.drop_annotations("DELETE FROM annotation WHERE mailbox = ?1", mailbox.0 as i64)
    }

    /// An account's private annotations go with it, wherever they are.
    pub(super) fn forget_annotations_of(&mut self, account: AccountId) -> Result<(), Fault> {
        self.drop_annotations("DELETE FROM annotation WHERE holder = ?1", account.0 as i64)?;
        let sql = "DELETE FROM annotation_usage WHERE charged = ?1";
        self.connection.prepare_cached(sql)?.execute(params![account.0 as i64])?;
        Ok(())
    }

    fn drop_annotations(&mut self, delete: &str, key: i64) -> Result<(), Fault> {
        let sql = format!("{delete} RETURNING charged, length(name) + length(value)");
        let dropped: Vec<(i64, i64)> = self
            .connection
            .prepare_cached(&sql)?
            .query_map(params![key], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        for (charged, octets) in dropped {
            self.charge(charged, -octets)?;
        }
        Ok(())
    }
}
