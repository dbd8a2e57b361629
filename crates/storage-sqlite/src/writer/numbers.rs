//! Numbers that never come back.

use posthouse_model::UnixMillis;
use rusqlite::{Connection, params};

use crate::fault::Fault;

/// How many numbers of a busy kind are taken at once in the index, so that most commits need not write there. What
/// of them is not used when the store is closed is passed over for ever.
const RESERVE: i64 = 1000;

/// What the index knows: every number below these has been taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    domain: i64,
    account: i64,
    mailbox: i64,
    message: i64,
    queue: i64,
    segment: u32,
    last_uid_validity: u32,
}

/// The next number of each kind. Numbers are not given back when a request fails: gaps do no harm.
#[derive(Debug)]
pub(crate) struct Numbers {
    taken: Taken,
    /// As the last commit left it.
    saved: Taken,
    next_message: i64,
    next_queue: i64,
}

impl Numbers {
    /// As the last commit left them.
    pub(crate) fn load(connection: &Connection) -> Result<Self, Fault> {
        let sql = "SELECT next_domain, next_account, next_mailbox, next_message, next_queue, next_segment,
                   last_uid_validity FROM counter WHERE one = 1";
        let taken = connection.query_row(sql, (), |row| {
            Ok(Taken {
                domain: row.get(0)?,
                account: row.get(1)?,
                mailbox: row.get(2)?,
                message: row.get(3)?,
                queue: row.get(4)?,
                segment: row.get(5)?,
                last_uid_validity: row.get(6)?,
            })
        })?;
        Ok(Self { next_message: taken.message, next_queue: taken.queue, saved: taken.clone(), taken })
    }

    /// Writes them into the transaction under way, if need be.
    pub(super) fn save(&self, connection: &Connection) -> Result<(), Fault> {
        let taken = &self.taken;
        if *taken == self.saved {
            return Ok(());
        }
        let sql = "UPDATE counter SET next_domain = ?1, next_account = ?2, next_mailbox = ?3, next_message = ?4,
                   next_queue = ?5, next_segment = ?6, last_uid_validity = ?7 WHERE one = 1";
        connection.prepare_cached(sql)?.execute(params![
            taken.domain,
            taken.account,
            taken.mailbox,
            taken.message,
            taken.queue,
            taken.segment,
            taken.last_uid_validity
        ])?;
        Ok(())
    }

    /// The transaction into which they were written has been committed.
    pub(super) fn committed(&mut self) {
        if self.taken != self.saved {
            self.saved = self.taken.clone();
        }
    }

    pub(super) fn domain(&mut self) -> i64 {
        take(&mut self.taken.domain)
    }

    pub(super) fn account(&mut self) -> i64 {
        take(&mut self.taken.account)
    }

    pub(super) fn mailbox(&mut self) -> i64 {
        take(&mut self.taken.mailbox)
    }

    pub(super) fn message(&mut self) -> i64 {
        take_reserved(&mut self.next_message, &mut self.taken.message)
    }

    pub(super) fn queue(&mut self) -> i64 {
        take_reserved(&mut self.next_queue, &mut self.taken.queue)
    }

    /// The lowest segment number never used.
    pub(crate) fn next_segment(&self) -> u32 {
        self.taken.segment
    }

    pub(super) fn set_next_segment(&mut self, next: u32) {
        self.taken.segment = next;
    }

    /// A UIDVALIDITY above all before it. Following the clock, it is also above those of an earlier store with the
    /// same names, which clients may remember (RFC 9051 §2.3.1.1).
    pub(super) fn uid_validity(&mut self, now: UnixMillis) -> u32 {
        let seconds = u32::try_from(now.seconds()).unwrap_or(0);
        let last = &mut self.taken.last_uid_validity;
        *last = seconds.max(last.saturating_add(1)).max(1);
        *last
    }
}

fn take(next: &mut i64) -> i64 {
    let number = *next;
    *next += 1;
    number
}

fn take_reserved(next: &mut i64, taken: &mut i64) -> i64 {
    if *next >= *taken {
        *taken = *next + RESERVE;
    }
    take(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index() -> (tempfile::TempDir, Connection) {
        let directory = tempfile::tempdir().unwrap();
        let connection = crate::schema::open_writer(&directory.path().join("index.db")).unwrap();
        (directory, connection)
    }

    #[test]
    fn numbers_rise_whatever_was_saved() {
        let (_directory, connection) = index();
        let mut last = 0;
        for round in 0..5 {
            let mut numbers = Numbers::load(&connection).unwrap();
            for _ in 0..RESERVE + round {
                let number = numbers.message();
                assert!(number > last);
                last = number;
                numbers.save(&connection).unwrap();
                numbers.committed();
            }
        }
    }

    #[test]
    fn what_was_not_committed_is_saved_with_the_next_commit() {
        let (_directory, connection) = index();
        let mut numbers = Numbers::load(&connection).unwrap();
        let lost = numbers.message();
        // The transaction with the reservation failed; a later one needs no new reservation, and saves this one.
        let kept = numbers.message();
        numbers.save(&connection).unwrap();
        numbers.committed();
        let next = Numbers::load(&connection).unwrap().message();
        assert!(lost < kept && kept < next);
    }

    #[test]
    fn uid_validities_rise_while_the_clock_does_not() {
        let (_directory, connection) = index();
        let mut numbers = Numbers::load(&connection).unwrap();
        let at = |seconds: i64| UnixMillis(seconds * 1000);
        let given = [100, 100, 50, 200, -5].map(|seconds| numbers.uid_validity(at(seconds)));
        assert_eq!(given, [100, 101, 102, 200, 201]);
    }
}
