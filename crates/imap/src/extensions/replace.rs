//! REPLACE (RFC 8508): a message comes and another goes, at once.

use posthouse_model::{MailboxName, Uid};

use crate::grammar::cursor::Cursor;
use crate::grammar::sequence_set::sequence_set;
use crate::grammar::{CommandError, Parsed};
use crate::session::append::target;
use crate::session::completion::Completion;
use crate::session::verbs::Invocation;
use crate::session::{ImapSession, Tag};

/// `replace = "REPLACE" SP seq-number SP mailbox append-message`, where nothing of it is a literal.
pub(crate) fn run(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    let (mailbox, replaces) = session.replacement(command.arguments, command.by_uid)?;
    session.append_text(command, mailbox, replaces)
}

impl ImapSession {
    /// `SP seq-number SP mailbox`, the number being a UID behind `UID`.
    pub(crate) fn replacement(&self, cursor: &mut Cursor<'_>, by_uid: bool) -> Parsed<(MailboxName, Option<Uid>)> {
        cursor.space()?;
        let set = sequence_set(cursor)?;
        let uids = self.resolve(&set, by_uid)?;
        let mailbox = target(cursor, self.names())?;
        self.check_writable()?;
        match (uids.first(), uids.last()) {
            (Some(first), Some(last)) if first == last => Ok((mailbox, Some(first))),
            (Some(_), _) => Err(CommandError::Unknown("One message is replaced at a time")),
            (None, _) => Err(CommandError::NoSuchUid),
        }
    }

    /// RFC 8508 §4.3: APPENDUID in an untagged OK, before the old message goes.
    pub(crate) fn replaced(&mut self, tag: &Tag, code: &[u8]) {
        self.out.extend_from_slice(b"* OK [");
        self.out.extend_from_slice(code);
        self.out.extend_from_slice(b"] The new message is stored\r\n");
        self.sync_after_expunge(tag, Completion::ok("Replaced"));
    }
}
