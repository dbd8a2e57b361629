//! Names of mailboxes (RFC 9051 §5.1, RFC 3501 §5.1.3).

use posthouse_model::MailboxName;

use super::cursor::Cursor;
use super::{CommandError, Parsed};
use crate::mailbox_utf7;

/// How this client writes mailbox names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum NameEncoding {
    /// IMAP4rev1: modified UTF-7.
    #[default]
    Utf7,
    /// After ENABLE IMAP4rev2 (RFC 9051 §5.1) or UTF8=ACCEPT (RFC 6855 §3).
    Utf8,
}

impl NameEncoding {
    /// The text that `bytes` stand for.
    pub(crate) fn decode(self, bytes: &[u8]) -> Parsed<String> {
        match self {
            Self::Utf7 => mailbox_utf7::decode(bytes).map_err(|_| CommandError::BadMailboxName),
            Self::Utf8 => String::from_utf8(bytes.to_vec()).map_err(|_| CommandError::BadMailboxName),
        }
    }
}

/// A mailbox, or (the empty string) the server (RFC 5464 §4.2).
pub(crate) fn mailbox_or_server(cursor: &mut Cursor<'_>, encoding: NameEncoding) -> Parsed<Option<MailboxName>> {
    let mut ahead = *cursor;
    if ahead.astring()?.is_empty() {
        *cursor = ahead;
        return Ok(None);
    }
    mailbox(cursor, encoding).map(Some)
}

/// `mailbox = "INBOX" / astring`
pub(crate) fn mailbox(cursor: &mut Cursor<'_>, encoding: NameEncoding) -> Parsed<MailboxName> {
    let bytes = cursor.astring()?;
    MailboxName::parse(&encoding.decode(&bytes)?).map_err(|_| CommandError::BadMailboxName)
}
