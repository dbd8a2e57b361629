//! Questions about how long mailboxes keep what is in them.

use posthouse_model::{AccountId, DomainId, MailboxId, SpecialUse, Uid, UnixMillis};
use posthouse_storage::{Keep, RetainedMailbox, RetentionRule, RetentionTarget, Scope};
use rusqlite::{Connection, Row, params};

use crate::convert;
use crate::fault::{Fault, damaged};

/// What stands before a name in the column of a target.
const NAME_SIGN: char = '=';

/// The columns scope and owner.
pub(crate) fn scope_columns(scope: Scope) -> (i64, i64) {
    match scope {
        Scope::Everyone => (0, 0),
        Scope::Domain(id) => (1, id.0 as i64),
        Scope::Account(id) => (2, id.0 as i64),
    }
}

/// The scope of two columns.
pub(crate) fn scope(column: i64, owner: i64) -> Result<Scope, Fault> {
    match column {
        0 => Ok(Scope::Everyone),
        1 => Ok(Scope::Domain(DomainId(owner as u64))),
        2 => Ok(Scope::Account(AccountId(owner as u64))),
        other => Err(damaged("the scope of a rule", other).into()),
    }
}

/// The column target.
pub(crate) fn target_column(target: &RetentionTarget) -> String {
    match target {
        RetentionTarget::Use(special_use) => special_use.attribute().to_owned(),
        RetentionTarget::Name(name) => format!("{NAME_SIGN}{}", name.as_str()),
    }
}

fn target(column: &str) -> Result<RetentionTarget, Fault> {
    match column.strip_prefix(NAME_SIGN) {
        Some(name) => Ok(RetentionTarget::Name(convert::mailbox_name(name)?)),
        None => {
            let special_use = SpecialUse::from_attribute(column);
            Ok(RetentionTarget::Use(special_use.ok_or_else(|| damaged("the target of a rule", column))?))
        }
    }
}

pub(crate) fn rules(connection: &Connection) -> Result<Vec<RetentionRule>, Fault> {
    let sql = "SELECT scope, owner, target, keep_days, keep_flagged FROM retention_rule ORDER BY scope, owner, target";
    let mut statement = connection.prepare_cached(sql)?;
    let rules = statement.query_and_then((), |row| -> Result<_, Fault> {
        Ok(RetentionRule {
            scope: scope(row.get(0)?, row.get(1)?)?,
            target: target(row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?)?,
            keep: row.get::<_, Option<u32>>(3)?.map_or(Keep::ForEver, Keep::Days),
            keep_flagged: row.get(4)?,
        })
    })?;
    rules.collect()
}

/// Mailboxes with messages, and with a use or a name that some rule has.
pub(crate) fn mailboxes(
    connection: &Connection,
    after: Option<MailboxId>,
    limit: usize,
) -> Result<Vec<RetainedMailbox>, Fault> {
    let sql = "SELECT mailbox.id, mailbox.account, account.domain, mailbox.name, mailbox.special_use FROM mailbox
               JOIN account ON account.id = mailbox.account WHERE mailbox.id > ?1 AND mailbox.messages > 0
               AND (mailbox.special_use IN (SELECT target FROM retention_rule)
                OR '=' || mailbox.name IN (SELECT target FROM retention_rule)) ORDER BY mailbox.id LIMIT ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let after = after.map_or(0, |id| id.0 as i64);
    statement.query_and_then(params![after, limit as i64], mailbox)?.collect()
}

fn mailbox(row: &Row<'_>) -> Result<RetainedMailbox, Fault> {
    Ok(RetainedMailbox {
        id: MailboxId(row.get::<_, i64>(0)? as u64),
        account: AccountId(row.get::<_, i64>(1)? as u64),
        domain: DomainId(row.get::<_, i64>(2)? as u64),
        name: convert::mailbox_name(row.get_ref(3)?.as_str().map_err(rusqlite::Error::from)?)?,
        special_use: convert::special_use(row.get_ref(4)?.as_str_or_null().map_err(rusqlite::Error::from)?)?,
    })
}

/// UIDs and flags of the messages that came into a mailbox before `saved_before`, up to the first that did not.
pub(crate) fn old_messages(
    connection: &Connection,
    mailbox: MailboxId,
    saved_before: UnixMillis,
    after: Option<Uid>,
    limit: usize,
) -> Result<Vec<(Uid, u8)>, Fault> {
    let sql = "SELECT uid, flags, saved_at FROM message WHERE mailbox = ?1 AND uid > ?2 ORDER BY uid LIMIT ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![mailbox.0 as i64, after.map_or(0, Uid::value), limit as i64])?;
    let mut old = Vec::new();
    while let Some(row) = rows.next()? {
        if row.get::<_, i64>(2)? >= saved_before.0 {
            break;
        }
        old.push((convert::uid(row.get(0)?)?, row.get(1)?));
    }
    Ok(old)
}
