//! Bodies that are gone, and whose messages they were.

use posthouse_model::Uid;
use rusqlite::Row;

use super::{Examination, LostMessage, MAX_LOST_MESSAGES};
use crate::fault::Fault;

/// Notes bodies that are referred to and not in the index.
pub(super) fn missing_bodies(examination: &mut Examination<'_>) -> Result<(), Fault> {
    let sql = "SELECT body FROM (SELECT body FROM message UNION SELECT body FROM queue_message
               UNION SELECT body FROM expunged) WHERE body NOT IN (SELECT key FROM body)";
    let mut statement = examination.connection.prepare(sql)?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let key: i64 = row.get(0)?;
        examination.problem(format!("body {key} is referred to and not there"));
        if examination.lost_bodies.len() < MAX_LOST_MESSAGES {
            examination.lost_bodies.push(key);
        }
    }
    Ok(())
}

/// Works out whose messages the lost bodies were, by going through all messages once.
pub(super) fn who_lost(examination: &mut Examination<'_>) -> Result<(), Fault> {
    if examination.lost_bodies.is_empty() {
        return Ok(());
    }
    examination.lost_bodies.sort_unstable();
    examination.lost_bodies.dedup();
    let sql = "SELECT message.body, coalesce(account.address, 'account ' || mailbox.account, 'nobody'),
                coalesce(mailbox.name, 'mailbox ' || message.mailbox), uid, 0 FROM message
               LEFT JOIN mailbox ON mailbox.id = message.mailbox LEFT JOIN account ON account.id = mailbox.account
               UNION ALL
               SELECT expunged.body, coalesce(account.address, 'account ' || expunged.account),
                coalesce(mailbox.name, former_mailbox.name, 'mailbox ' || expunged.mailbox), uid, 1 FROM expunged
               LEFT JOIN account ON account.id = expunged.account LEFT JOIN mailbox ON mailbox.id = expunged.mailbox
               LEFT JOIN former_mailbox ON former_mailbox.id = expunged.mailbox
               UNION ALL
               SELECT body, coalesce(sender, '<>'), NULL, NULL, 0 FROM queue_message";
    let mut statement = examination.connection.prepare(sql)?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        if examination.lost_bodies.binary_search(&row.get(0)?).is_ok()
            && examination.found.lost.len() < MAX_LOST_MESSAGES
        {
            examination.found.lost.push(lost_message(row)?);
        }
    }
    Ok(())
}

fn lost_message(row: &Row<'_>) -> Result<LostMessage, Fault> {
    Ok(LostMessage {
        whose: row.get(1)?,
        mailbox: row.get(2)?,
        uid: row.get::<_, Option<u32>>(3)?.and_then(Uid::new),
        expunged: row.get(4)?,
    })
}
