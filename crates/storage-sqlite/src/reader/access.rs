//! Questions about access lists and shared areas.

use posthouse_model::{AccountId, GroupId, MailboxId, MailboxName, Rights};
use posthouse_storage::access::MAX_MAILBOXES_SHARED_WITH_ONE;
use posthouse_storage::{AccessEntry, SharedArea, SharedMailbox, Subject};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::convert::{self, MAILBOX_COLUMNS};
use crate::fault::{Fault, damaged};

const ENTRY_COLUMNS: &str = "kind, subject, negative, rights";

/// The columns `kind` and `subject`.
pub(crate) fn subject_columns(subject: Subject) -> (i64, i64) {
    match subject {
        Subject::Anyone => (0, 0),
        Subject::Account(account) => (1, account.0 as i64),
        Subject::Group(group) => (2, group.0 as i64),
    }
}

/// An entry from the four columns that begin with the `first`.
fn entry(row: &Row<'_>, first: usize) -> Result<AccessEntry, Fault> {
    let number: i64 = row.get(first + 1)?;
    let subject = match row.get(first)? {
        0 => Subject::Anyone,
        1 => Subject::Account(AccountId(number as u64)),
        2 => Subject::Group(GroupId(number as u64)),
        other => return Err(damaged("kind of access", other as i64).into()),
    };
    Ok(AccessEntry { subject, negative: row.get(first + 2)?, rights: Rights::from_bits(row.get(first + 3)?) })
}

pub(crate) fn entries(connection: &Connection, mailbox: MailboxId) -> Result<Vec<AccessEntry>, Fault> {
    let sql = format!("SELECT {ENTRY_COLUMNS} FROM access WHERE mailbox = ?1 ORDER BY kind, subject, negative");
    let mut statement = connection.prepare_cached(&sql)?;
    statement.query_and_then(params![mailbox.0 as i64], |row| entry(row, 0))?.collect()
}

/// Goes by the index of subjects, so it costs what it finds.
pub(crate) fn shared_with(connection: &Connection, account: AccountId) -> Result<Vec<SharedMailbox>, Fault> {
    super::mail::at_one_moment(connection, || {
        let mut shared = Vec::new();
        for (mailbox, entries) in entries_about(connection, account)? {
            if entries.iter().all(|entry| entry.negative) {
                continue;
            }
            if shared.len() >= MAX_MAILBOXES_SHARED_WITH_ONE {
                break;
            }
            shared.extend(shared_mailbox(connection, account, mailbox, entries)?);
        }
        Ok(shared)
    })
}

/// The entries about an account, by mailbox.
fn entries_about(connection: &Connection, account: AccountId) -> Result<Vec<(i64, Vec<AccessEntry>)>, Fault> {
    let sql = "WITH self (of_kind, of_subject) AS (VALUES (0, 0), (1, ?1)
               UNION ALL SELECT 2, grp FROM group_member WHERE account = ?1)
               SELECT mailbox, kind, subject, negative, rights FROM self
               CROSS JOIN access ON kind = of_kind AND subject = of_subject ORDER BY mailbox, kind, subject, negative";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![account.0 as i64])?;
    let mut by_mailbox: Vec<(i64, Vec<AccessEntry>)> = Vec::new();
    while let Some(row) = rows.next()? {
        let (mailbox, entry) = (row.get(0)?, entry(row, 1)?);
        match by_mailbox.last_mut() {
            Some((last, entries)) if *last == mailbox => entries.push(entry),
            _ => by_mailbox.push((mailbox, vec![entry])),
        }
    }
    Ok(by_mailbox)
}

/// A mailbox with its owner; `None` if that is the one who asks.
fn shared_mailbox(
    connection: &Connection,
    account: AccountId,
    mailbox: i64,
    entries: Vec<AccessEntry>,
) -> Result<Option<SharedMailbox>, Fault> {
    let sql = format!("SELECT {MAILBOX_COLUMNS} FROM mailbox WHERE id = ?1 AND account <> ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut records = statement.query_and_then(params![mailbox, account.0 as i64], convert::mailbox_record)?;
    let Some(record) = records.next().transpose()? else { return Ok(None) };
    let sql = "SELECT address, name FROM account LEFT JOIN shared_area ON shared_area.account = account.id
               WHERE account.id = ?1";
    let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let owner: (String, Option<String>) =
        connection.prepare_cached(sql)?.query_row(params![record.account.0 as i64], row)?;
    let area = owner.1.as_deref().map(convert::mailbox_name).transpose()?;
    Ok(Some(SharedMailbox { record, owner: convert::address(&owner.0)?, area, entries }))
}

fn area_record(row: &Row<'_>) -> Result<SharedArea, Fault> {
    let name = convert::mailbox_name(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?;
    Ok(SharedArea { name, account: AccountId(row.get::<_, i64>(1)? as u64) })
}

pub(crate) fn areas(connection: &Connection) -> Result<Vec<SharedArea>, Fault> {
    let mut statement = connection.prepare_cached("SELECT name, account FROM shared_area ORDER BY name")?;
    statement.query_and_then((), area_record)?.collect()
}

pub(crate) fn area(connection: &Connection, name: &MailboxName) -> Result<Option<SharedArea>, Fault> {
    let mut statement = connection.prepare_cached("SELECT name, account FROM shared_area WHERE name = ?1")?;
    let mut rows = statement.query_and_then(params![name.as_str()], area_record)?;
    rows.next().transpose()
}

pub(crate) fn area_of(connection: &Connection, account: AccountId) -> Result<Option<SharedArea>, Fault> {
    let mut statement = connection.prepare_cached("SELECT name, account FROM shared_area WHERE account = ?1")?;
    let mut rows = statement.query_and_then(params![account.0 as i64], area_record)?;
    rows.next().transpose()
}

/// Whose access list a new mailbox begins with: that of the one above it; at the top of a shared area, INBOX.
pub(crate) fn heir_of(
    connection: &Connection,
    account: AccountId,
    name: &MailboxName,
) -> Result<Option<MailboxId>, Fault> {
    let above = match name.parent() {
        Some(above) => above,
        None if !name.is_inbox() && area_of(connection, account)?.is_some() => MailboxName::inbox(),
        None => return Ok(None),
    };
    let sql = "SELECT id FROM mailbox WHERE account = ?1 AND name = ?2";
    let found: Option<i64> = connection
        .prepare_cached(sql)?
        .query_row(params![account.0 as i64, above.as_str()], |row| row.get(0))
        .optional()?;
    Ok(found.map(|id| MailboxId(id as u64)))
}
