//! The index of words.

use std::borrow::Cow;

use posthouse_model::{AccountId, MailboxId, Uid};
use posthouse_storage::{Named, StorageError};
use rusqlite::{OptionalExtension, params};

use super::work::Work;
use crate::fault::Fault;
use crate::reader::mail;
use crate::terms::segment::{Bodies, Built, block_id, seal_block, seal_directory};
use crate::terms::{DOOMED, IN_USE, WRITING};

/// Most blocks that are taken out in one commit when the whole index goes.
const EMPTYING_STEP_BLOCKS: usize = 500;

impl Work<'_> {
    /// Puts a segment into use, and moves the mark of a mailbox.
    pub(crate) fn add_to_index(
        &mut self,
        account: AccountId,
        version: u32,
        mailbox: MailboxId,
        through: Uid,
        built: &Built,
    ) -> Result<(), Fault> {
        mail::mailbox_by_id(self.connection, account, mailbox)?.ok_or(StorageError::NotFound(Named::Mailbox))?;
        // What is left of another version answers nothing any more.
        let sql = "UPDATE search_segment SET state = ?3 WHERE account = ?1 AND state = ?4 AND version <> ?2";
        self.connection.prepare_cached(sql)?.execute(params![account.0 as i64, version, DOOMED, IN_USE])?;
        if self.effects.keys.is_some() {
            // The index has just been given up with the key that it was under; what it lacks is asked for anew.
            return Ok(());
        }
        if !built.bodies.keys.is_empty() {
            let id = self.begin_segment(account, version)?;
            self.write_blocks(id, 0, &built.blocks)?;
            let size_bytes = built.blocks.iter().map(|block| block.len() as u64).sum();
            self.put_into_use(id, &built.bodies, &built.directory, size_bytes)?;
        }
        let sql = "INSERT INTO search_mark (mailbox, account, version, through_uid) VALUES (?1, ?2, ?3, ?4)
                   ON CONFLICT (mailbox) DO UPDATE SET version = ?3, through_uid = ?4";
        let row = params![mailbox.0 as i64, account.0 as i64, version, through.value()];
        self.connection.prepare_cached(sql)?.execute(row)?;
        Ok(())
    }

    /// Makes a segment that is still to be written.
    pub(crate) fn begin_segment(&mut self, account: AccountId, version: u32) -> Result<i64, Fault> {
        let sql = "INSERT INTO search_segment
                   (account, version, state, documents, first_body, last_body, size_bytes, bodies, directory, sealed_by)
                   VALUES (?1, ?2, ?3, 0, 0, 0, 0, x'', x'', ?4)";
        let sealed_by = self.keys.load().target();
        // A segment that would be under a key which is given up in this moment is given up with it.
        let state = if self.effects.keys.is_some() { DOOMED } else { WRITING };
        self.connection.prepare_cached(sql)?.execute(params![account.0 as i64, version, state, sealed_by])?;
        Ok(self.connection.last_insert_rowid())
    }

    /// Writes blocks of a segment. Nothing if it is doomed, as it is when the data key has changed since it was begun.
    pub(crate) fn write_blocks(&mut self, segment: i64, first: usize, blocks: &[Vec<u8>]) -> Result<(), Fault> {
        let sql = "SELECT 1 FROM search_segment WHERE id = ?1 AND state = ?2";
        if !self.connection.prepare_cached(sql)?.exists(params![segment, WRITING])? {
            return Ok(());
        }
        let ring = self.keys.load();
        let mut statement = self.connection.prepare_cached("INSERT INTO search_block (id, content) VALUES (?1, ?2)")?;
        for (number, block) in (first..).zip(blocks) {
            let id = block_id(segment, number);
            match ring.writing() {
                Some((_, root)) => statement.execute(params![id, seal_block(root, id, block)])?,
                None => statement.execute(params![id, block])?,
            };
        }
        Ok(())
    }

    fn put_into_use(&mut self, id: i64, bodies: &Bodies, directory: &[u8], size_bytes: u64) -> Result<(), Fault> {
        let encoded = bodies.encode();
        let directory = match self.keys.load().writing() {
            Some((_, root)) => Cow::Owned(seal_directory(root, id, directory)),
            None => Cow::Borrowed(directory),
        };
        let (first, last) = (bodies.keys.first().unwrap_or(&0), bodies.keys.last().unwrap_or(&0));
        let sql = "UPDATE search_segment SET state = ?2, documents = ?3, first_body = ?4, last_body = ?5,
                   size_bytes = ?6, bodies = ?7, directory = ?8 WHERE id = ?1 AND state = ?9";
        self.connection.prepare_cached(sql)?.execute(params![
            id,
            IN_USE,
            bodies.keys.len() as i64,
            *first as i64,
            *last as i64,
            size_bytes as i64 + (encoded.len() + directory.len()) as i64,
            encoded,
            &directory[..],
            WRITING
        ])?;
        Ok(())
    }

    /// Puts a segment that has been written into the place of those it was made of. If one of them went meanwhile
    /// it goes, too.
    pub(crate) fn replace_segments(
        &mut self,
        old: &[i64],
        new: Option<(i64, &Bodies, &[u8], u64)>,
    ) -> Result<(), Fault> {
        let sql = "UPDATE search_segment SET state = ?2 WHERE id = ?1 AND state = ?3";
        let mut replaced = 0;
        for id in old {
            replaced += self.connection.prepare_cached(sql)?.execute(params![id, DOOMED, IN_USE])?;
        }
        let Some((id, bodies, directory, size_bytes)) = new else { return Ok(()) };
        if replaced < old.len() {
            self.connection.prepare_cached(sql)?.execute(params![id, DOOMED, WRITING])?;
            return Ok(());
        }
        self.put_into_use(id, bodies, directory, size_bytes)
    }

    /// Has all segments of an account taken out, and forgets how far they were.
    pub(crate) fn reset_index(&mut self, account: AccountId) -> Result<(), Fault> {
        let sql = "UPDATE search_segment SET state = ?2 WHERE account = ?1 AND state <> ?2";
        self.connection.prepare_cached(sql)?.execute(params![account.0 as i64, DOOMED])?;
        let sql = "DELETE FROM search_mark WHERE account = ?1";
        self.connection.prepare_cached(sql)?.execute(params![account.0 as i64])?;
        Ok(())
    }

    /// Has all segments taken out, and forgets how far all accounts were.
    pub(super) fn reset_all_indexes(&mut self) -> Result<(), Fault> {
        let sql = "UPDATE search_segment SET state = ?1 WHERE state <> ?1";
        self.connection.prepare_cached(sql)?.execute(params![DOOMED])?;
        self.connection.prepare_cached("DELETE FROM search_mark")?.execute(())?;
        Ok(())
    }

    /// Takes out the next of what is doomed, and, when that was all, blocks that are no segment's. False when nothing
    /// is left.
    pub(super) fn empty_index(&mut self) -> Result<bool, Fault> {
        if self.reap_segments(EMPTYING_STEP_BLOCKS)? {
            return Ok(true);
        }
        let sql = "DELETE FROM search_block WHERE id IN (SELECT id FROM search_block
                   WHERE id >> 24 NOT IN (SELECT id FROM search_segment) LIMIT ?1)";
        Ok(self.connection.prepare_cached(sql)?.execute(params![EMPTYING_STEP_BLOCKS as i64])? > 0)
    }

    pub(super) fn forget_mark(&mut self, mailbox: MailboxId) -> Result<(), Fault> {
        let sql = "DELETE FROM search_mark WHERE mailbox = ?1";
        self.connection.prepare_cached(sql)?.execute(params![mailbox.0 as i64])?;
        Ok(())
    }

    /// Takes up to `limit` blocks out of segments that are doomed. False when there is nothing left to take out.
    pub(crate) fn reap_segments(&mut self, limit: usize) -> Result<bool, Fault> {
        let sql = "SELECT id FROM search_segment WHERE state = ?1 AND state <> 1 LIMIT 1";
        let doomed = self.connection.prepare_cached(sql)?.query_row(params![DOOMED], |row| row.get::<_, i64>(0));
        let Some(segment) = doomed.optional()? else { return Ok(false) };
        let sql = "DELETE FROM search_block WHERE id IN
                   (SELECT id FROM search_block WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT ?3)";
        let range = params![block_id(segment, 0), block_id(segment + 1, 0), limit as i64];
        if self.connection.prepare_cached(sql)?.execute(range)? < limit {
            self.connection.prepare_cached("DELETE FROM search_segment WHERE id = ?1")?.execute(params![segment])?;
        }
        Ok(true)
    }
}
