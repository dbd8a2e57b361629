//! Modification sequences of accounts.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use posthouse_model::{AccountId, ModSeq};
use posthouse_storage::{Named, StorageError};
use rusqlite::{Connection, OptionalExtension, params};

use crate::fault::Fault;

/// How many an account takes at once in the index, so that most commits need not write there. What of them is not
/// used when the store is closed is passed over for ever: they have to rise, not to follow one another
/// (RFC 7162 §3.1).
const RESERVE: i64 = 64;
/// Accounts of which some are kept; with one more, all begin anew.
const MOST_ACCOUNTS: usize = 16 * 1024;

/// What accounts have taken and not yet used.
#[derive(Debug, Default)]
pub(crate) struct ModSeqs {
    left: HashMap<AccountId, RangeInclusive<i64>>,
    /// Whether something was taken in the transaction under way.
    taken: bool,
}

impl ModSeqs {
    /// The account's next.
    pub(super) fn next(&mut self, connection: &Connection, account: AccountId) -> Result<ModSeq, Fault> {
        if let Some(next) = self.left.get_mut(&account).and_then(Iterator::next) {
            return Ok(ModSeq(next as u64));
        }
        let sql = "UPDATE account_modseq SET modseq = modseq + ?2 WHERE account = ?1 RETURNING modseq";
        let last: Option<i64> = connection
            .prepare_cached(sql)?
            .query_row(params![account.0 as i64, RESERVE], |row| row.get(0))
            .optional()?;
        let last = last.ok_or(StorageError::NotFound(Named::Account))?;
        if self.left.len() >= MOST_ACCOUNTS {
            self.left.clear();
        }
        let first = last - RESERVE + 1;
        self.left.insert(account, first + 1..=last);
        self.taken = true;
        Ok(ModSeq(first as u64))
    }

    /// The account is no more.
    pub(super) fn forget(&mut self, account: AccountId) {
        self.left.remove(&account);
    }

    /// The transaction under way, or a part of it, did not happen: the index may not know what was taken.
    pub(super) fn taken_back(&mut self) {
        if self.taken {
            self.left.clear();
        }
    }

    /// The transaction is over; nothing of it can be taken back any more.
    pub(super) fn settle(&mut self) {
        self.taken = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: AccountId = AccountId(1);

    fn index() -> (tempfile::TempDir, Connection) {
        let directory = tempfile::tempdir().unwrap();
        let connection = crate::schema::open_writer(&directory.path().join("index.db")).unwrap();
        let sql = "PRAGMA foreign_keys = 0; INSERT INTO account_modseq VALUES (1, 0), (2, 0)";
        connection.execute_batch(sql).unwrap();
        (directory, connection)
    }

    fn noted(connection: &Connection) -> u64 {
        connection
            .query_row("SELECT modseq FROM account_modseq WHERE account = 1", (), |row| row.get::<_, i64>(0))
            .unwrap() as u64
    }

    #[test]
    fn they_rise_and_the_index_is_ahead() {
        let (_directory, connection) = index();
        let mut last = 0;
        for round in 0..5 {
            let mut modseqs = ModSeqs::default();
            for _ in 0..RESERVE + round {
                let next = modseqs.next(&connection, ANN).unwrap().0;
                assert!(next > last && noted(&connection) >= next);
                last = next;
                modseqs.settle();
            }
        }
    }

    #[test]
    fn what_was_taken_in_vain_is_taken_again() {
        let (_directory, connection) = index();
        let mut modseqs = ModSeqs::default();
        connection.execute_batch("BEGIN").unwrap();
        modseqs.next(&connection, ANN).unwrap();
        connection.execute_batch("ROLLBACK").unwrap();
        modseqs.taken_back();
        modseqs.settle();
        let next = modseqs.next(&connection, ANN).unwrap().0;
        assert!(noted(&connection) >= next);
    }

    #[test]
    fn an_account_that_is_gone_has_none() {
        let (_directory, connection) = index();
        let mut modseqs = ModSeqs::default();
        modseqs.next(&connection, ANN).unwrap();
        connection.execute("DELETE FROM account_modseq", ()).unwrap();
        modseqs.forget(ANN);
        assert!(matches!(modseqs.next(&connection, ANN), Err(Fault(StorageError::NotFound(Named::Account)))));
    }
}
