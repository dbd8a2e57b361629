//! The STATUS response (RFC 9051 §7.3.3).

use posthouse_model::MailboxName;

use super::token::{mailbox, number};
use crate::answer::StatusRow;
use crate::extensions::object_id::mailbox_id;
use crate::grammar::mailbox::NameEncoding;
use crate::question::StatusItems;

/// `* STATUS mailbox "(" [status-att-list] ")"`
pub(crate) fn status(
    out: &mut Vec<u8>,
    name: &MailboxName,
    encoding: NameEncoding,
    items: StatusItems,
    row: &StatusRow,
    append_limit: u64,
) {
    out.extend_from_slice(b"* STATUS ");
    mailbox(out, name, encoding);
    out.extend_from_slice(b" (");
    let figures = [
        (items.messages, "MESSAGES", u64::from(row.messages)),
        (items.recent, "RECENT", 0),
        (items.uid_next, "UIDNEXT", u64::from(row.uid_next)),
        (items.uid_validity, "UIDVALIDITY", u64::from(row.uid_validity.0.get())),
        (items.unseen, "UNSEEN", u64::from(row.unseen)),
        (items.deleted, "DELETED", u64::from(row.deleted)),
        (items.size, "SIZE", row.size),
        (items.highest_modseq, "HIGHESTMODSEQ", row.highest_modseq.0),
        (items.append_limit, "APPENDLIMIT", append_limit),
        (items.deleted_storage, "DELETED-STORAGE", row.deleted_size),
    ];
    let mut first = true;
    for (_, label, value) in figures.into_iter().filter(|(wanted, ..)| *wanted) {
        if !std::mem::take(&mut first) {
            out.push(b' ');
        }
        out.extend_from_slice(label.as_bytes());
        out.push(b' ');
        number(out, value);
    }
    if items.mailbox_id {
        if !first {
            out.push(b' ');
        }
        mailbox_id(out, row.mailbox);
    }
    out.extend_from_slice(b")\r\n");
}
