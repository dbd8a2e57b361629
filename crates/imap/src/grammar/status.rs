//! Figures of a mailbox that a client asks for (RFC 9051 §9 `status-att`).

use super::cursor::Cursor;
use super::{CommandError, Parsed};
use crate::question::StatusItems;

/// ```text
/// "(" status-att *(SP status-att) ")"
/// status-att = "MESSAGES" / "UIDNEXT" / "UIDVALIDITY" / "UNSEEN" / "DELETED" / "SIZE"
///            / "RECENT"                       ; RFC 3501
///            / "HIGHESTMODSEQ"                ; RFC 7162
///            / "APPENDLIMIT"                  ; RFC 7889
///            / "MAILBOXID"                    ; RFC 8474
///            / "DELETED-STORAGE"              ; RFC 9208
/// ```
pub(crate) fn status_items(cursor: &mut Cursor<'_>) -> Parsed<StatusItems> {
    let mut items = StatusItems::default();
    cursor.open()?;
    loop {
        let name = cursor.atom()?;
        let item = [
            ("MESSAGES", &mut items.messages),
            ("UIDNEXT", &mut items.uid_next),
            ("UIDVALIDITY", &mut items.uid_validity),
            ("UNSEEN", &mut items.unseen),
            ("DELETED", &mut items.deleted),
            ("SIZE", &mut items.size),
            ("RECENT", &mut items.recent),
            ("HIGHESTMODSEQ", &mut items.highest_modseq),
            ("APPENDLIMIT", &mut items.append_limit),
            ("MAILBOXID", &mut items.mailbox_id),
            ("DELETED-STORAGE", &mut items.deleted_storage),
        ]
        .into_iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name));
        let (_, wanted) = item.ok_or(CommandError::Expected("a known STATUS item"))?;
        *wanted = true;
        if !cursor.take(b' ') {
            break;
        }
    }
    cursor.close()?;
    Ok(items)
}
