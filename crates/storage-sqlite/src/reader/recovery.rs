//! Questions about what was expunged.

use posthouse_model::{AccountId, MailboxId, MailboxName, UnixMillis};
use posthouse_storage::{ExpungedKey, ExpungedMessage, RemovedAccount};
use rusqlite::{Connection, Row, params};

use crate::convert;
use crate::fault::Fault;

/// The columns of a message record, from what is kept. It has no modification sequence any more.
pub(crate) const RECORD_COLUMNS: &str =
    "uid, 0 AS modseq, flags, keywords, size_bytes, internal_date, saved_at, message, body";

pub(crate) fn expunged(
    connection: &Connection,
    account: AccountId,
    after: Option<ExpungedKey>,
    limit: usize,
) -> Result<Vec<ExpungedMessage>, Fault> {
    let sql = "SELECT one.uid, 0 AS modseq, one.flags, one.keywords, one.size_bytes, internal_date, saved_at, message,
               body, expunged_at, one.mailbox, mailbox.name, former_mailbox.name FROM expunged AS one
               LEFT JOIN mailbox ON mailbox.id = one.mailbox LEFT JOIN former_mailbox ON former_mailbox.id = one.mailbox
               WHERE one.account = ?1 AND (expunged_at, one.mailbox, one.uid) > (?2, ?3, ?4)
               ORDER BY expunged_at, one.mailbox, one.uid LIMIT ?5";
    let (at, mailbox, uid) =
        after.map_or((i64::MIN, 0, 0), |key| (key.expunged_at.0, key.mailbox.0 as i64, key.uid.value()));
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(sql)?;
    statement.query_and_then(params![account.0 as i64, at, mailbox, uid, limit], message)?.collect()
}

fn message(row: &Row<'_>) -> Result<ExpungedMessage, Fault> {
    let record = convert::message_record(row)?;
    let name = |at| -> Result<Option<MailboxName>, Fault> {
        let text = row.get_ref(at)?.as_str_or_null().map_err(rusqlite::Error::from)?;
        text.map(convert::mailbox_name).transpose()
    };
    let there = name(11)?;
    Ok(ExpungedMessage {
        key: ExpungedKey {
            expunged_at: UnixMillis(row.get(9)?),
            mailbox: MailboxId(row.get::<_, i64>(10)? as u64),
            uid: record.uid,
        },
        mailbox_exists: there.is_some(),
        mailbox_name: match there {
            Some(there) => there,
            None => name(12)?.unwrap_or_else(MailboxName::inbox),
        },
        record,
    })
}

pub(crate) fn removed_accounts(connection: &Connection, folded: &str) -> Result<Vec<RemovedAccount>, Fault> {
    let sql = "SELECT id, address, removed_at FROM former_account WHERE folded = ?1 ORDER BY removed_at, id";
    let mut statement = connection.prepare_cached(sql)?;
    let accounts = statement.query_and_then(params![folded], |row| -> Result<_, Fault> {
        Ok(RemovedAccount {
            id: AccountId(row.get::<_, i64>(0)? as u64),
            address: convert::address(&row.get::<_, String>(1)?)?,
            removed_at: UnixMillis(row.get(2)?),
        })
    })?;
    accounts.collect()
}
