//! Numbers that never come back.

use posthouse_model::UnixMillis;
use rusqlite::{Connection, params};

use crate::fault::Fault;

/// The next number of each kind. Taken numbers are not given back when a request fails: gaps do no harm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    domain: i64,
    account: i64,
    mailbox: i64,
    message: i64,
    queue: i64,
    segment: u32,
    last_uid_validity: u32,
}

impl Numbers {
    /// As the last commit left them.
    pub(crate) fn load(connection: &Connection) -> Result<Self, Fault> {
        let sql = "SELECT next_domain, next_account, next_mailbox, next_message, next_queue, next_segment,
                   last_uid_validity FROM counter WHERE one = 1";
        let numbers = connection.query_row(sql, (), |row| {
            Ok(Self {
                domain: row.get(0)?,
                account: row.get(1)?,
                mailbox: row.get(2)?,
                message: row.get(3)?,
                queue: row.get(4)?,
                segment: row.get(5)?,
                last_uid_validity: row.get(6)?,
            })
        })?;
        Ok(numbers)
    }

    /// Writes them into the transaction under way.
    pub(crate) fn save(&self, connection: &Connection) -> Result<(), Fault> {
        let sql = "UPDATE counter SET next_domain = ?1, next_account = ?2, next_mailbox = ?3, next_message = ?4,
                   next_queue = ?5, next_segment = ?6, last_uid_validity = ?7 WHERE one = 1";
        connection.prepare_cached(sql)?.execute(params![
            self.domain,
            self.account,
            self.mailbox,
            self.message,
            self.queue,
            self.segment,
            self.last_uid_validity
        ])?;
        Ok(())
    }

    pub(super) fn domain(&mut self) -> i64 {
        take(&mut self.domain)
    }

    pub(super) fn account(&mut self) -> i64 {
        take(&mut self.account)
    }

    pub(super) fn mailbox(&mut self) -> i64 {
        take(&mut self.mailbox)
    }

    pub(super) fn message(&mut self) -> i64 {
        take(&mut self.message)
    }

    pub(super) fn queue(&mut self) -> i64 {
        take(&mut self.queue)
    }

    /// The lowest segment number never used.
    pub(crate) fn next_segment(&self) -> u32 {
        self.segment
    }

    pub(super) fn set_next_segment(&mut self, next: u32) {
        self.segment = next;
    }

    /// A UIDVALIDITY above all before it. Following the clock, it is also above those of an earlier store with the
    /// same names, which clients may remember (RFC 9051 §2.3.1.1).
    pub(super) fn uid_validity(&mut self, now: UnixMillis) -> u32 {
        let seconds = u32::try_from(now.seconds()).unwrap_or(0);
        self.last_uid_validity = seconds.max(self.last_uid_validity.saturating_add(1)).max(1);
        self.last_uid_validity
    }
}

fn take(next: &mut i64) -> i64 {
    let number = *next;
    *next += 1;
    number
}
